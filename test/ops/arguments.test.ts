import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../src/errors.js'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { planGraph } from '../../src/graph/plan.js'
import { depthFromMotion } from '../../src/nets/depth-from-motion.js'
import { dffnet } from '../../src/nets/dffnet.js'
import { refineFlow } from '../../src/nets/refinement.js'
import { registeredFlow } from '../../src/nets/registered-flow.js'
import { registeredMeshes, registeredRoiTransform } from '../../src/nets/registered-meshes.js'
import * as ops from '../../src/ops/index.js'
import { fakeCaps } from '../graph/caps.js'
import { invalidGraph } from './invalid.js'

/** What callers in JavaScript may pass to the functions that add ops: anything. */

type Op = (...args: unknown[]) => unknown

const FUNCTIONS = Object.entries(ops).filter(
  (entry): entry is [string, Op] => typeof entry[1] === 'function' && entry[0] !== 'view',
)

/** Values that are what some argument or attribute wants, and values that nothing wants. */
const sensible = fc.constantFrom<unknown[]>(
  0,
  1,
  2,
  3,
  0.5,
  'a',
  'bilinear',
  'zero',
  'edge',
  'none',
  'cosine',
  'mean',
)
const listed = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom<unknown[]>(Number.NaN, 'x', undefined)),
  {
    maxLength: 4,
  },
)
const absurd = fc.constantFrom<unknown[]>(
  undefined,
  null,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  2.5,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  1e300,
  true,
  '',
  '__proto__',
  Symbol('x'),
  10n,
  () => 1,
  [],
  new Array(3),
  {},
  Object.create(null),
  new Date(0),
  new Map(),
  new Proxy({}, {}),
  new Float32Array(0),
  new Float32Array(12),
  Float32Array.of(1, Number.NaN, 3),
  new Float64Array(3),
  new Uint32Array(0),
  Uint32Array.of(0, 1, 2),
  Uint32Array.of(0, 1, 2 ** 32 - 1),
)
const anyValue: fc.Arbitrary<unknown> = fc.oneof(sensible, sensible, listed, absurd)

const ATTRIBUTES = (
  'n h w c weight bias outChannels kernel stride padding outputPadding crop scale offset border mode radius normalisation ' +
  'alpha beta height width alignCorners top right bottom left result error triangles cull frontFace vertices depthFrom line ' +
  'side margin grey rounds smoothings sweeps format mirrored maxPixels matrix taps rowStride data channels kind order origin'
).split(' ')

const attributes = fc.oneof(
  fc.dictionary(fc.constantFrom(...ATTRIBUTES), anyValue, { maxKeys: 12 }),
  // Near misses: good attributes of convolutions, pools and resizes with some replaced.
  fc.dictionary(fc.constantFrom(...ATTRIBUTES), anyValue, { maxKeys: 2 }).map((wrong) => ({
    weight: 'w',
    outChannels: 4,
    kernel: 3,
    stride: 1,
    padding: 1,
    height: 4,
    width: 4,
    ...wrong,
  })),
)
const parts = fc.array(
  fc.record({
    kind: fc.constantFrom('constant', 'difference', 'position', 'depth'),
    scale: anyValue,
    data: anyValue,
    channels: anyValue,
  }),
  { maxLength: 3 },
)

/** An index of a value of the graph, or anything else. */
const argument = fc.oneof(
  { weight: 5, arbitrary: fc.nat(5).map((value) => ({ value })) },
  { weight: 1, arbitrary: fc.array(fc.nat(5), { maxLength: 3 }).map((values) => ({ values })) },
  { weight: 3, arbitrary: attributes.map((other) => ({ other: other as unknown })) },
  { weight: 1, arbitrary: parts.map((other) => ({ other: other as unknown })) },
  { weight: 2, arbitrary: anyValue.map((other) => ({ other })) },
)
const call = fc.record({
  op: fc.constantFrom(...FUNCTIONS),
  graph: fc.integer({ min: 0, max: 30 }),
  name: fc.oneof({ weight: 8, arbitrary: fc.string() }, { weight: 1, arbitrary: absurd }),
  args: fc.array(argument, { maxLength: 4 }),
})

