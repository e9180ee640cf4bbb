import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  GraphBuilder,
  loadNetworkFiles,
  MAX_REGISTERED_BATCH,
  outputTensor,
  packImageTransform,
  REGISTERED_INPUTS,
  type RegisteredFlowConfig,
  registeredFlow,
  registeredFlowConfig,
  registeredFlowWeights,
  registeredInputNames,
  registeredRoiTransform,
} from '../../src/engine.js'
import type { NetworkFiles } from '../../src/face/network-files.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { type PlanOptions, planGraph } from '../../src/graph/plan.js'
import { registeredFlows } from '../../src/nets/registered-flow.js'
import { decodePhoto } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { fakeCaps } from '../graph/caps.js'
import { openWithF16 } from '../support/f16-engine.js'

const VERTICES = 468 * 3

type Frames = readonly [Uint8Array, Uint8Array]

let engine: Engine
let pairs: readonly [Frames, Frames]
const files = new Map<string, NetworkFiles>()

beforeAll(async () => {
  engine = await Engine.open()
  const frame = async (pair: number, which: 1 | 2): Promise<Uint8Array> =>
    new Uint8Array((await decodePhoto(`test/fixtures/dffnet/pair${pair}-${which}.png`)).data)
  const pair = async (index: number): Promise<Frames> => [await frame(index, 1), await frame(index, 2)]
  pairs = [await pair(0), await pair(1)]
  for (const name of ['dffnet-m-small', 'weights/dffnet.safetensors']) {
    files.set(name, await loadNetworkFiles(name))
  }
})
afterAll(() => engine.dispose())

const filesOf = (network: string): NetworkFiles => files.get(network) as NetworkFiles

/** Both directions of pairs that share their second frame, or of one pair. */
function graphToOneFrame(network: string, layout: Partial<RegisteredFlowConfig> = {}) {
  const graph = new GraphBuilder('registered flows')
  const config = { ...registeredFlowConfig(filesOf(network)), ...layout }
  const { forward, backward } = registeredFlows(graph, config)
  const { flow, fragments, meshes, flags } = forward
  const outputs = { flow, fragments, meshes, flags, backwardFlow: backward.flow, backwardMask: backward.mask }
  for (const [name, value] of Object.entries(outputs)) outputTensor(graph, name, value)
  return graph.build()
}

function graphOf(network: string, batch?: number) {
  const graph = new GraphBuilder('registered flow')
  const config = { ...registeredFlowConfig(filesOf(network)), ...(batch !== undefined && { batch }) }
  const { flow, meshes, fragments } = registeredFlow(graph, config)
  for (const [name, value] of Object.entries({ flow, meshes, fragments })) outputTensor(graph, name, value)
  return graph.build()
}

async function flowsOf(plan: Plan, network: string, frames: readonly Frames[], sharedSecond = false) {
  const inputs = Object.fromEntries(
    registeredInputNames(frames.length, sharedSecond).flatMap(({ i1, i2 }, pair) => [
      [i1, frames[pair]?.[0] as Uint8Array],
      [i2, frames[pair]?.[1] as Uint8Array],
    ]),
  )
  const roi = packImageTransform(registeredRoiTransform(registeredFlowConfig(filesOf(network))))
  return (await plan.compute({ ...inputs, [REGISTERED_INPUTS.roi]: roi })) as Record<string, Float32Array>
}

/** Kernels of each node. */
function kernelsIn(graph: Graph, schedule: Schedule, storage: 'f32' | 'f16'): string[] {
  const caps = fakeCaps({ subgroups: true, subgroupMinSize: 4, subgroupMaxSize: 4, f16: true })
  const { steps } = planGraph(graph, caps, { schedule, storage })
  // Lanes share the weights of more pixels and add up alike; long maps take several dispatches.
  const kernels = steps.map(
    ({ name, kernel, variant }) =>
      `${name.replace(/#\d+$/, '')} ${kernel} ${variant.replace(/^lanes-\d+/, 'lanes')}`,
  )
  return [...new Set(kernels)].filter((step) => !step.includes('copy.wgsl'))
}

