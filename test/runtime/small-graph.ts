import { type Graph, GraphBuilder } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { leakyRelu } from '../../src/ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { batchConcat, batchSlice, concat } from '../../src/ops/tensor/concat.js'
import { randomArray, seededRandom } from '../random.js'

/** A network small enough to be compiled hundreds of times: a siamese layer, a concatenation, a prediction. */
export function smallGraph(name = 'small'): Graph {
  const graph = new GraphBuilder(name)
  const a = inputTensor(graph, 'a', { n: 1, h: 9, w: 7, c: 3 })
  const b = inputTensor(graph, 'b', { n: 1, h: 9, w: 7, c: 3 })
  const layer = { kernel: 3, stride: 1, padding: 1 } as const
  const both = batchConcat(graph, 'both', [a, b])
  const features = conv2d(graph, 'features', both, {
    ...layer,
    weight: 'features.weight',
    bias: 'features.bias',
    outChannels: 6,
  })
  const active = leakyRelu(graph, 'active', features, 0.1)
  const parts = [0, 1].map((i) => batchSlice(graph, `part${i}`, active, i, 1))
  const flow = conv2d(graph, 'predict', concat(graph, 'joined', parts), {
    ...layer,
    weight: 'predict.weight',
    outChannels: 3,
  })
  outputTensor(graph, 'flow', flow)
  return graph.build()
}

export const SMALL_SIZE = 9 * 7 * 3

export function smallWeights(): WeightSource {
  return {
    tensor(name, shape) {
      const size = shape.reduce((product, d) => product * d, 1)
      return Float32Array.from(randomArray(seededRandom(name), size, [-0.5, 0.5]))
    },
  }
}

export function smallInputs(): Record<string, Float32Array> {
  const random = seededRandom('small inputs')
  const make = () => Float32Array.from(randomArray(random, SMALL_SIZE, [-1, 1]))
  return { a: make(), b: make() }
}
