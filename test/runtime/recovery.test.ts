import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import type { EngineDevice } from '../../src/gpu/device.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { scale } from '../../src/ops/tensor/elementwise.js'
import { chooseAdapter } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { WeightSet } from '../../src/runtime/weight-set.js'
import { smallGraph, smallInputs, smallWeights } from './small-graph.js'

const opened: { dispose?(): void; destroy?(): void }[] = []
afterEach(() => {
  for (const thing of opened.splice(0).reverse()) {
    thing.dispose?.()
    thing.destroy?.()
  }
})

async function open(device?: GPUDevice): Promise<Engine> {
  const engine = await Engine.open(device === undefined ? {} : { device })
  opened.push(engine)
  return engine
}

/** A device with only these features of the adapter that the tests run on, and the limits that every device has. */
async function plainDevice(features: readonly GPUFeatureName[] = []): Promise<GPUDevice> {
  const { adapter } = await chooseAdapter(process.env.DEEPFACEFLOW_ADAPTER || 'auto', { robustness: true })
  const device = await adapter.requestDevice({ requiredFeatures: features })
  opened.push(device)
  return device
}

describe('recovery on another device', () => {
  it('plans again where it can do less', async () => {
    const full = await open()
    const engine = await open(full.device)
    const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
    const before = await plan.compute(smallInputs())
    const bare = await plainDevice()
    await engine.recover(bare)
    expect(engine.caps.subgroups).toBe(false)
    const after = await plan.compute(smallInputs())
    for (const [i, value] of (before.flow ?? []).entries()) expect(after.flow?.[i]).toBeCloseTo(value, 4)
    // And again where it can do more.
    await engine.recover(full.device)
    expect(await plan.compute(smallInputs())).toEqual(before)
  })

  it('forgets inputs and results with the buffers that held them', async () => {
    const engine = await open()
    const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
    plan.run(smallInputs())
    engine.device.destroy()
    await engine.recover()
    await expect(plan.read()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(() => plan.run()).toThrow(/input "a" .* was never given/)
  })

  it('leaves a plan that the new device cannot run with the reason, and rebuilds the others', async () => {
    const full = await open()
    if (!full.caps.f16) return
    const engine = await open(full.device)
    const weights = smallWeights()
    const half = await engine.compile(smallGraph('half'), { weights, storage: 'f16' })
    const whole = await engine.compile(smallGraph('whole'), { weights })
    const before = await whole.compute(smallInputs())
    const reason = { code: 'UNSUPPORTED', message: expect.stringMatching(/no shader-f16/) }
    await expect(engine.recover(await plainDevice(['subgroups']))).rejects.toMatchObject(reason)
    await expect(half.compute(smallInputs())).rejects.toMatchObject(reason)
    expect(await whole.compute(smallInputs())).toEqual(before)
    await engine.recover(full.device)
    expect((await half.compute(smallInputs())).flow).toHaveLength(before.flow?.length ?? 0)
  })
})

describe('the end of a plan while it works', () => {
  it('is what waiting reads are told', async () => {
    const engine = await open()
    const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
    const reads = [plan.compute(smallInputs()), plan.read(), plan.profile(1), plan.compute(smallInputs())]
    plan.dispose()
    for (const read of await Promise.allSettled(reads)) {
      expect(read).toMatchObject({
        status: 'rejected',
        reason: { code: 'DISPOSED', message: expect.stringMatching(/was disposed; compile/) },
      })
    }
    const other = await engine.compile(smallGraph(), { weights: smallWeights() })
    const read = other.compute(smallInputs())
    engine.dispose()
    await expect(read).rejects.toMatchObject({ code: 'DISPOSED' })
  })
})

describe('weights', () => {
  it('of plans that are gone are let go', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const engine = await open()
    const sources: WeakRef<WeightSource>[] = []
    const use = async (weights: WeightSource) => {
      sources.push(new WeakRef(weights))
      const plan = await engine.compile(smallGraph(), { weights }).catch(() => undefined)
      plan?.dispose()
    }
    for (let i = 0; i < 3; i++) {
      await use(smallWeights())
      await use({ tensor: () => new Float32Array(1) })
    }
    const last = await engine.compile(smallGraph(), { weights: smallWeights() })
    await last.compute(smallInputs())
    await new Promise((resolve) => setTimeout(resolve, 20))
    collect()
    expect(sources.map((source) => source.deref() !== undefined)).toEqual(sources.map(() => false))
  })

  it.each([
    [
      'too few values',
      (n: number) => new Float32Array(n - 1),
      /"a\.weight" of shape \[2,3\] are a Float32Array of 6 values, the source gives 5/,
    ],
    ['too many values', (n: number) => new Float32Array(n + 1), /6 values, the source gives 7/],
    ['doubles', (n: number) => new Float64Array(n), /the source gives a Float64Array/],
    ['a list', (n: number) => Array.from({ length: n }, () => 0), /gives a Array/],
    ['a promise', async (n: number) => new Float32Array(n), /gives a Promise/],
    ['nothing', () => undefined, /gives a Undefined/],
  ])('with %s are refused by name', (_, make, message) => {
    const source = { tensor: () => make(6) } as unknown as WeightSource
    const pack = (weights: WeightSource) => weights.tensor('a.weight', [2, 3])
    expect(() => weightSet(source).acquire('a', pack)).toThrow(
      expect.objectContaining({ code: 'INVALID_WEIGHTS', message: expect.stringMatching(message) }),
    )
  })

  it('above what the adapter binds are refused by name', () => {
    const pack = () => new Float32Array(300)
    expect(() => weightSet({ tensor: pack }).acquire('wide', pack)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(
          /weights "wide" need 1200 bytes .* "Test GPU" binds at most 1024; split/,
        ),
      }),
    )
  })
})

/** On a device that refuses nothing by itself. */
function weightSet(source: WeightSource): WeightSet {
  const caps = { name: 'Test GPU', limits: { maxStorageBufferBindingSize: 1024, maxBufferSize: 4096 } }
  return new WeightSet(source, { caps } as unknown as EngineDevice)
}

describe('arguments of the engine', () => {
  it('are checked', async () => {
    for (const options of [
      null,
      7,
      { device: {} },
      { device: null },
      { adapter: 3 },
      { autotune: { mode: 'fast' } },
    ]) {
      await expect(Engine.open(options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    const engine = await open()
    const graph = new GraphBuilder('g')
    const x = inputTensor(graph, 'x', { n: 1, h: 1, w: 1, c: 4 })
    outputTensor(graph, 'y', scale(graph, 's', x, { scale: 2 }))
    const built = graph.build()
    for (const options of [
      null,
      { weights: {} },
      { weights: 7 },
      { storage: 'f64' },
      { schedule: 'fast' },
      { variants: 7 },
      { variants: { s: 3 } },
      { choices: [] },
      { optimise: 'no' },
      { autotune: 'measure' },
      { onProgress: true },
    ]) {
      await expect(engine.compile(built, options as never), JSON.stringify(options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
    for (const wrong of [undefined, null, 7, {}, graph, { ...built, nodes: 3 }]) {
      await expect(engine.compile(wrong as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(engine.recover({} as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const plan = await engine.compile(built)
    expect(await plan.compute({ x: Float32Array.of(1, 2, 3, 4) })).toEqual({ y: Float32Array.of(2, 4, 6, 8) })
  })
})