/** Both pairs alone and in one run, and what of it should be the same. */
async function compare(on: Engine, network: string, options: PlanOptions): Promise<void> {
  const weights = registeredFlowWeights(filesOf(network))
  const single = await on.compile(graphOf(network), { ...options, weights })
  const alone = [await flowsOf(single, network, [pairs[0]]), await flowsOf(single, network, [pairs[1]])]
  single.dispose()
  const plan = await on.compile(graphOf(network, 2), { ...options, weights })
  const both = await flowsOf(plan, network, pairs)
  plan.dispose()
  for (const name of ['flow', 'fragments']) {
    const values = both[name] as Float32Array
    const half = values.length / 2
    for (const [pair, wanted] of alone.entries()) {
      expect(values.subarray(pair * half, (pair + 1) * half), `${name} of pair ${pair}`).toEqual(wanted[name])
    }
  }
  expect(both.flow?.some((value) => Math.abs(value) > 1)).toBe(true)
  // All A, then all B, where there are both.
  const sides = (both.meshes?.length ?? 0) / (2 * VERTICES)
  for (let side = 0; side < sides; side++) {
    for (const [pair, wanted] of alone.entries()) {
      const from = (2 * side + pair) * VERTICES
      expect(both.meshes?.subarray(from, from + VERTICES)).toEqual(
        wanted.meshes?.subarray(side * VERTICES, (side + 1) * VERTICES),
      )
    }
  }
}

