/** The functions that add ops to a graph. */
export { leakyRelu, prelu, relu, sigmoid, tanh } from './activation.js'
export { inputTensor, outputTensor, type TensorShape } from './border.js'
export { channelPad, channelSlice, contiguousChannels } from './channels.js'
export { batchConcat, batchSlice, concat } from './concat.js'
export { type Conv2dAttrs, conv2d } from './conv2d.js'
export { type CorrelationAttrs, correlation } from './correlation.js'
export { depthwiseConv2d } from './depthwise-conv2d.js'
export { add, multiply, scale } from './elementwise.js'
export { fullyConnected } from './fully-connected.js'
export {
  type ImageInputOptions,
  type ImageTransform,
  imageInput,
  inputImages,
  inputRegistered,
  packImageTransform,
} from './image-input.js'
export { imageOutput } from './image-output.js'
export { fragmentDepth, fragmentMask, interpolate } from './interpolate.js'
export type { Activation, Epilogue, KernelCall, LowerContext, OpDefinition, WeightSource } from './op.js'
export { rasterise } from './rasterise.js'
export { type ResizeAttrs, resize } from './resize.js'
export { type TransposedConv2dAttrs, transposedConv2d } from './transposed-conv2d.js'
export { affineVertices, gatherVertices, vertexAttributes } from './vertices.js'
