import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { planGraph } from '../../src/graph/plan.js'
import { depthFromMotion, depthFromMotionShapes } from '../../src/nets/depth-from-motion.js'
import { EXTENT_WEIGHT, extendedTriangles } from '../../src/nets/face-extent.js'
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
/** Vertices of the ring. */
const ADDED = 9
/** Pairs at once. */
const BATCH = 2
const triangles = randomTriangles(60, VERTICES)
const ring = { added: ADDED, triangles: randomTriangles(14, VERTICES + ADDED) }
const allTriangles = extendedTriangles(triangles, ring.triangles)
const random = seededRandom('depth from motion')
const tensor = (h: number, w: number, c: number, range: readonly [number, number]): RefTensor => ({
  ...{ n: BATCH, h, w, c },
  data: randomArray(random, BATCH * h * w * c, range),
})
const flow = tensor(HEIGHT, WIDTH, 3, [-12, 12])
const meshes = [tensor(1, VERTICES, 3, [-4, 60]), tensor(1, VERTICES, 3, [-4, 60])] as const
/** Where the mesh and its ring are drawn. */
const drawn = tensor(1, VERTICES + ADDED, 3, [-4, 60])

/** Alone. */
function entry(n: number, of: RefTensor): RefTensor {
  const size = of.data.length / of.n
  return { ...of, n: 1, data: of.data.subarray(n * size, (n + 1) * size) }
}

interface Kind {
  readonly axes: 1 | 3
  readonly prior: boolean
  readonly extent: boolean
}

interface Weights {
  readonly arrays: Readonly<Record<string, Float64Array>>
  readonly shapes: Readonly<Record<string, readonly number[]>>
}

function weightsFor({ axes, prior }: Kind): Weights {
  const shapes = depthFromMotionShapes({ ...LAYERS, axes }, prior, VERTICES).set(EXTENT_WEIGHT, [
    ADDED,
    VERTICES,
  ])
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

/** What is added to (dx, dy, dz) at each vertex and each one of the ring, in units of 20 px, in float64. */
function changeOf({ axes }: Kind, weights: Weights, own: RefTensor, used: readonly RefTensor[]): number[][] {
  const [first, second] = used as [RefTensor, RefTensor?]
  const fragments = rasteriseReference(first, { width: WIDTH, height: HEIGHT, triangles })
  const beyond = vertexMotionReference(own, fragments, used, 1 / 20)
  const inputs = Array.from({ length: VERTICES }, (_, v) => {
    const of = (mesh: RefTensor) => [0, 1, 2].map((axis) => elementOf(mesh, 0, 0, v, axis))
    const [x = 0, y = 0, z = 0] = of(first)
    const difference = second ? of(second).map((value, axis) => (value - (of(first)[axis] ?? 0)) / 20) : []
    return [(x - WIDTH / 2) / 100, (y - HEIGHT / 2) / 100, z / 100, ...difference, ...of(beyond)]
  }).flat()
  const act = (x: readonly number[]) => x.map((value) => Math.max(value, 0.1 * value))
  const change = dense(weights, 4, act(dense(weights, 3, act(dense(weights, 2, dense(weights, 1, inputs))))))
  const ofVertices = Array.from({ length: VERTICES }, (_, v) =>
    axes === 1 ? [0, 0, change[v] ?? Number.NaN] : change.slice(3 * v, 3 * v + 3),
  )
  const table = weights.arrays[EXTENT_WEIGHT] as Float64Array
  const ofRing = Array.from({ length: ADDED }, (_, row) =>
    [0, 1, 2].map((c) =>
      ofVertices.reduce((sum, of, v) => sum + (table[row * VERTICES + v] ?? 0) * (of[c] ?? 0), 0),
    ),
  )
  return [...ofVertices, ...ofRing]
}

/** The corrected flow of one pair of the batch, in float64. */
function reference(kind: Kind, weights: Weights, pair: number): RefTensor {
  const own = entry(pair, flow)
  const used = (kind.prior ? meshes : [meshes[0]]).map((mesh) => entry(pair, mesh))
  const change = changeOf(kind, weights, own, used)
  const [places, all] = kind.extent ? [entry(pair, drawn), allTriangles] : [used[0] as RefTensor, triangles]
  const face = rasteriseReference(places, { width: WIDTH, height: HEIGHT, triangles: all })
  const perVertex = { n: 1, h: 1, w: places.w, c: 3, data: Float64Array.from(change.flat()) }
  const spread = interpolateReference(face, perVertex, all)
  return refTensor(1, HEIGHT, WIDTH, 3, (n, y, x, c) => {
    return elementOf(own, n, y, x, c) + 20 * elementOf(spread, n, y, x, c)
  })
}

function stage(
  { axes, prior, extent }: Kind,
  n: number,
  shape = { h: HEIGHT, w: WIDTH, vertices: VERTICES, layers: LAYERS, triangles, ring },
) {
  const graph = new GraphBuilder('depth from motion')
  const { h, w, vertices, layers, triangles, ring } = shape
  const flowIn = inputTensor(graph, 'flow', { n, h, w, c: 3 })
  const mesh = (name: string, count = vertices) => inputTensor(graph, name, { n, h: 1, w: count, c: 3 })
  const a = mesh('mesh A')
  const fragments = rasterise(graph, 'fragments', a, { width: w, height: h, triangles })
  const faceOf = () => {
    const all = extendedTriangles(triangles, ring.triangles)
    return rasterise(graph, 'face', mesh('drawn', vertices + ring.added), {
      width: w,
      height: h,
      triangles: all,
    })
  }
  const config = { ...layers, axes, triangles, ...(extent && { extent: { ...ring, face: faceOf() } }) }
  const pair = prior ? ([a, mesh('mesh B')] as const) : ([a] as const)
  const moved = graph.repeated(n, () =>
    depthFromMotion(graph, 'depth from motion', flowIn, fragments, pair, config),
  )
  outputTensor(graph, 'moved', moved)
  return graph.build()
}

/** Of a batch, or of one pair of it. */
function inputsOf({ prior, extent }: Kind, pair?: number): Record<string, Float32Array> {
  const all = {
    flow,
    'mesh A': meshes[0],
    ...(prior && { 'mesh B': meshes[1] }),
    ...(extent && { drawn }),
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, of]) => [
      name,
      Float32Array.from((pair === undefined ? of : entry(pair, of)).data),
    ]),
  )
}

