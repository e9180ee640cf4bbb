/**
 * Face level of DeepFaceFlow, wherever it runs: photos in, dense 3D flow, meshes and pictures out. What browsers get of the
 * package; under Node, files, folders and video come to it (`index.ts`).
 */

export { LARGEST_TURN } from './animate/carry-over.js'
export { LARGEST_STRENGTH } from './animate/checked-options.js'
export { type CoverStretch, coverStretches } from './animate/cover-stretches.js'
export type { CoveredPart } from './animate/coverable-parts.js'
export type { AnimatingFaceFlow } from './animate/deep-face-flow.js'
export { type DriverCover, type DriverCovers, showsMouth } from './animate/driver-covers.js'
export type { Gaze } from './animate/gaze.js'
export type { HeadMotion } from './animate/head-motion.js'
export { MOTIONS, type Motion } from './animate/motion-choice.js'
export { PARTS, type Part, type Strengths } from './animate/photo-head.js'
export { referenceFrame } from './animate/reference-frame.js'
export { smoothedMotion } from './animate/smooth-motions.js'
export type { AnimatedFrame, AnimateOptions, Animation, DrawnFrame, ObservedFrame } from './animate/types.js'
export { DeepFaceFlowError, EngineError, type ErrorCode, FaceError } from './errors.js'
export { mostAtRest } from './expression/at-rest.js'
export { DeepFaceFlow, type ExpressiveFaceFlow } from './expression/deep-face-flow.js'
export type { FaceRig } from './expression/face-rig.js'
export { hiddenParts } from './expression/hidden-parts.js'
export { COEFFICIENT_NAMES, type CoefficientName } from './expression/names.js'
export type {
  Coefficient,
  Coefficients,
  Expression,
  ExpressionInput,
  ExpressionMemory,
  ExpressionOptions,
  ExpressionStep,
  ExpressionStream,
  ExpressionStreamOptions,
  ExpressiveFlowResult,
  ExpressiveGroupFlow,
  GazeAngles,
  HeadPose,
  PairExpression,
  ReadExpression,
  ResumedStep,
} from './expression/types.js'
export { assertInPhoto, severalFaces } from './face/find/face-choice.js'
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
export { applySimilarity3 } from './geometry/similarity3.js'
export type { Template } from './geometry/template.js'
export * from './geometry/types.js'
export { type AdapterReport, listAdapters } from './gpu/doctor.js'
export { type ExpressionKey, encodeExpressionGlb } from './io/expression-glb.js'
export { type ExpressionRow, expressionCsv, expressionJsonLines } from './io/expression-table.js'
export { decodeFlo, encodeFlo } from './io/flo.js'
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
export {
  type FormatOptions,
  makeProduct,
  PRODUCT_GROUPS,
  PRODUCT_NAMES,
  type ProductChoice,
  productFiles,
  RESULT_FILE,
  selectProducts,
  usesBackwardFlow,
} from './io/product-list.js'
export { type FlowStatistics, flowStatistics, summarise } from './io/summary.js'
export { type FaceTexture, faceTexture } from './io/texture.js'
export { framesCsv } from './io/video-csv.js'
export {
  type FrameFacts,
  type FrameRecord,
  type FrameStatus,
  hasFlow,
  isRecord,
  type MotionRecord,
  motionRecord,
} from './io/video-record.js'
export { DEPTHS, type DepthSource } from './nets/depth-from-motion.js'
export { EXTENTS, type Extent } from './nets/face-extent.js'
export { REFINEMENTS, type Refinement } from './nets/refinement.js'
export {
  type DownloadProgress,
  decodePhoto,
  encodeJpeg,
  encodePng,
  packageFacts,
  type ShippedFiles,
} from './platform/index.js'
export { expressionFlow, rigidFlow } from './products/expression.js'
export { forwardBackward } from './products/forward-backward.js'
export { moveMesh } from './products/moved-mesh.js'
export {
  flowToPhoto,
  mapPhotoPoint,
} from './products/photo-flow.js'
export {
  matchExposure,
  type PhotometricResidual,
  photometricResidual,
  type ResidualFigures,
  warpByFlow,
} from './products/residual.js'
export { fitRigidRobust, type RigidMotion, rigidInPhotos } from './products/rigid-motion.js'
export type { PairCheck, PairCheckCode } from './products/warnings.js'
export { messageOf } from './realms.js'
export type { AutotuneOptions, LayerTiming } from './runtime/autotune.js'
export type { BufferSlice, DeviceData } from './runtime/device-data.js'
export { type AdapterCheck, checkAdapter } from './runtime/self-test.js'
export { wheelColour } from './viz/colour-maps.js'
export { drawOverview } from './viz/figures.js'
export { depthMap, depthScale, flowMap, flowScale, pnccMap, scalarMap, wheelLegend } from './viz/maps.js'
export { drawSyntheticMark } from './viz/synthetic-mark.js'
