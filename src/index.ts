/** Face level of DeepFaceFlow: photos in, dense 3D flow, meshes, files and pictures out. */

export { DeepFaceFlowError, EngineError, type ErrorCode, FaceError } from './errors.js'
export { DeepFaceFlow } from './face/deep-face-flow.js'
export {
  expressionFlow,
  flowToPhoto,
  forwardBackward,
  mapPhotoPoint,
  moveMesh,
  rigidFlow,
} from './face/geometry-flow.js'
export { interocularDistance, LANDMARK_VERTICES, landmarks68 } from './face/geometry-landmarks.js'
export { fitRigidRobust, rigidInPhotos } from './face/geometry-rigid.js'
export {
  applySimilarity,
  applySimilarityToPoints,
  composeSimilarity,
  fitSimilarity,
  invertSimilarity,
} from './face/geometry-similarity.js'
export { photometricResidual, warpByFlow } from './face/geometry-warp.js'
export { SHIPPED_NETWORKS } from './face/network-files.js'
export { loadTemplate, type Template } from './face/template.js'
export * from './face/types.js'
export { type AdapterReport, listAdapters } from './gpu/doctor.js'
export { packageFacts } from './gpu/package-root.js'
export { makeOutputFolder, outputFailed, removePendingFiles, writeFileAtomic } from './io/atomic.js'
export { demoPhotos } from './io/demo.js'
export { hasFfmpeg } from './io/ffmpeg.js'
export { decodeFlo, encodeFlo } from './io/flo.js'
export { type FrameSource, openFrames } from './io/frames.js'
export { decodePhoto, encodeJpeg, encodePng } from './io/image.js'
export { encodeMotionGlb, encodeObj, encodePly, type MeshData } from './io/mesh.js'
export { decodeNpy, encodeNpy } from './io/npy.js'
export { type PairRow, readPairs } from './io/pairs-csv.js'
export {
  PRODUCT_GROUPS,
  PRODUCT_NAMES,
  productFiles,
  RESULT_FILE,
  selectProducts,
  type WriteOptions,
  writeProducts,
} from './io/products.js'
export { type FlowStatistics, flowStatistics, summarise } from './io/summary.js'
export { type FrameRecord, VIDEO_FILES, VideoFolder } from './io/video-files.js'
export { DEPTHS, type DepthSource } from './nets/depth-from-motion.js'
export { REFINEMENTS, type Refinement } from './nets/refinement.js'
export type { AutotuneOptions, LayerTiming } from './runtime/autotune.js'
export { type AdapterCheck, checkAdapter } from './runtime/self-test.js'
export { drawOverview } from './viz/figures.js'