const KINDS: readonly (readonly [string, Kind])[] = [
  ['dz with the mesh prior', { axes: 1, prior: true, extent: false }],
  ['dz without', { axes: 1, prior: false, extent: false }],
  ['dz with a ring', { axes: 1, prior: true, extent: true }],
  ['all axes with the mesh prior', { axes: 3, prior: true, extent: false }],
  ['all axes without', { axes: 3, prior: false, extent: false }],
  ['all axes with a ring', { axes: 3, prior: true, extent: true }],
]

describe('depth from motion', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await Engine.open()
  })
  afterAll(() => engine.dispose())

  const run = async (
    kind: Kind,
    { arrays, shapes }: Weights,
    { schedule = 'software', pair }: { schedule?: Schedule; pair?: number } = {},
  ): Promise<Float32Array> => {
    const plan = await engine.compile(stage(kind, pair === undefined ? BATCH : 1), {
      schedule,
      weights: arrayWeights(arrays, shapes),
    })
    const { moved } = await plan.compute(inputsOf(kind, pair))
    plan.dispose()
    return moved as Float32Array
  }

  for (const schedule of ['software', 'hardware'] as const satisfies readonly Schedule[]) {
    it.each(KINDS)(`gives what its definition gives: %s [${schedule}]`, async (_, kind) => {
      const weights = weightsFor(kind)
      const both = await run(kind, weights, { schedule })
      for (let pair = 0; pair < BATCH; pair++) {
        const moved = both.subarray((pair * both.length) / BATCH, ((pair + 1) * both.length) / BATCH)
        const own = entry(pair, flow)
        const expected = reference(kind, weights, pair)
        const { nmse, maxError, range } = compare(moved, expected.data)
        expect(nmse).toBeLessThan(1e-11)
        expect(maxError / range).toBeLessThan(1e-5)
        // The test would see little if the flow hardly moved.
        const movedBy = [0, 1, 2].map(
          (axis) =>
            expected.data.filter((value, i) => i % 3 === axis && Math.abs(value - (own.data[i] ?? 0)) > 1)
              .length,
        )
        for (const [axis, count] of movedBy.entries()) {
          if (axis === 2 || kind.axes === 3) expect(count).toBeGreaterThan(200)
          else expect(count).toBe(0)
        }
        // Pairs of a batch have the bits that they have alone.
        expect(moved).toEqual(await run(kind, weights, { schedule, pair }))
      }
    })
  }

  it('adds dz alone where the rows of dx and dy are zero, as layers for dz do', async () => {
    const [deep, whole] = ([1, 3] as const).map((axes): Kind => ({ axes, prior: true, extent: true })) as [
      Kind,
      Kind,
    ]
    const weights = weightsFor(deep)
    const rows = (name: string, length: number) => {
      const from = weights.arrays[name] as Float64Array
      const to = new Float64Array(3 * from.length)
      for (let v = 0; v < VERTICES; v++)
        to.set(from.subarray(v * length, (v + 1) * length), (3 * v + 2) * length)
      return to
    }
    const { shapes } = weightsFor(whole)
    const arrays = {
      ...weights.arrays,
      'depth.4.weight': rows('depth.4.weight', LAYERS.hidden),
      'depth.4.bias': rows('depth.4.bias', 1),
    }
    const [expected, moved] = [await run(deep, weights), await run(whole, { arrays, shapes })]
    const { nmse, maxError } = compare(moved, Float64Array.from(expected))
    expect(nmse).toBeLessThan(1e-12)
    expect(maxError).toBeLessThan(1e-4)
    const inPlane = (values: Float32Array) => values.filter((_, i) => i % 3 !== 2)
    expect(inPlane(moved)).toEqual(inPlane(Float32Array.from(flow.data)))
  })
})

