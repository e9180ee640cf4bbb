import fc from 'fast-check'
import { type Graph, GraphBuilder, type Value } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { channelsOf, type TensorType } from '../../src/graph/tensor.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { leakyRelu, relu, sigmoid } from '../../src/ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { batchConcat, batchSlice, concat, concatPart } from '../../src/ops/tensor/concat.js'
import { add } from '../../src/ops/tensor/elementwise.js'
import { randomArray, seededRandom } from '../random.js'

/** One random growth step: an op and which of the values so far it reads (taken modulo their number). */
export interface Growth {
  readonly op:
    | 'conv'
    | 'relu'
    | 'leakyRelu'
    | 'sigmoid'
    | 'add'
    | 'concat'
    | 'concatPart'
    | 'batchConcat'
    | 'batchSlice'
  readonly first: number
  readonly second: number
  readonly third: number
  readonly channels: number
  readonly kernel: 1 | 3
  readonly isOutput: boolean
  /** Within `GraphBuilder.precise`. */
  readonly isPrecise: boolean
}

export interface Recipe {
  readonly size: readonly [number, number]
  readonly inputs: readonly { readonly n: number; readonly c: number }[]
  readonly growth: readonly Growth[]
}

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
  inputs: fc.array(fc.record({ n: fc.integer({ min: 1, max: 2 }), c: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  growth: fc.array(
    fc.record({
      // Concatenations and slices are what sharing memory is about: they come up often.
      op: fc.constantFrom<Growth['op'][]>(
        'conv',
        'conv',
        'conv',
        'relu',
        'leakyRelu',
        'sigmoid',
        'add',
        'add',
        'concat',
        'concat',
        'concat',
        'concatPart',
        'concatPart',
        'batchConcat',
        'batchSlice',
        'batchSlice',
      ),
      first: fc.nat(50),
      second: fc.nat(50),
      third: fc.nat(50),
      channels: fc.integer({ min: 1, max: 9 }),
      kernel: fc.constantFrom<(1 | 3)[]>(1, 3),
      isOutput: fc.boolean(),
      isPrecise: fc.boolean(),
    }),
    { minLength: 2, maxLength: 14 },
  ),
})

/** Builds the graph of a recipe. Steps whose inputs do not fit are left out; the last value is always an output. */
export function buildRandomGraph(recipe: Recipe): Graph {
  const graph = new GraphBuilder('random')
  const [h, w] = recipe.size
  const values = recipe.inputs.map(({ n, c }, i) => inputTensor(graph, `in${i}`, { n, h, w, c }))
  const outputs: Value[] = []
  recipe.growth.forEach((step, index) => {
    const build = () => grow(graph, `v${index}`, step, values)
    const value = step.isPrecise ? graph.precise(build) : build()
    if (value === undefined) return
    values.push(value)
    if (step.isOutput) outputs.push(value)
  })
  const last = values.at(-1)
  if (last !== undefined && !outputs.includes(last)) outputs.push(last)
  outputs.forEach((value, index) => {
    outputTensor(graph, `out${index}`, value)
  })
  return graph.build()
}

function grow(graph: GraphBuilder, name: string, step: Growth, values: readonly Value[]): Value | undefined {
  const pick = (index: number, fits: (type: TensorType) => boolean): Value | undefined => {
    const fitting = values.filter((value) => fits(value.type as TensorType))
    return fitting[index % fitting.length]
  }
  const a = pick(step.first, () => true) as Value
  const type = a.type as TensorType
  switch (step.op) {
    case 'conv':
      return conv2d(graph, name, a, {
        weight: `${step.channels},${channelsOf(type)},${step.kernel},${step.kernel}`,
        outChannels: step.channels,
        kernel: step.kernel,
        stride: 1,
        padding: (step.kernel - 1) / 2,
      })
    case 'relu':
      return relu(graph, name, a)
    case 'leakyRelu':
      return leakyRelu(graph, name, a, 0.1)
    case 'sigmoid':
      return sigmoid(graph, name, a)
    case 'add': {
      const b = pick(step.second, (t) => t.n === type.n && channelsOf(t) === channelsOf(type)) as Value
      return add(graph, name, a, b)
    }
    case 'concat': {
      const same = (t: TensorType) => t.n === type.n
      const parts = [a, pick(step.second, same), pick(step.third, same)].slice(0, 2 + (step.channels % 2))
      const total = parts.reduce((sum, part) => sum + channelsOf(part?.type as TensorType), 0)
      return total > 64 ? undefined : concat(graph, name, parts as Value[])
    }
    case 'concatPart': {
      const joined = pick(step.first, (t) => t.segments.length > 1)
      return (
        joined && concatPart(graph, name, joined, step.second % (joined.type as TensorType).segments.length)
      )
    }
    case 'batchConcat': {
      const b = pick(step.second, (t) => t.segments.join() === type.segments.join())
      if (b === undefined || type.n + (b.type as TensorType).n > 4) return undefined
      return batchConcat(graph, name, [a, b])
    }
    case 'batchSlice': {
      const start = step.second % type.n
      return batchSlice(graph, name, a, start, 1 + (step.third % (type.n - start)))
    }
    default:
      return step.op satisfies never
  }
}

/** Weights whose names are their shapes. */
export const shapeNamedWeights: WeightSource = {
  tensor(name, shape) {
    const size = shape.reduce((product, d) => product * d, 1)
    return Float32Array.from(randomArray(seededRandom(name), size, [-0.5, 0.5]))
  },
}
