import type { GraphBuilder, Value } from '../graph/graph.js'
import { channelsOf, planesOf, tensorType } from '../graph/tensor.js'
import { convWindow, type Padding, type Size } from './conv-geometry.js'
import { commonParams, residualBinding } from './conv-lower.js'
import { packedPlanes, packedVectors } from './conv-packing.js'
import { tensorInput } from './infer.js'
import { type OpDefinition, tensorOf, view } from './op.js'

export interface DepthwiseConv2dAttrs {
  /** Name of the weights, [channels, 1, kernel height, kernel width]. */
  readonly weight: string
  /** Name of the bias, [channels]; absent: zero. */
  readonly bias?: string
  readonly kernel: Size
  readonly stride: Size
  readonly padding: Padding
}

/** Outputs in a row that one invocation computes: each weight it loads serves them all. */
const PIXELS = 4
const WORKGROUP = 32

export const depthwiseConv2dOp: OpDefinition<DepthwiseConv2dAttrs> = {
  kind: 'depthwiseConv2d',
  epilogue: { activation: true, residual: true },
  infer(context) {
    const input = tensorInput('depthwiseConv2d', context, 0)
    const window = convWindow('depthwiseConv2d', context, input, context.attrs)
    return tensorType(input.n, window.outHeight, window.outWidth, channelsOf(input))
  },
  flops(context, output) {
    const input = tensorInput('depthwiseConv2d', context, 0)
    const { kernel } = convWindow('depthwiseConv2d', context, input, context.attrs)
    if (output.kind !== 'tensor') return 0
    return 2 * output.n * output.h * output.w * channelsOf(output) * kernel[0] * kernel[1]
  },
  lower(context) {
    const { node, attrs, output, storage, epilogue, residual } = context
    const [input] = context.inputs
    if (input === undefined) throw new TypeError('depthwiseConv2d has one input')
    const type = tensorOf(input)
    const { kernel, stride, padding, outHeight, outWidth } = convWindow(
      'depthwiseConv2d',
      { node, attrs, inputs: [type] },
      type,
      attrs,
    )
    const channels = channelsOf(type)
    const planes = planesOf(type)
    const runs = Math.ceil(outWidth / PIXELS)
    return [
      {
        kernel: 'depthwise.wgsl',
        variant: `${PIXELS}px`,
        params: { ...commonParams(context), PX: PIXELS, WG: WORKGROUP },
        uniforms: {
          x: view(input),
          y: view(output),
          ...(residual === undefined ? {} : { residual: view(residual) }),
          runs,
          kernelX: kernel[1],
          kernelY: kernel[0],
          strideX: stride[1],
          strideY: stride[0],
          padX: padding[1],
          padY: padding[0],
        },
        bindings: {
          x: input,
          weights: packedPlanes(attrs.weight, channels, kernel, storage),
          vectors: packedVectors(attrs.bias, epilogue.activation, channels, planes),
          y: output,
          ...residualBinding(context),
        },
        workgroups: [Math.ceil((runs * outHeight) / WORKGROUP), planes, type.n],
      },
    ]
  },
}

/** One filter per channel (channel multiplier 1). */
export function depthwiseConv2d(
  graph: GraphBuilder,
  name: string,
  input: Value,
  attrs: DepthwiseConv2dAttrs,
): Value {
  return graph.add(depthwiseConv2dOp, name, attrs, [input])
}
