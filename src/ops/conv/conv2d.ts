import { name, optional, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { tensorInput, wholeNumber } from '../../graph/infer.js'
import { type LowerContext, type OpDefinition, tensorOf } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { convWindow, PADDING, type Padding, type Size, size } from './geometry.js'
import { convCalls, convChoice } from './lower.js'
import type { ConvProblem } from './task.js'

/** Attributes of {@link conv2d}. */
export interface Conv2dAttrs {
  /** Name of the weights, OIHW: [outChannels, input channels, kernel height, kernel width]. */
  readonly weight: string
  /** Name of the bias, [outChannels]; absent: zero. */
  readonly bias?: string
  readonly outChannels: number
  readonly kernel: Size
  readonly stride: Size
  readonly padding: Padding
}

export const conv2dOp: OpDefinition<Conv2dAttrs> = {
  kind: 'conv2d',
  inputs: [1, 1],
  attributes: {
    weight: name,
    bias: optional(name),
    outChannels: whole(),
    kernel: size(1),
    stride: size(1),
    padding: PADDING,
  },
  epilogue: { activation: true, residual: true },
  readsSegments: true,
  loads: [0],
  infer(context) {
    const input = tensorInput('conv2d', context, 0)
    const channels = wholeNumber('conv2d', context, 'outChannels', context.attrs.outChannels, 1)
    const window = convWindow('conv2d', context, input, context.attrs)
    return tensorType(input.n, window.outHeight, window.outWidth, channels)
  },
  flops(context, output) {
    const input = tensorInput('conv2d', context, 0)
    const { kernel } = convWindow('conv2d', context, input, context.attrs)
    if (output.kind !== 'tensor') return 0
    return 2 * output.n * output.h * output.w * channelsOf(output) * channelsOf(input) * kernel[0] * kernel[1]
  },
  lower: (context) => convCalls(context, problemOf(context)),
  choice: (context) => convChoice(context, problemOf(context)),
}

function problemOf({ node, attrs, inputs }: LowerContext<Conv2dAttrs>): ConvProblem {
  const [input] = inputs
  if (input === undefined) throw new TypeError('conv2d has one input')
  const type = tensorOf(input)
  const { kernel, stride, padding, outHeight, outWidth } = convWindow(
    'conv2d',
    { node, attrs, inputs: [type] },
    type,
    attrs,
  )
  const inChannels = channelsOf(type)
  return {
    weights: {
      name: attrs.weight,
      shape: [attrs.outChannels, inChannels, kernel[0], kernel[1]],
      taps: kernel,
      firstIndexOf: (_phase, tapY, tapX) => tapY * kernel[1] + tapX,
      outputStep: inChannels * kernel[0] * kernel[1],
      inputStep: kernel[0] * kernel[1],
    },
    bias: attrs.bias,
    gridHeight: outHeight,
    gridWidth: outWidth,
    inStride: stride,
    outStride: [1, 1],
    lead: [0, 0],
    shift: padding,
  }
}

/** Cross-correlation with OIHW weights, as in every network library; N entries in one dispatch. */
export function conv2d(graph: GraphBuilder, name: string, input: Value, attrs: Conv2dAttrs): Value {
  return addNode(graph, conv2dOp, name, attrs, [input])
}
