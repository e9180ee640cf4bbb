import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { planGraph } from '../../src/graph/plan.js'
import { depthFromMotion, depthFromMotionShapes } from '../../src/nets/depth-from-motion.js'
import { rasterise } from '../../src/ops/mesh/rasterise.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import { elementsOf } from '../../src/weights/format.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import type { RefTensor } from '../cases/case.js'
import { randomTriangles } from '../cases/raster.js'
import { fakeCaps } from '../graph/caps.js'
import { arrayWeights, compare } from '../kernels/run-case.js'
import { randomArray, seededRandom } from '../random.js'
import { elementOf, refTensor } from '../reference/dense.js'
import { interpolateReference, rasteriseReference } from '../reference/raster.js'
import { vertexMotionReference } from '../reference/vertex-motion.js'
import { GOLDEN_NETWORKS } from './dffnet-goldens.js'

const [WIDTH, HEIGHT, VERTICES] = [61, 47, 53]
const LAYERS = { components: 13, hidden: 11 }
const triangles = randomTriangles(60, VERTICES)
const random = seededRandom('depth from motion')
const tensor = (h: number, w: number, c: number, range: readonly [number, number]): RefTensor => ({
  ...{ n: 1, h, w, c },
  data: randomArray(random, h * w * c, range),
})
const flow = tensor(HEIGHT, WIDTH, 3, [-12, 12])
const meshes = [tensor(1, VERTICES, 3, [-4, 60]), tensor(1, VERTICES, 3, [-4, 60])] as const

interface Weights {
  readonly arrays: Readonly<Record<string, Float64Array>>
  readonly shapes: Readonly<Record<string, readonly number[]>>
}

function weightsFor(meshPrior: boolean): Weights {
  const shapes = depthFromMotionShapes(LAYERS, meshPrior, VERTICES)
  const arrays = [...shapes].map(([name, shape]): [string, Float64Array] => {
    const bound = name.endsWith('bias') ? 0.2 : Math.sqrt(3 / (shape[1] ?? 1))
    return [name, randomArray(random, elementsOf(shape), [-bound, bound])]
  })
  return { arrays: Object.fromEntries(arrays), shapes: Object.fromEntries(shapes) }
}

/** y = W x + b, straight from the trainer's layout. */
function dense({ arrays }: Weights, layer: number, x: readonly number[]): number[] {
  const [weight, bias] = ['weight', 'bias'].map((part) => arrays[`depth.${layer}.${part}`] as Float64Array)
  return Array.from(bias as Float64Array, (start, row) =>
    x.reduce((sum, value, i) => sum + (weight?.[row * x.length + i] ?? Number.NaN) * value, start),
  )
}

/** The flow with its new dz, in float64. */
function reference(weights: Weights, used: readonly RefTensor[]): RefTensor {
  const [first, second] = used as [RefTensor, RefTensor?]
  const fragments = rasteriseReference(first, { width: WIDTH, height: HEIGHT, triangles })
  const beyond = vertexMotionReference(flow, fragments, used, 1 / 20)
  const inputs = Array.from({ length: VERTICES }, (_, v) => {
    const of = (mesh: RefTensor) => [0, 1, 2].map((axis) => elementOf(mesh, 0, 0, v, axis))
    const [x = 0, y = 0, z = 0] = of(first)
    const difference = second ? of(second).map((value, axis) => (value - (of(first)[axis] ?? 0)) / 20) : []
    return [(x - WIDTH / 2) / 100, (y - HEIGHT / 2) / 100, z / 100, ...difference, ...of(beyond)]
  }).flat()
  const act = (x: readonly number[]) => x.map((value) => Math.max(value, 0.1 * value))
  const change = dense(weights, 4, act(dense(weights, 3, act(dense(weights, 2, dense(weights, 1, inputs))))))
  const perVertex = { n: 1, h: 1, w: VERTICES, c: 1, data: Float64Array.from(change) }
  const spread = interpolateReference(fragments, perVertex, triangles)
  return refTensor(1, HEIGHT, WIDTH, 3, (n, y, x, c) => {
    return elementOf(flow, n, y, x, c) + (c === 2 ? 20 * elementOf(spread, n, y, x, 0) : 0)
  })
}

function stage(
  prior: boolean,
  shape = { h: HEIGHT, w: WIDTH, vertices: VERTICES, layers: LAYERS, triangles },
) {
  const graph = new GraphBuilder('depth from motion')
  const { h, w, vertices, layers, triangles } = shape
  const flowIn = inputTensor(graph, 'flow', { n: 1, h, w, c: 3 })
  const mesh = (name: string) => inputTensor(graph, name, { n: 1, h: 1, w: vertices, c: 3 })
  const a = mesh('mesh A')
  const fragments = rasterise(graph, 'fragments', a, { width: w, height: h, triangles })
  const config = { ...layers, triangles }
  const pair = prior ? ([a, mesh('mesh B')] as const) : ([a] as const)
  outputTensor(graph, 'moved', depthFromMotion(graph, 'depth from motion', flowIn, fragments, pair, config))
  return graph.build()
}

