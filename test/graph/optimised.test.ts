import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { channelsOf } from '../../src/graph/tensor.js'
import { Engine } from '../../src/runtime/engine.js'
import { randomArray, seededRandom } from '../random.js'
import { buildRandomGraph, recipes, shapeNamedWeights } from './random-graph.js'

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
})

afterAll(() => engine.dispose())

it('500 random graphs give the same with and without fusion, sharing of memory and reuse of slots', async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const graph = buildRandomGraph(recipe)
      const random = seededRandom('inputs')
      const inputs = Object.fromEntries(
        graph.inputs.map(({ name, value }) => {
          const type = graph.types[value]
          const size = (type?.kind === 'raw' ? type.bytes : 0) / 4
          return [name, Float32Array.from(randomArray(random, size, [-1, 1]))]
        }),
      )
      const results: Record<string, Float32Array>[] = []
      for (const optimise of [true, false]) {
        const plan = await engine.compile(graph, { weights: shapeNamedWeights, optimise })
        results.push((await plan.compute(inputs)) as Record<string, Float32Array>)
        // A second run on the same buffers must not see what the first one left.
        if (optimise) expect(await plan.compute(inputs)).toEqual(results[0])
        plan.dispose()
      }
      const [optimised, plain] = results
      for (const [name, values] of Object.entries(plain ?? {})) {
        const other = optimised?.[name] ?? new Float32Array()
        const range = values.reduce((max, v) => Math.max(max, Math.abs(v)), 1)
        const furthest = values.reduce(
          (most, value, i) => Math.max(most, Math.abs((other[i] as number) - value)),
          0,
        )
        expect(furthest).toBeLessThanOrEqual(2e-5 * range)
      }
    }),
    { numRuns: 500, seed: 20200613 },
  )
  expect(engine.stats.plans).toBe(0)
}, 600_000)

it('random graphs do contain what they are meant to test', () => {
  const kinds = new Map<string, number>()
  for (const recipe of fc.sample(recipes, { numRuns: 500, seed: 20200613 })) {
    for (const node of buildRandomGraph(recipe).nodes) {
      kinds.set(node.definition.kind, (kinds.get(node.definition.kind) ?? 0) + 1)
    }
  }
  for (const kind of [
    'conv2d',
    'relu',
    'leakyRelu',
    'sigmoid',
    'add',
    'concat',
    'concatPart',
    'batchConcat',
    'batchSlice',
  ]) {
    expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(50)
  }
  expect(channelsOf({ kind: 'tensor', n: 1, h: 1, w: 1, segments: [3, 2] })).toBe(5)
})
