/** Face level of DeepFaceFlow: photos in, dense 3D flow, meshes, files and pictures out. */

export { DeepFaceFlowError, EngineError, type ErrorCode, FaceError } from './errors.js'
export { DeepFaceFlow } from './face/deep-face-flow.js'
export { assertInPhoto } from './face/find/face-choice.js'
export { describeNetwork, SHIPPED_NETWORKS } from './face/network-files.js'
export { interocularDistance, LANDMARK_VERTICES, landmarks68 } from './face/register/landmarks.js'
export { assertRegistered } from './face/register/registered-frame.js'
export { loadTemplate } from './face/register/template-file.js'
export * from './face/types.js'
export { LatestFrames, type LiveCounters } from './face/video/live.js'
export {
  applySimilarity,
  applySimilarityToPoints,
  composeSimilarity,
  fitSimilarity,
  invertSimilarity,
} from './geometry/similarity.js'
export type { Template } from './geometry/template.js'
export * from './geometry/types.js'
export { type AdapterReport, listAdapters } from './gpu/doctor.js'
export {
  type BatchSummary,
  checkBatchSummary,
  type PairFailure,
  writeBatchSummary,
} from './io/batch-summary.js'
export { demoPhotos } from './io/demo.js'
export { decodeFlo, encodeFlo } from './io/flo.js'
export { type FrameSource, openFrames, type SourceFrame } from './io/frames.js'
export {
  type ClipFrame,
  encodeClipGlb,
  encodeMeshGlb,
  encodeMotionGlb,
  encodeMtl,
  encodeObj,
  encodePly,
  type MeshData,
  UP_AXES,
  type UpAxis,
  upright,
} from './io/mesh.js'
export { decodeNpy, encodeNpy } from './io/npy.js'
export { encodeNpz } from './io/npz.js'
export { type PairRow, readPairs } from './io/pairs-csv.js'
export {
  type FormatOptions,
  PRODUCT_GROUPS,
  PRODUCT_NAMES,
  type ProductChoice,
  productFiles,
  selectProducts,
  usesBackwardFlow,
} from './io/product-list.js'
export {
  checkNames,
  checkOutput,
  claimResultFolder,
  earlierResult,
  type WriteOptions,
  writeProducts,
} from './io/products.js'
export { type Provenance, provenanceChanges, provenanceDigest } from './io/provenance.js'
export { type EarlierResult, RESULT_FILE, ResultFolder } from './io/result-folder.js'
export { type FlowStatistics, flowStatistics, summarise } from './io/summary.js'
export type { VideoBinding } from './io/video-binding.js'
export { framesCsv } from './io/video-csv.js'
export { VIDEO_FILES, VideoFolder } from './io/video-files.js'
export { drawOverlays, hasOverlay, joinOverlay, overlayScale } from './io/video-overlay-files.js'
export { type FrameFacts, type FrameRecord, type FrameStatus, hasFlow } from './io/video-record.js'
export { DEPTHS, type DepthSource } from './nets/depth-from-motion.js'
export { REFINEMENTS, type Refinement } from './nets/refinement.js'
export { decodePhoto, encodeJpeg, encodePng, packageFacts, photoFile } from './platform/index.js'
export {
  makeOutputFolder,
  outputFailed,
  probeOutputFolder,
  removePendingFiles,
  writeFileAtomic,
} from './platform/node/atomic.js'
export { hideDriverMessages } from './platform/node/driver-messages.js'
export { hasFfmpeg } from './platform/node/ffmpeg-version.js'
export { describeOwner, type FolderLock, type LockOwner, takeLock } from './platform/node/folder-lock.js'
export { assertUnchanged, type HashedFile, hashFile } from './platform/node/hashed-file.js'
export type { VideoDamage } from './platform/node/video-frame.js'
export { expressionFlow, rigidFlow } from './products/expression.js'
export { moveMesh } from './products/moved-mesh.js'
export { forwardBackward } from './products/occlusion.js'
export {
  flowToPhoto,
  mapPhotoPoint,
} from './products/photo-flow.js'
export { type PhotometricResidual, photometricResidual, warpByFlow } from './products/residual.js'
export { fitRigidRobust, type RigidMotion, rigidInPhotos } from './products/rigid-motion.js'
export { messageOf } from './realms.js'
export type { AutotuneOptions, LayerTiming } from './runtime/autotune.js'
export type { BufferSlice, DeviceData } from './runtime/device-data.js'
export { type AdapterCheck, checkAdapter } from './runtime/self-test.js'
export { drawOverview } from './viz/figures.js'
