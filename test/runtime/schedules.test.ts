import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  GraphBuilder,
  loadNetworkFiles,
  outputTensor,
  packImageTransform,
  REGISTERED_INPUTS,
  registeredFlow,
  registeredFlowConfig,
  registeredFlowWeights,
  registeredRoiTransform,
} from '../../src/engine.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import type { PlanOptions } from '../../src/graph/plan.js'
import { decodePhoto } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { buildRandomGraph, recipes, shapeNamedWeights } from '../graph/random-graph.js'
import { randomArray, seededRandom } from '../random.js'
import { openWithF16 } from '../support/f16-engine.js'

const SCHEDULES: readonly Schedule[] = ['software', 'hardware']

let engine: Engine
/** Of an adapter with shader-f16, where there is one. */
let halfEngine: Engine
beforeAll(async () => {
  engine = await Engine.open()
  halfEngine = await openWithF16()
})
afterAll(() => {
  engine.dispose()
  halfEngine.dispose()
})

const furthest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0)

it('both schedules give the same flow of the shipped pair', async () => {
  const files = await loadNetworkFiles('dffnet-m')
  const graph = new GraphBuilder('registered flow')
  outputTensor(graph, 'flow', registeredFlow(graph, registeredFlowConfig(files)).flow)
  const built = graph.build()
  const frames = await Promise.all([1, 2].map((i) => decodePhoto(`test/fixtures/dffnet/pair0-${i}.png`)))
  const inputs = {
    [REGISTERED_INPUTS.i1]: frames[0]?.data as Uint8Array,
    [REGISTERED_INPUTS.i2]: frames[1]?.data as Uint8Array,
    [REGISTERED_INPUTS.roi]: packImageTransform(registeredRoiTransform(registeredFlowConfig(files))),
  }
  const flows: Float32Array[] = []
  for (const schedule of SCHEDULES) {
    const plan = await engine.compile(built, { weights: registeredFlowWeights(files), schedule })
    flows.push((await plan.compute(inputs)).flow as Float32Array)
    plan.dispose()
  }
  const [software, hardware] = flows as [Float32Array, Float32Array]
  expect(software.some((value) => Math.abs(value) > 1)).toBe(true)
  // Sums in another order: measured 9e-4 px on the whole face, 5e-5 px before it went beyond the mesh.
  expect(furthest(software, hardware)).toBeLessThan(2e-3)
}, 600_000)

function randomInputs(graph: Graph): Record<string, Float32Array> {
  const random = seededRandom('inputs')
  return Object.fromEntries(
    graph.inputs.map(({ name, value }) => {
      const type = graph.types[value]
      const size = (type?.kind === 'raw' ? type.bytes : 0) / 4
      return [name, Float32Array.from(randomArray(random, size, [-1, 1]))]
    }),
  )
}

it('both schedules give the same of 60 random graphs', async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const graph = buildRandomGraph(recipe)
      const inputs = randomInputs(graph)
      const results: Record<string, Float32Array>[] = []
      for (const schedule of SCHEDULES) {
        const plan = await engine.compile(graph, { weights: shapeNamedWeights, schedule })
        results.push((await plan.compute(inputs)) as Record<string, Float32Array>)
        plan.dispose()
      }
      const [software, hardware] = results
      for (const [name, values] of Object.entries(software ?? {})) {
        const range = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
        expect(furthest(values, hardware?.[name] as Float32Array)).toBeLessThanOrEqual(2e-5 * range)
      }
    }),
    { numRuns: 60, seed: 20200613 },
  )
})

it('60 random graphs of both element types, f16 storage, are near those of f32 in both schedules, or are refused', async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const graph = buildRandomGraph(recipe)
      const inputs = randomInputs(graph)
      const compute = async (options: PlanOptions) => {
        const plan = await halfEngine.compile(graph, { weights: shapeNamedWeights, ...options })
        const outputs = (await plan.compute(inputs)) as Record<string, Float32Array>
        plan.dispose()
        return outputs
      }
      const wanted = Object.entries(await compute({}))
      for (const schedule of SCHEDULES) {
        if (!halfEngine.caps.f16) {
          await expect(compute({ schedule, storage: 'f16' })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
          continue
        }
        const halves = await compute({ schedule, storage: 'f16' })
        for (const [name, values] of wanted) {
          const range = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
          expect(furthest(values, halves[name] as Float32Array)).toBeLessThanOrEqual(1e-2 * range)
        }
      }
    }),
    { numRuns: 60, seed: 20200613 },
  )
})