describe('pairs with the second frame in common', () => {
  const layout = { batch: 2, sharedSecond: true }

  it.each([
    ['dffnet-m-small', 'hardware', 'none'],
    ['weights/dffnet.safetensors', 'software', 'variational'],
  ] as const)(
    'have the bits that they have alone, both ways: %s, %s schedule, refinement %s',
    async (network, schedule, refinement) => {
      const options = { schedule, weights: registeredFlowWeights(filesOf(network)) }
      const second = pairs[0][1]
      const frames: readonly Frames[] = [
        [pairs[0][0], second],
        [pairs[1][0], second],
      ]
      const single = await engine.compile(graphToOneFrame(network, { refinement }), options)
      const alone = [await flowsOf(single, network, frames.slice(0, 1))]
      alone.push(await flowsOf(single, network, frames.slice(1)))
      single.dispose()
      const plan = await engine.compile(graphToOneFrame(network, { ...layout, refinement }), options)
      const both = await flowsOf(plan, network, frames, true)
      plan.dispose()
      const perFrame: Record<string, number> = { meshes: VERTICES, flags: 1 }
      for (const [pair, wanted] of alone.entries()) {
        for (const [name, values] of Object.entries(wanted)) {
          const numbers = perFrame[name] ?? values.length
          for (let side = 0; side < values.length / numbers; side++) {
            const from = (2 * side + pair) * numbers
            expect(both[name]?.subarray(from, from + numbers), `${name} of pair ${pair}`).toEqual(
              values.subarray(side * numbers, (side + 1) * numbers),
            )
          }
        }
        expect(wanted.flow?.some((value) => Math.abs(value) > 1)).toBe(true)
        expect(wanted.backwardFlow?.some((value) => Math.abs(value) > 1)).toBe(true)
      }
      expect(Object.keys(both).sort()).toEqual(Object.keys(alone[0] as object).sort())
    },
    300_000,
  )

  it.each<[Schedule, 'f32' | 'f16', number]>([
    ['software', 'f32', 2],
    ['hardware', 'f32', 2],
    ['hardware', 'f16', 3],
    ['hardware', 'f32', MAX_REGISTERED_BATCH],
  ])('run the kernels of one pair, %s schedule, %s, %i pairs', (schedule, storage, batch) => {
    const kernelsOf = (of: { batch?: number; sharedSecond?: boolean }) =>
      kernelsIn(graphToOneFrame('dffnet-m-small', of), schedule, storage)
    expect(kernelsOf({ batch, sharedSecond: true })).toEqual(kernelsOf({}))
  })

  it('look at that frame once: three frames in place of four', () => {
    const flopsOf = (of: { batch?: number; sharedSecond?: boolean }, which: RegExp) =>
      planGraph(graphToOneFrame('dffnet-m-small', of), fakeCaps(), {}).steps.reduce(
        (sum, { name, flops }) => sum + (which.test(name) ? flops : 0),
        0,
      )
    for (const which of [/^conv[123](#\d+)?$/, /^meshes crops/]) {
      expect(flopsOf({}, which)).toBeGreaterThan(0)
      expect(flopsOf(layout, which)).toBe(1.5 * flopsOf({}, which))
    }
    expect(flopsOf(layout, /^(backward )?conv6$/)).toBe(2 * flopsOf({}, /^(backward )?conv6$/))
    expect(flopsOf(layout, /./)).toBeLessThan(0.97 * 2 * flopsOf({}, /./))
    const dispatches = (of: Partial<RegisteredFlowConfig>, schedule: Schedule) =>
      planGraph(graphToOneFrame('dffnet-m-small', of), fakeCaps(), { schedule }).steps.length
    expect(dispatches(layout, 'hardware') - dispatches({}, 'hardware')).toBeLessThanOrEqual(14)
  })

  it('are one input and the graph of one pair where there is one', () => {
    expect(registeredInputNames(2, true)).toEqual([
      { i1: 'i1.0', i2: 'i2' },
      { i1: 'i1.1', i2: 'i2' },
    ])
    expect(graphToOneFrame('dffnet-m-small', { batch: 1, sharedSecond: true })).toEqual(
      graphToOneFrame('dffnet-m-small'),
    )
    expect(() => registeredInputNames(2, 1 as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('sharedSecond'),
      }),
    )
  })
})

describe('a batch of registered pairs', () => {
  it.each([
    ['dffnet-m-small', 'hardware'],
    ['weights/dffnet.safetensors', 'software'],
  ] as const)(
    'gives each the bits that it has alone: %s, %s schedule',
    async (network, schedule) => {
      await compare(engine, network, { schedule })
    },
    300_000,
  )

  it('does so with f16 storage, or is refused', async () => {
    const halfEngine = await openWithF16()
    try {
      const comparison = compare(halfEngine, 'dffnet-m-small', { storage: 'f16' })
      if (halfEngine.caps.f16) await comparison
      else await expect(comparison).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    } finally {
      halfEngine.dispose()
    }
  }, 300_000)

  it.each<[Schedule, 'f32' | 'f16', number]>([
    ['software', 'f32', 3],
    ['hardware', 'f32', 4],
    ['hardware', 'f16', 5],
    ['hardware', 'f32', MAX_REGISTERED_BATCH],
  ])('runs the kernels of one pair, %s schedule, %s, %i pairs', (schedule, storage, batch) => {
    const kernelsOf = (pairsInRun?: number) =>
      kernelsIn(graphOf('dffnet-m-small', pairsInRun), schedule, storage)
    expect(kernelsOf(batch)).toEqual(kernelsOf())
  })

  it('takes about as much memory a pair as one', () => {
    const bytesOf = (batch?: number): number =>
      planGraph(graphOf('dffnet-m-small', batch), fakeCaps(), {}).slotBytes.reduce(
        (sum, bytes) => sum + bytes,
        0,
      )
    expect(bytesOf(8) / 8).toBeLessThan(1.15 * bytesOf())
  })

  it('is the graph of before where it has one pair', () => {
    expect(graphOf('dffnet-m-small', 1)).toEqual(graphOf('dffnet-m-small'))
    expect(graphOf('dffnet-m-small', 1).inputs.map(({ name }) => name)).toEqual(['i1', 'i2', 'roi'])
  })

  it('names the inputs of each pair', () => {
    expect(registeredInputNames()).toEqual([{ i1: 'i1', i2: 'i2' }])
    expect(registeredInputNames(2)).toEqual([
      { i1: 'i1.0', i2: 'i2.0' },
      { i1: 'i1.1', i2: 'i2.1' },
    ])
  })

  it.each([0, 1.5, -2, 1e9, Number.NaN, '2', null])('refuses a batch of %s with the limit', (batch) => {
    const refusal = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/batch.*>= 1 and <= 64/) }
    expect(() => graphOf('dffnet-m-small', batch as number)).toThrow(expect.objectContaining(refusal))
    expect(() => registeredInputNames(batch as number)).toThrow(expect.objectContaining(refusal))
  })
})
