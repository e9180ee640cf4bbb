/** The functions that add ops to a graph, and what is needed to write another op. */
export { leakyRelu, prelu, relu, sigmoid, tanh } from './activation.js'
export { inputTensor, outputTensor, type TensorShape } from './border.js'
export { channelPad, channelSlice, contiguousChannels } from './channels.js'
export { batchConcat, batchSlice, concat } from './concat.js'
export { type ConsistencyAttrs, forwardBackwardConsistency } from './consistency.js'
export { type Conv2dAttrs, conv2d } from './conv2d.js'
export { type CorrelationAttrs, correlation } from './correlation.js'
export { type DepthwiseConv2dAttrs, depthwiseConv2d } from './depthwise-conv2d.js'
export { add, multiply, type ScaleAttrs, scale } from './elementwise.js'
export { type FullyConnectedAttrs, fullyConnected } from './fully-connected.js'
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
} from './image-input.js'
export { type ImageOutputAttrs, imageOutput } from './image-output.js'
export { fragmentDepth, fragmentMask, interpolate } from './interpolate.js'
export {
  INVERSE_SEARCH_DEFAULTS,
  type InverseSearchAttrs,
  inverseSearch,
} from './inverse-search.js'
export {
  type RegionCropAttrs,
  type RegionPointsAttrs,
  type RegionTransformAttrs,
  regionCrop,
  regionPoints,
  regionTransform,
} from './landmark-attention.js'
export {
  type Activation,
  type Epilogue,
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  type Operand,
  view,
  type WeightSource,
} from './op.js'
export { type CropAttrs, crop, type PadAttrs, pad } from './pad-crop.js'
export { type PoolAttrs, poolAvg, poolMax } from './pool.js'
export { type RasteriseAttrs, rasterise } from './rasterise.js'
export { type MeanErrorAttrs, meanError, type ReduceAttrs, reduce } from './reduce.js'
export { type RefineMeshAttrs, refineMesh } from './refine-mesh.js'
export { reshape } from './reshape.js'
export { type ResizeAttrs, resize } from './resize.js'
export { type TransposedConv2dAttrs, transposedConv2d } from './transposed-conv2d.js'
export { VARIATIONAL_DEFAULTS, type VariationalAttrs, variationalRefinement } from './variational.js'
export { addVertexDepth, type VertexDepthAttrs } from './vertex-depth.js'
export { VERTEX_MOTION, type VertexMotionAttrs, vertexMotion } from './vertex-motion.js'
export {
  affineVertices,
  gatherVertices,
  meanVertices,
  type VertexAttribute,
  vertexAttributes,
} from './vertices.js'
export { type WarpAttrs, type WarpValidityAttrs, warp, warpValidity } from './warp.js'