describe('depth from motion', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await Engine.open()
  })
  afterAll(() => engine.dispose())

  for (const schedule of ['software', 'hardware'] as const satisfies readonly Schedule[]) {
    it.each([
      ['with the mesh prior', true],
      ['without', false],
    ])(`gives what its definition gives, %s [${schedule}]`, async (_, prior) => {
      const weights = weightsFor(prior)
      const used = prior ? meshes : [meshes[0]]
      const plan = await engine.compile(stage(prior), {
        schedule,
        weights: arrayWeights(weights.arrays, weights.shapes),
      })
      const inputs = {
        flow: Float32Array.from(flow.data),
        ...Object.fromEntries(used.map(({ data }, i) => [`mesh ${'AB'[i]}`, Float32Array.from(data)])),
      }
      const { moved } = await plan.compute(inputs)
      plan.dispose()
      const expected = reference(weights, used)
      const { nmse, maxError, range } = compare(moved as Float32Array, expected.data)
      expect(nmse).toBeLessThan(1e-11)
      expect(maxError / range).toBeLessThan(1e-5)
      // The test would see little if dz hardly moved.
      const dz = expected.data.filter((value, i) => i % 3 === 2 && Math.abs(value - (flow.data[i] ?? 0)) > 1)
      expect(dz.length).toBeGreaterThan(200)
    })
  }
})

describe.each(GOLDEN_NETWORKS)('shipped depth from motion of %s', (shipped) => {
  it('gives the dz that PyTorch gives, within 0.05 px on four real pairs', async () => {
    const { depth, triangles: face } = await loadNetworkFiles(shipped)
    if (depth === undefined) throw new TypeError(`weights/${shipped}-depth.safetensors is missing`)
    const size = 224
    const shape = { h: size, w: size, vertices: 468, layers: depth.config, triangles: face }
    const engine = await Engine.open()
    const plan = await engine.compile(stage(true, shape), { weights: depth.weights })
    for (let pair = 0; pair < 4; pair++) {
      const golden = await readSafetensors(`test/fixtures/dffnet/pair${pair}.safetensors`)
      const outputs = await readSafetensors(`test/fixtures/dffnet/pair${pair}-${shipped}.safetensors`)
      const [row = 0, column = 0] = golden.indices('origin', [2])
      const [h = 0, w = 0] = outputs.entries().find(({ name }) => name === 'dz')?.shape ?? []
      const window = outputs.tensor('flow', [3, h, w])
      const flowIn = new Float32Array(size * size * 3)
      const at = (i: number) => ((row + Math.floor(i / w)) * size + column + (i % w)) * 3
      for (let i = 0; i < h * w; i++) {
        for (let c = 0; c < 3; c++) flowIn[at(i) + c] = window[c * h * w + i] as number
      }
      const { moved } = (await plan.compute({
        flow: flowIn,
        'mesh A': golden.tensor('mesh_a', [468, 3]),
        'mesh B': golden.tensor('mesh_b', [468, 3]),
      })) as { moved: Float32Array }
      let worst = 0
      let changed = 0
      const expected = outputs.tensor('dz', [h, w])
      const mask = golden.tensor('encoding', [7, h, w])
      for (let i = 0; i < h * w; i++) {
        // The flow is stored off the mesh too, where the stage leaves it and PyTorch's was cut away.
        if ((mask[i] as number) + (mask[h * w + i] as number) + (mask[2 * h * w + i] as number) === 0)
          continue
        worst = Math.max(worst, Math.abs((moved[at(i) + 2] as number) - (expected[i] as number)))
        changed = Math.max(changed, Math.abs((flowIn[at(i) + 2] as number) - (expected[i] as number)))
      }
      expect(worst, `pair ${pair}`).toBeLessThan(0.05)
      expect(changed, `pair ${pair}`).toBeGreaterThan(0.2)
    }
    engine.dispose()
  })
})

describe('the plan of depth from motion', () => {
  const shipped = { h: 224, w: 224, vertices: 468, layers: { components: 384, hidden: 1024 }, triangles }
  const dispatches = (schedule: Schedule, prior: boolean): string[] => {
    const { steps } = planGraph(stage(prior, shipped), fakeCaps(), { schedule })
    return steps.filter(({ name }) => name.startsWith('depth')).map(({ name }) => name)
  }

  it('is six dispatches, without a copy, and where sums are split one more for each layer', () => {
    expect(dispatches('software', true)).toEqual([
      'depth from motion inputs',
      'depth.1',
      'depth.2',
      'depth.3',
      'depth.4',
      'depth from motion',
    ])
    expect(dispatches('software', false)).toHaveLength(6)
    expect(dispatches('hardware', true).length).toBeLessThanOrEqual(10)
  })
})
