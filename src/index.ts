/** The package under Node: the face level, and files, folders and video. */

export { type AssembleOptions, assembleCorpus } from './corpus/assemble.js'
export { DATASET_FILES, type Dataset, type EntryLine, readDataset } from './corpus/dataset.js'
export {
  bucketName,
  bucketOf,
  type CorpusEntry,
  type EntryKind,
  entryFolder,
  entryPaths,
} from './corpus/entry.js'
export {
  ENTRY_FILES,
  type EntryCounts,
  type EntryRecord,
  type FileFacts,
  isDone,
  readEntryRecord,
  whyOpen,
} from './corpus/entry-record.js'
export { type ManifestOptions, readManifest } from './corpus/manifest.js'
export { type GatheredCorpus, type GatherOptions, gatherShares } from './corpus/merge.js'
export {
  CORPUS_DEFAULTS,
  type CorpusEngine,
  type CorpusOptions,
  corpusOptions,
  type FrameFilters,
} from './corpus/options.js'
export { type CorpusPlan, openPlan, planCorpus } from './corpus/plan.js'
export { processEntry } from './corpus/process-entry.js'
export { CorpusQueue } from './corpus/queue/corpus-queue.js'
export { corpusTerms } from './corpus/queue/corpus-terms.js'
export type { QueueTerms } from './corpus/queue/terms.js'
export type {
  FillOptions,
  ProcessEntry,
  QueueEntry,
  QueueStatus,
  SetAside,
  WorkEvent,
  WorkOptions,
  WorkReport,
} from './corpus/queue/types.js'
export {
  type AssemblyOptions,
  type CorpusSettings,
  DEFAULT_SHARD_BYTES,
  readSettings,
  writeSettings,
} from './corpus/settings.js'
export { parseShare, type Share, sharePlan } from './corpus/share.js'
export { parseShares, SPLIT_BYS, type SplitBy, type Splits } from './corpus/splits.js'
export { isStoreAddress } from './corpus/store/address.js'
export type { ObjectStore } from './corpus/store/object-store.js'
export { S3Store } from './corpus/store/s3-store.js'
export {
  fetchEntries,
  fetchPlan,
  fetchRecord,
  fetchSettings,
  sendDataset,
  sendEntry,
  sendPlan,
} from './corpus/store/stored-corpus.js'
export { type CorpusCheck, type CorpusProblem, verifyCorpus } from './corpus/verify.js'
export type { EntryContext, WorkPhase } from './corpus/work.js'
export { computesInSoftware } from './gpu/doctor.js'
export * from './index.browser.js'
export { ANIMATION_FILES, AnimationFolder } from './io/animation-folder.js'
export type { AnimationRecord } from './io/animation-record.js'
export { joinAnimation } from './io/animation-video.js'
export {
  type BatchSummary,
  checkBatchSummary,
  type PairFailure,
  writeBatchSummary,
} from './io/batch-summary.js'
export { demoPhotos } from './io/demo.js'
export { ExpressionLog, type ExpressionRecord } from './io/expression-log.js'
export { type FrameSource, openFrames, type SourceFrame } from './io/frames.js'
export { type PairRow, readPairs } from './io/pairs-csv.js'
export {
  checkNames,
  checkOutput,
  claimResultFolder,
  earlierResult,
  type WriteOptions,
  writeProducts,
} from './io/products.js'
export {
  computedBy,
  type Provenance,
  provenanceChanges,
  provenanceDigest,
  withDigest,
} from './io/provenance.js'
export { type EarlierResult, ResultFolder } from './io/result-folder.js'
export { type AnimationManifest, animationManifest, syntheticXmp } from './io/synthetic.js'
export type { VideoBinding } from './io/video-binding.js'
export { videoExpressionsCsv } from './io/video-expressions.js'
export { VIDEO_FILES, VideoFolder } from './io/video-files.js'
export { drawOverlays, hasOverlay, joinOverlay, overlayScale } from './io/video-overlay-files.js'
export {
  makeOutputFolder,
  outputFailed,
  probeOutputFile,
  probeOutputFolder,
  removeIfEmpty,
  removePendingFiles,
  writeFileAtomic,
} from './platform/node/atomic.js'
export { hideDriverMessages } from './platform/node/driver-messages.js'
export { hasFfmpeg } from './platform/node/ffmpeg-version.js'
export { describeOwner, type FolderLock, type LockOwner, takeLock } from './platform/node/folder-lock.js'
export { isStillPicture } from './platform/node/foreign-format.js'
export { assertUnchanged, type HashedFile, hashFile } from './platform/node/hashed-file.js'
export { encodeDescribedPng } from './platform/node/image.js'
export { photoFile } from './platform/node/photo-input.js'
export { makeTemporaryFolder, type TemporaryFolder } from './platform/node/temporary-folder.js'
export type { VideoDamage } from './platform/node/video-frame.js'
export type { VideoFormat } from './platform/node/video-join.js'
