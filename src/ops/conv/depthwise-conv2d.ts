import { name, optional } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { tensorInput } from '../../graph/infer.js'
import { linearGrid } from '../../graph/lowering.js'
import { type OpDefinition, type Schedule, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, tensorType } from '../../graph/tensor.js'
import { convWindow, PADDING, type Padding, type Size, size } from './geometry.js'
import { packedPlanes, packedVectors } from './packing.js'
import { hasManyRegisters } from './registers.js'
import { loadingParams, residualBinding } from './task.js'

/** Attributes of {@link depthwiseConv2d}. */
export interface DepthwiseConv2dAttrs {
  /** Name of the weights, [channels, 1, kernel height, kernel width]. */
  readonly weight: string
  /** Name of the bias, [channels]; absent: zero. */
  readonly bias?: string
  readonly kernel: Size
  readonly stride: Size
  readonly padding: Padding
}

/**
 * Outputs side by side in a strip, by stride; measured best on both software adapters, whose compilers it suits too. The wide one
 * spills where registers are few.
 */
const WIDTH = { unit: 4, wider: 2 } as const
/** Rows of a strip at most. Software adapters gain by loading less, hardware by having more invocations. */
const ROWS: Readonly<Record<Schedule, number>> = { software: 24, hardware: 4 }

export const depthwiseConv2dOp: OpDefinition<DepthwiseConv2dAttrs> = {
  kind: 'depthwiseConv2d',
  inputs: [1, 1],
  attributes: { weight: name, bias: optional(name), kernel: size(1), stride: size(1), padding: PADDING },
  epilogue: { activation: true, residual: true },
  loads: [0],
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
    const { node, attrs, output, storage, epilogue, residual, schedule } = context
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
    const many = schedule === 'software' || hasManyRegisters(context.caps)
    const width = stride[1] === 1 && many ? WIDTH.unit : WIDTH.wider
    const stripsX = Math.ceil(outWidth / width)
    const rows = Math.ceil(outHeight / Math.ceil(outHeight / ROWS[schedule]))
    const strips = stripsX * Math.ceil(outHeight / rows)
    const invocations = strips * planes * type.n
    return [
      {
        kernel: 'depthwise.wgsl',
        variant: `strip-${width}`,
        params: {
          ...loadingParams(context),
          PX: width,
          RING: Math.ceil(kernel[0] / stride[0]),
          KX: kernel[1],
          KY: kernel[0],
          SX: stride[1],
          SY: stride[0],
        },
        uniforms: {
          x: view(input),
          y: view(output),
          ...(residual === undefined ? {} : { residual: view(residual) }),
          stripsX,
          strips,
          invocations,
          rows,
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
        workgroups: linearGrid(invocations),
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
  return addNode(graph, depthwiseConv2dOp, name, attrs, [input])
}
