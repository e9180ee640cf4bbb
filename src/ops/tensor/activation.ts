import { type AttributeChecks, finite, oneOf, name as weightName } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { tensorInput } from '../../graph/infer.js'
import type { Activation, OpDefinition } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { elementwiseCall } from './elementwise.js'

/** Nodes of their own only where no producer can apply them (see `asEpilogue`). */
function activationOp<A extends Activation>(
  kind: A['kind'],
  cost: number,
  attributes: Omit<AttributeChecks<A>, 'kind'>,
): OpDefinition<A> {
  // Slopes are stored by logical channel, so a concatenation must be contiguous to meet them.
  const perChannel = kind === 'prelu'
  return {
    kind,
    inputs: [1, 1],
    attributes: { ...attributes, kind: oneOf(kind) } as AttributeChecks<A>,
    inPlaceInput: 0,
    readsSegments: !perChannel,
    asEpilogue: (activation) => ({ activation }),
    precise: 'asFirst',
    infer(context) {
      const type = tensorInput(kind, context, 0)
      return perChannel ? tensorType(type.n, type.h, type.w, channelsOf(type)) : type
    },
    flops: (_, output) =>
      output.kind === 'tensor' ? cost * output.n * output.h * output.w * channelsOf(output) : 0,
    lower: (context) => [elementwiseCall(context, { operation: 'none', activation: context.attrs })],
  }
}

type ActivationOf<K extends Activation['kind']> = Extract<Activation, { kind: K }>

export const reluOp = activationOp<ActivationOf<'relu'>>('relu', 1, {})
export const leakyReluOp = activationOp<ActivationOf<'leakyRelu'>>('leakyRelu', 2, { slope: finite })
export const preluOp = activationOp<ActivationOf<'prelu'>>('prelu', 2, { slopes: weightName })
export const sigmoidOp = activationOp<ActivationOf<'sigmoid'>>('sigmoid', 4, {})
export const tanhOp = activationOp<ActivationOf<'tanh'>>('tanh', 4, {})

/** max(x, 0). */
export function relu(graph: GraphBuilder, name: string, input: Value): Value {
  return addNode(graph, reluOp, name, { kind: 'relu' }, [input])
}

/** x where positive, else slope * x. */
export function leakyRelu(graph: GraphBuilder, name: string, input: Value, slope: number): Value {
  return addNode(graph, leakyReluOp, name, { kind: 'leakyRelu', slope }, [input])
}

/**
 * x where positive, else x times its channel's slope.
 * @param slopes name of the weight tensor, one value per channel
 */
export function prelu(graph: GraphBuilder, name: string, input: Value, slopes: string): Value {
  return addNode(graph, preluOp, name, { kind: 'prelu', slopes }, [input])
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(graph: GraphBuilder, name: string, input: Value): Value {
  return addNode(graph, sigmoidOp, name, { kind: 'sigmoid' }, [input])
}

/** Hyperbolic tangent. */
export function tanh(graph: GraphBuilder, name: string, input: Value): Value {
  return addNode(graph, tanhOp, name, { kind: 'tanh' }, [input])
}