function start(): { graph: GraphBuilder; values: Value[] } {
  const graph = new GraphBuilder('g')
  const values = [
    ops.inputTensor(graph, 'in0', { n: 1, h: 4, w: 4, c: 3 }),
    ops.inputTensor(graph, 'in1', { n: 1, h: 1, w: 5, c: 3 }),
    ops.inputTensor(graph, 'in2', { n: 2, h: 4, w: 4, c: 4 }),
    ops.inputTensor(graph, 'in3', { n: 1, h: 1, w: 1, c: 6 }),
    graph.input('in4', ops.frameType(4, 4)),
  ]
  values.push(ops.concat(graph, 'in5', [values[0] as Value, values[0] as Value]))
  return { graph, values }
}

/** @returns the error, or undefined */
function refusalOf(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}

describe('any call', () => {
  it('of a function that adds ops is taken, and planned, or refused by a typed error', () => {
    const counts = { taken: 0, refused: 0, planned: 0 }
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 6 }), (calls) => {
        const { graph, values } = start()
        const made = [...values]
        for (const { op, graph: which, name, args } of calls) {
          const given = args.map((arg) => {
            if ('value' in arg) return made[arg.value]
            if ('values' in arg) return arg.values.map((i) => made[i])
            return arg.other
          })
          const target = which === 0 ? undefined : which === 1 ? {} : graph
          let result: unknown
          const refusal = refusalOf(() => {
            result = op[1](target, name, ...given)
          })
          if (refusal !== undefined && !(refusal instanceof EngineError)) throw refusal
          counts[refusal === undefined ? 'taken' : 'refused']++
          const value = result as Value | undefined
          if (value?.graph === graph && value.type.kind === 'tensor') made.push(value)
        }
        for (const [i, value] of made.entries()) {
          if (value.type.kind === 'tensor') ops.outputTensor(graph, `out ${i} of ${calls.length}`, value)
        }
        const refusal = refusalOf(() => planGraph(graph.build(), fakeCaps({})))
        if (refusal !== undefined && !(refusal instanceof EngineError)) throw refusal
        if (refusal === undefined) counts.planned++
      }),
      { numRuns: 4000 },
    )
    expect(counts.taken).toBeGreaterThan(200)
    expect(counts.refused).toBeGreaterThan(2000)
    expect(counts.planned).toBeGreaterThan(3000)
  })
})

