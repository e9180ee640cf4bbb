import { name, optional, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { tensorInput, wholeNumber } from '../../graph/infer.js'
import { type LowerContext, type OpDefinition, tensorOf } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { convCalls, convChoice } from './lower.js'
import type { ConvProblem } from './task.js'

/** Attributes of {@link fullyConnected}. */
export interface FullyConnectedAttrs {
  /** Name of the weights, [outChannels, height * width * channels of the input]. */
  readonly weight: string
  /** Name of the bias, [outChannels]; absent: zero. */
  readonly bias?: string
  readonly outChannels: number
}

export const fullyConnectedOp: OpDefinition<FullyConnectedAttrs> = {
  kind: 'fullyConnected',
  inputs: [1, 1],
  attributes: { weight: name, bias: optional(name), outChannels: whole() },
  epilogue: { activation: true, residual: true },
  readsSegments: true,
  loads: [0],
  infer(context) {
    const input = tensorInput('fullyConnected', context, 0)
    const channels = wholeNumber('fullyConnected', context, 'outChannels', context.attrs.outChannels, 1)
    return tensorType(input.n, 1, 1, channels)
  },
  flops(context, output) {
    const input = tensorInput('fullyConnected', context, 0)
    if (output.kind !== 'tensor') return 0
    return 2 * input.n * input.h * input.w * channelsOf(input) * channelsOf(output)
  },
  lower: (context) => convCalls(context, problemOf(context)),
  choice: (context) => convChoice(context, problemOf(context)),
}

/** A convolution whose kernel covers the whole input. */
function problemOf({ attrs, inputs }: LowerContext<FullyConnectedAttrs>): ConvProblem {
  const [input] = inputs
  if (input === undefined) throw new TypeError('fullyConnected has one input')
  const type = tensorOf(input)
  const inChannels = channelsOf(type)
  return {
    weights: {
      name: attrs.weight,
      shape: [attrs.outChannels, type.h * type.w * inChannels],
      taps: [type.h, type.w],
      firstIndexOf: (_phase, tapY, tapX) => (tapY * type.w + tapX) * inChannels,
      outputStep: type.h * type.w * inChannels,
      inputStep: 1,
    },
    bias: attrs.bias,
    gridHeight: 1,
    gridWidth: 1,
    inStride: [1, 1],
    outStride: [1, 1],
    lead: [0, 0],
    shift: [0, 0],
  }
}

/** y = W x + b for each of the N entries, the input flattened in H, W, C order; output N x 1 x 1 x outChannels. */
export function fullyConnected(
  graph: GraphBuilder,
  name: string,
  input: Value,
  attrs: FullyConnectedAttrs,
): Value {
  return addNode(graph, fullyConnectedOp, name, attrs, [input])
}