describe.each(GOLDEN_NETWORKS)('shipped depth from motion of %s', (shipped) => {
  it('gives the flow that PyTorch gives, within 0.02 px on four real pairs', async () => {
    const { depth, triangles: face } = await loadNetworkFiles(shipped)
    if (depth === undefined) throw new TypeError(`weights/${shipped}-depth.safetensors is missing`)
    const size = 224
    const shape = { h: size, w: size, vertices: 468, layers: depth.config, triangles: face, ring }
    const engine = await Engine.open()
    const plan = await engine.compile(
      stage({ axes: depth.config.axes, prior: true, extent: false }, 1, shape),
      { weights: depth.weights },
    )
    for (let pair = 0; pair < 4; pair++) {
      const golden = await readSafetensors(`test/fixtures/dffnet/pair${pair}.safetensors`)
      const outputs = await readSafetensors(`test/fixtures/dffnet/pair${pair}-${shipped}.safetensors`)
      const [row = 0, column = 0] = golden.indices('origin', [2])
      const [h = 0, w = 0] =
        outputs
          .entries()
          .find(({ name }) => name === 'corrected')
          ?.shape.slice(1) ?? []
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
      const changed = [0, 0, 0]
      const expected = outputs.tensor('corrected', [3, h, w])
      const mask = golden.tensor('encoding', [7, h, w])
      for (let i = 0; i < h * w; i++) {
        // The flow is stored off the mesh too, where the stage leaves it and PyTorch's was cut away.
        if ((mask[i] as number) + (mask[h * w + i] as number) + (mask[2 * h * w + i] as number) === 0)
          continue
        for (let c = 0; c < 3; c++) {
          const wanted = expected[c * h * w + i] as number
          worst = Math.max(worst, Math.abs((moved[at(i) + c] as number) - wanted))
          changed[c] = Math.max(changed[c] as number, Math.abs((flowIn[at(i) + c] as number) - wanted))
        }
      }
      expect(worst, `pair ${pair}`).toBeLessThan(0.02)
      const [dx = 0, dy = 0, dz = 0] = changed
      expect(dz, `pair ${pair}`).toBeGreaterThan(0.2)
      if (depth.config.axes === 3) expect(Math.min(dx, dy), `pair ${pair}`).toBeGreaterThan(0.15)
      else expect(Math.max(dx, dy), `pair ${pair}`).toBe(0)
    }
    engine.dispose()
  })
})

describe('the plan of depth from motion', () => {
  const shipped = {
    h: 224,
    w: 224,
    vertices: 468,
    layers: { components: 384, hidden: 1024 },
    triangles,
    ring,
  }
  const stepsOf = (schedule: Schedule, kind: Partial<Kind>, storage: 'f32' | 'f16' = 'f32') => {
    const graph = stage({ axes: 1, prior: true, extent: false, ...kind }, 1, shipped)
    const { steps } = planGraph(graph, fakeCaps({ f16: true }), { schedule, storage })
    return steps.filter(({ name }) => name.startsWith('depth'))
  }
  const dispatches = (schedule: Schedule, kind: Partial<Kind>) =>
    stepsOf(schedule, kind).map(({ name, op }) => `${name}: ${op}`)
  const layers = [
    'depth from motion inputs: vertexMotion',
    ...[1, 2, 3, 4].map((layer) => `depth.${layer}: fullyConnected`),
  ]
  const spread = 'depth from motion: addVertexMotion'

  it('is six dispatches, without a copy, and where sums are split one more for each layer', () => {
    expect(dispatches('software', {})).toEqual([...layers, spread])
    expect(dispatches('software', { prior: false })).toHaveLength(6)
    expect(dispatches('hardware', {}).length).toBeLessThanOrEqual(10)
  })

  it('takes one more for the ring, and for all axes one to part them', () => {
    expect(dispatches('software', { extent: true })).toEqual([
      ...layers,
      'depth from motion around: fullyConnected',
      spread,
    ])
    const parted = 'depth from motion of vertices: reshape'
    expect(dispatches('software', { axes: 3 })).toEqual([...layers, parted, spread])
    expect(dispatches('software', { axes: 3, extent: true })).toEqual([
      ...layers,
      parted,
      'depth from motion around: extendVertices',
      spread,
    ])
  })

  it('keeps what is added to a flow f32 in plans of f16', () => {
    const added = /^depth(\.4| from motion( of vertices| around)?)(#|$)/
    for (const axes of [1, 3] as const) {
      const steps = stepsOf('hardware', { axes, extent: true }, 'f16').filter(({ name }) => added.test(name))
      expect(steps.length).toBeGreaterThanOrEqual(axes === 1 ? 3 : 4)
      expect(steps.filter(({ params }) => params.F16 !== false).map(({ name }) => name)).toEqual([])
    }
  })
})