describe('arguments that were taken silently, or never ended', () => {
  const { graph, values } = start()
  const [x, mesh, , flat] = values as [Value, Value, Value, Value]
  const triangles = Uint32Array.of(0, 1, 2)
  const layer = { weight: 'w', outChannels: 4, kernel: 3, stride: 1, padding: 1 }
  const table = new Float32Array(5)
  const cases: [string, () => unknown, RegExp][] = [
    [
      'no stride',
      () => ops.conv2d(graph, 'n', x, { ...layer, stride: undefined } as never),
      /stride must be a whole number/,
    ],
    [
      'no attributes',
      () => ops.conv2d(graph, 'n', x, undefined as never),
      /attributes are an object, got undefined/,
    ],
    [
      'three kernel sides',
      () => ops.conv2d(graph, 'n', x, { ...layer, kernel: [1, 2, 3] } as never),
      /kernel must be .* got \[1, 2, 3\]/,
    ],
    [
      'no name of weights',
      () => ops.conv2d(graph, 'n', x, { ...layer, weight: 7 } as never),
      /weight must be a name/,
    ],
    [
      'another mode',
      () => ops.resize(graph, 'n', x, { height: 2, width: 2, mode: 'cubic' } as never),
      /mode must be 'bilinear' or 'nearest', got "cubic"/,
    ],
    [
      'another mode of padding',
      () => ops.pad(graph, 'n', x, { top: 1, right: 1, bottom: 1, left: 1, mode: 'wrap' } as never),
      /mode must be/,
    ],
    [
      'another border',
      () => ops.warp(graph, 'n', x, x, { scale: 1, border: 'mirror' } as never),
      /border must be 'zero' or 'clamp'/,
    ],
    [
      'another cull',
      () => ops.rasterise(graph, 'n', mesh, { width: 4, height: 4, triangles, cull: 'front' } as never),
      /cull must be/,
    ],
    [
      'another normalisation',
      () => ops.correlation(graph, 'n', x, x, { radius: 1, stride: 1, normalisation: 'l2' } as never),
      /normalisation must be/,
    ],
    ['another result', () => ops.reduce(graph, 'n', x, { result: 'sum' } as never), /result must be/],
    ...[0, '', false, null].map((wrong): [string, () => unknown, RegExp] => [
      `transforms of meshes that are ${JSON.stringify(wrong)}`,
      () => ops.meanVertices(graph, 'n', [mesh, mesh], wrong as never),
      /transforms must be/,
    ]),
    [
      'another pixel format',
      () => ops.inputRegistered(graph, 'n', ['p'], { width: 2, height: 2, format: 'bgr' } as never),
      /format: 'rgba8' or 'rgb8'/,
    ],
    ['indices that are none', () => ops.gatherVertices(graph, 'n', mesh, [Number.NaN]), /indices must be/],
    ['a hole in a list', () => ops.gatherVertices(graph, 'n', mesh, new Array(2)), /indices must be/],
    [
      '0 channels',
      () => ops.vertexAttributes(graph, 'n', [mesh], [{ kind: 'constant', data: table, channels: 0 }]),
      /channels must be/,
    ],
    [
      '2^32 - 1 channels',
      () =>
        ops.vertexAttributes(graph, 'n', [mesh], [{ kind: 'constant', data: table, channels: 2 ** 32 - 1 }]),
      /rows of their 4294967295 channels, got 5 values/,
    ],
    [
      'a batch of 2^31',
      () => ops.inputTensor(graph, 'n', { n: 2 ** 31, h: 1, w: 1, c: 1 }),
      /2147483648 batch entries|at most/,
    ],
    ['2^32 entries', () => ops.batchSlice(graph, 'n', x, 0, 2 ** 32), /count must be/],
    [
      'a large result',
      () => ops.resize(graph, 'n', x, { height: 2 ** 20, width: 2 ** 20, mode: 'nearest' }),
      /the result needs \d+ bytes, at most/,
    ],
    [
      'a large cost volume',
      () => ops.correlation(graph, 'n', x, x, { radius: 1e6, stride: 1, normalisation: 'none' }),
      /the result needs/,
    ],
    [
      'many sweeps',
      () =>
        ops.variationalRefinement(graph, 'n', x, { source: x, target: x }, x, {
          grey: [1, 1, 1],
          sweeps: 2 ** 31,
        }),
      /sweeps must be/,
    ],
    [
      'a mask that is none',
      () => ops.reduce(graph, 'n', x, { result: 'mean' }, null as never),
      /input 1 is no value of it but null/,
    ],
    [
      'a value of another builder',
      () => ops.relu(graph, 'n', start().values[0] as Value),
      /got a value of graph "g"; build both/,
    ],
    ['a forged value', () => ops.relu(graph, 'n', { ...x, id: 3 }), /is no value of it/],
    ['a large double', () => ops.scale(graph, 'n', x, { scale: 1e300 }), /scale must be finite, got 1e\+300/],
    ['too many inputs', () => ops.concat(graph, 'n', Array(70_000).fill(x)), /takes 1 to 65536 inputs/],
    ['no list of inputs', () => ops.concat(graph, 'n', x as never), /inputs are a list/],
    [
      'no vertices',
      () => ops.refineMesh(graph, 'n', flat, x, { vertices: [0.5] }),
      /vertices must be a list/,
    ],
  ]

  it.each(cases)('are refused: %s', (_, work, message) => {
    expect(work).toThrow(invalidGraph(message))
    // The name is free again: the builder is as it was.
    expect(graph.build.bind(graph)).toThrow(invalidGraph(/has no output/))
  })

  it('leave the builder as it was', () => {
    const fresh = start().graph
    for (let i = 0; i < 2; i++) {
      expect(() => ops.inputTensor(fresh, 'x', { n: 1, h: 0, w: 1, c: 1 })).toThrow(invalidGraph(/h must be/))
      expect(() => ops.inputImages(fresh, 'i', ['a', 'a'], { width: 2, height: 2, maxPixels: 9 })).toThrow(
        invalidGraph(/already/),
      )
    }
    const y = ops.inputTensor(fresh, 'x', { n: 1, h: 1, w: 1, c: 1 })
    ops.inputImages(fresh, 'i', ['a', 'b'], { width: 2, height: 2, maxPixels: 9 })
    expect(() => ops.outputTensor(fresh, 'y', undefined as never)).toThrow(invalidGraph(/is no value of it/))
    ops.outputTensor(fresh, 'y', y)
    expect(() => ops.outputTensor(fresh, 'y', y)).toThrow(invalidGraph(/already/))
    expect(fresh.build().outputs).toHaveLength(1)
  })

  it('do not reach the graph after the call', () => {
    const fresh = start()
    const own = Uint32Array.of(0, 1, 2)
    const kernel = [3, 3] as [number, number]
    ops.rasterise(fresh.graph, 'r', fresh.values[1] as Value, { width: 4, height: 4, triangles: own })
    ops.conv2d(fresh.graph, 'c', fresh.values[0] as Value, { ...layer, kernel })
    own.fill(9)
    kernel.fill(0)
    fresh.graph.output('o', ops.imageOutput(fresh.graph, 'p', fresh.values[0] as Value))
    const attrs = fresh.graph.build().nodes.map((node) => node.attrs as Record<string, unknown>)
    expect(attrs.find((a) => 'triangles' in a)?.triangles).toEqual(Uint32Array.of(0, 1, 2))
    expect(attrs.find((a) => 'kernel' in a)?.kernel).toEqual([3, 3])
  })
})

