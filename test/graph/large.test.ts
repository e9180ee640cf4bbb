import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { planGraph } from '../../src/graph/plan.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { relu } from '../../src/ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { batchConcat, batchSlice, concat } from '../../src/ops/tensor/concat.js'
import { add, scale } from '../../src/ops/tensor/elementwise.js'
import { fakeCaps } from './caps.js'

/** Planning takes about as long as the graph is large. Quadratic, these graphs take from ten seconds to minutes. */

function cpuSecondsOf(build: (graph: GraphBuilder, x: Value) => Value): { seconds: number; steps: number } {
  const before = process.cpuUsage()
  const graph = new GraphBuilder('large')
  const x = inputTensor(graph, 'x', { n: 2, h: 2, w: 2, c: 4 })
  outputTensor(graph, 'y', build(graph, x))
  const { steps } = planGraph(graph.build(), fakeCaps({}))
  const { user } = process.cpuUsage(before)
  return { seconds: user / 1e6, steps: steps.length }
}

function chain(x: Value, grow: (name: string, value: Value) => Value): Value {
  let value = x
  for (let i = 0; i < 20_000; i++) value = grow(`link ${i}`, value)
  return value
}

const parts = (count: number, make: (i: number) => Value) => Array.from({ length: count }, (_, i) => make(i))

describe('planning', () => {
  it.each<[string, number, (graph: GraphBuilder, x: Value) => Value]>([
    ['a chain of scales', 20_002, (g, x) => chain(x, (name, v) => scale(g, name, v, { scale: 2 }))],
    ['a chain of sums', 20_002, (g, x) => chain(x, (name, v) => add(g, name, v, v))],
    [
      'a chain of fused convolutions',
      20_002,
      (g, x) =>
        chain(x, (name, v) => {
          const layer = { weight: 'w', outChannels: 4, kernel: 1, stride: 1, padding: 0 }
          return relu(g, `${name} relu`, conv2d(g, name, v, layer))
        }),
    ],
    [
      'a wide concatenation',
      4_802,
      (g, x) =>
        concat(
          g,
          'c',
          parts(4_800, (i) => relu(g, `${i}`, x)),
        ),
    ],
    ['one part many times', 1_203, (g, x) => concat(g, 'c', Array(1_200).fill(relu(g, 'r', x)))],
    [
      'a wide batch',
      4_802,
      (g, x) =>
        batchConcat(
          g,
          'c',
          parts(4_800, (i) => relu(g, `${i}`, x)),
        ),
    ],
    [
      'many slices',
      4_802,
      (g, x) =>
        batchConcat(
          g,
          'c',
          parts(4_800, (i) => batchSlice(g, `${i}`, x, i % 2, 1)),
        ),
    ],
  ])('%s takes a moment', (_, most, build) => {
    const { seconds, steps } = cpuSecondsOf(build)
    expect(steps).toBeLessThanOrEqual(most)
    expect(seconds).toBeLessThan(6)
  })
})
