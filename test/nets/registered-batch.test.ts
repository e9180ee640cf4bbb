import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  GraphBuilder,
  loadNetworkFiles,
  MAX_REGISTERED_BATCH,
  outputTensor,
  packImageTransform,
  REGISTERED_INPUTS,
  registeredFlow,
  registeredFlowConfig,
  registeredFlowWeights,
  registeredInputNames,
  registeredRoiTransform,
} from '../../src/engine.js'
import type { NetworkFiles } from '../../src/face/network-files.js'
import type { Schedule } from '../../src/graph/op.js'
import { type PlanOptions, planGraph } from '../../src/graph/plan.js'
import { decodePhoto } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { fakeCaps } from '../graph/caps.js'
import { openWithF16 } from '../support/f16-engine.js'

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

function graphOf(network: string, batch?: number) {
  const graph = new GraphBuilder('registered flow')
  const config = { ...registeredFlowConfig(filesOf(network)), ...(batch !== undefined && { batch }) }
  const { flow, meshes, fragments } = registeredFlow(graph, config)
  for (const [name, value] of Object.entries({ flow, meshes, fragments })) outputTensor(graph, name, value)
  return graph.build()
}

async function flowsOf(plan: Plan, network: string, frames: readonly Frames[]) {
  const inputs = Object.fromEntries(
    registeredInputNames(frames.length).flatMap(({ i1, i2 }, pair) => [
      [i1, frames[pair]?.[0] as Uint8Array],
      [i2, frames[pair]?.[1] as Uint8Array],
    ]),
  )
  const roi = packImageTransform(registeredRoiTransform(registeredFlowConfig(filesOf(network))))
  return (await plan.compute({ ...inputs, [REGISTERED_INPUTS.roi]: roi })) as Record<string, Float32Array>
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
  const vertices = 468 * 3
  const sides = (both.meshes?.length ?? 0) / (2 * vertices)
  for (let side = 0; side < sides; side++) {
    for (const [pair, wanted] of alone.entries()) {
      const from = (2 * side + pair) * vertices
      expect(both.meshes?.subarray(from, from + vertices)).toEqual(
        wanted.meshes?.subarray(side * vertices, (side + 1) * vertices),
      )
    }
  }
}

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
    const caps = fakeCaps({ subgroups: true, subgroupMinSize: 4, subgroupMaxSize: 4, f16: true })
    const kernelsOf = (pairsInRun?: number) => {
      const { steps } = planGraph(graphOf('dffnet-m-small', pairsInRun), caps, { schedule, storage })
      // Lanes share the weights of more pixels and add up alike; long maps take several dispatches.
      const kernels = steps.map(
        ({ name, kernel, variant }) =>
          `${name.replace(/#\d+$/, '')} ${kernel} ${variant.replace(/^lanes-\d+/, 'lanes')}`,
      )
      return [...new Set(kernels)].filter((step) => !step.includes('copy.wgsl'))
    }
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