describe('networks', () => {
  it('check their configuration and inputs', () => {
    const { graph, values } = start()
    const [x] = values as [Value]
    const configs = [undefined, null, 7, {}, { a: 0 }, { refinement: 'median' }, { size: -1 }]
    const refusals = configs.flatMap((config) => [
      refusalOf(() => registeredFlow(graph, config as never)),
      refusalOf(() => registeredMeshes(graph, 'm', [x], x, config as never)),
      refusalOf(() => registeredRoiTransform(config as never)),
      refusalOf(() => dffnet(graph, x, x, config as never)),
      refusalOf(() => refineFlow(graph, 'r', x, x, x, config as never)),
      refusalOf(() => depthFromMotion(graph, 'd', x, x, [x], config as never)),
    ])
    const good = {
      a: 1,
      encodingChannels: 3,
      fineMatching: true,
      components: 4,
      hidden: 4,
      axes: 1 as const,
      triangles: Uint32Array.of(0, 1, 2),
    }
    for (const value of [undefined, null, 7, {}, start().values[0], values[4]]) {
      refusals.push(
        refusalOf(() => dffnet(graph, value as never, x, good as never)),
        refusalOf(() => refineFlow(graph, 'r', value as never, x, x, 'none')),
        refusalOf(() => depthFromMotion(graph, 'd', value as never, x, [x], good)),
        refusalOf(() => depthFromMotion(graph, 'd', x, x, [value as never], good)),
        refusalOf(() => dffnet(undefined as never, x, x, good as never)),
      )
    }
    refusals.push(refusalOf(() => depthFromMotion(graph, 'd', x, x, [x], { ...good, axes: 2 as never })))
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(EngineError)
    expect(refusals.length).toBe(73)
  })
})
