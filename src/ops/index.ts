/** The functions that add ops to a graph, and what is needed to write another op. */

export {
  type Activation,
  type Epilogue,
  type InferContext,
  type KernelCall,
  type KernelChoice,
  type LowerContext,
  type OpDefinition,
  type Operand,
  type PackedData,
  type Schedule,
  type UniformValue,
  type ViewOf,
  view,
  type WeightSource,
} from '../graph/op.js'
export { type Conv2dAttrs, conv2d } from './conv/conv2d.js'
export { type DepthwiseConv2dAttrs, depthwiseConv2d } from './conv/depthwise-conv2d.js'
export { type FullyConnectedAttrs, fullyConnected } from './conv/fully-connected.js'
export { type TransposedConv2dAttrs, transposedConv2d } from './conv/transposed-conv2d.js'
export { type ConsistencyAttrs, forwardBackwardConsistency } from './flow/consistency.js'
export { type CorrelationAttrs, correlation } from './flow/correlation.js'
export {
  DEPTH_RADIUS,
  flowOnFace,
  OPENING_DEFAULTS,
  type OpeningAttrs,
  openingEdgesType,
} from './flow/flow-on-face.js'
export {
  INVERSE_SEARCH_DEFAULTS,
  type InverseSearchAttrs,
  inverseSearch,
} from './flow/inverse-search.js'
export { VARIATIONAL_DEFAULTS, type VariationalAttrs, variationalRefinement } from './flow/variational.js'
export { type WarpAttrs, type WarpValidityAttrs, warp, warpValidity } from './flow/warp.js'
export { blendLayers } from './image/blend-layers.js'
export { compositeSheet, type SheetLayers } from './image/composite-sheet.js'
export {
  frameType,
  type ImageInputOptions,
  type ImageTransform,
  imageFrames,
  imageInput,
  inputImages,
  inputRegistered,
  type PixelFormat,
  packImageTransform,
  pixelBufferType,
} from './image/image-input.js'
export { type ImageOutputAttrs, imageOutput } from './image/image-output.js'
export { type ResizeAttrs, resize } from './image/resize.js'
export { type AddVertexMotionAttrs, addVertexMotion } from './mesh/add-vertex-motion.js'
export { type ExtendVerticesAttrs, extendVertices } from './mesh/extend-vertices.js'
export { fragmentDepth, fragmentMask, fragmentMasked, interpolate } from './mesh/interpolate.js'
export {
  type RegionCropAttrs,
  type RegionPointsAttrs,
  type RegionTransformAttrs,
  regionCrop,
  regionPoints,
  regionTransform,
} from './mesh/landmark-attention.js'
export { type LeadVerticesAttrs, leadVertices, vertexGoalsType } from './mesh/lead-vertices.js'
export { type RasteriseAttrs, rasterise } from './mesh/rasterise.js'
export { type RefineMeshAttrs, refineMesh } from './mesh/refine-mesh.js'
export { type SmoothRimAttrs, smoothRim } from './mesh/smooth-rim.js'
export { VERTEX_MOTION, type VertexMotionAttrs, vertexMotion } from './mesh/vertex-motion.js'
export {
  affineVertices,
  gatherVertices,
  meanVertices,
  type VertexAttribute,
  type VertexTransform,
  vertexAttributes,
} from './mesh/vertices.js'
export { leakyRelu, prelu, relu, sigmoid, tanh } from './tensor/activation.js'
export { inputTensor, outputTensor, type TensorShape } from './tensor/border.js'
export { channelPad, channelSlice, contiguousChannels } from './tensor/channels.js'
export { batchConcat, batchSlice, concat, concatPart } from './tensor/concat.js'
export { add, multiply, type ScaleAttrs, scale } from './tensor/elementwise.js'
export { type CropAttrs, crop, type PadAttrs, pad } from './tensor/pad-crop.js'
export { type PoolAttrs, poolAvg, poolMax } from './tensor/pool.js'
export { type MeanErrorAttrs, meanError, type ReduceAttrs, reduce } from './tensor/reduce.js'
export { reshape } from './tensor/reshape.js'
