import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BufferUsage } from '../../src/gpu/constants.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { SMALL_SIZE, smallGraph, smallInputs, smallWeights } from './small-graph.js'

let engine: Engine
let plan: Plan

beforeAll(async () => {
  engine = await Engine.open()
  plan = await engine.compile(smallGraph(), { weights: smallWeights() })
})

afterAll(() => engine.dispose())

/** Counts calls of every method of an object that creates something, while `work` runs. */
function countCreations(device: GPUDevice, work: () => void): Record<string, number> {
  const counts: Record<string, number> = {}
  const target = device as unknown as Record<string, (...args: unknown[]) => unknown>
  const names = ['createBuffer', 'createBindGroup', 'createComputePipeline', 'createComputePipelineAsync']
  const more = ['createShaderModule', 'createBindGroupLayout', 'createPipelineLayout', 'createCommandEncoder']
  for (const name of [...names, ...more]) {
    const original = target[name] as (...args: unknown[]) => unknown
    target[name] = (...args) => {
      counts[name] = (counts[name] ?? 0) + 1
      return original.apply(device, args)
    }
  }
  try {
    work()
  } finally {
    for (const name of [...names, ...more]) delete target[name]
  }
  return counts
}

describe('running a plan', () => {
  it('only encodes: one command encoder, one submit, nothing created', async () => {
    const inputs = smallInputs()
    plan.run(inputs)
    let submits = 0
    const queue = engine.device.queue
    const original = queue.submit
    queue.submit = (buffers) => {
      submits++
      return original.call(queue, buffers)
    }
    try {
      expect(countCreations(engine.device, () => plan.run(inputs))).toEqual({ createCommandEncoder: 1 })
    } finally {
      Reflect.deleteProperty(queue, 'submit')
    }
    expect(submits).toBe(1)
    await plan.read()
  })

  it('gives the same bits every time, also from overlapping calls', async () => {
    const inputs = smallInputs()
    const first = await plan.compute(inputs)
    const others = await Promise.all([plan.compute(inputs), plan.compute(inputs), plan.read()])
    for (const other of others) expect(other).toEqual(first)
  })

  it('leaves live bytes and memory flat over 2,000 runs', async () => {
    const inputs = smallInputs()
    const before = engine.stats
    for (let i = 0; i < 200; i++) plan.run(inputs)
    await plan.read()
    const settled = process.memoryUsage().rss
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 100; j++) plan.run(inputs)
      await plan.read()
    }
    expect(engine.stats).toEqual({ ...before, peakBytes: engine.stats.peakBytes })
    // Command buffers are freed by garbage collection, which runs when it likes.
    expect(process.memoryUsage().rss - settled).toBeLessThan(64 * 2 ** 20)
  })

  it('runs inside the command buffer of the caller, on buffers of the caller', async () => {
    const { device } = engine
    const expected = await plan.compute(smallInputs())
    const own = await engine.compile(smallGraph(), { weights: smallWeights() })
    const bytes = SMALL_SIZE * 4
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
    const a = device.createBuffer({ size: bytes, usage })
    const flow = device.createBuffer({ size: bytes, usage })
    const staging = device.createBuffer({ size: bytes, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
    own.bindInput('a', a)
    own.bindOutput('flow', flow)
    device.queue.writeBuffer(a, 0, smallInputs().a as Float32Array<ArrayBuffer>)
    own.write('b', smallInputs().b as Float32Array)
    const encoder = device.createCommandEncoder()
    own.encode(encoder)
    encoder.copyBufferToBuffer(flow, 0, staging, 0, bytes)
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(1)
    expect(new Float32Array(staging.getMappedRange().slice(0))).toEqual(expected.flow)
    expect(own.outputBuffer('flow')).toBe(flow)
    own.dispose()
    // The caller's buffers survive the plan.
    staging.unmap()
    device.queue.writeBuffer(a, 0, new Float32Array(SMALL_SIZE))
    for (const buffer of [a, flow, staging]) buffer.destroy()
  })

  it('shares the weights of plans that were given the same source', async () => {
    const weights = smallWeights()
    const base = engine.stats.liveBytes
    const first = await engine.compile(smallGraph('one'), { weights })
    const afterFirst = engine.stats.liveBytes
    const second = await engine.compile(smallGraph('two'), { weights })
    expect(engine.stats.liveBytes - afterFirst).toBeLessThan(afterFirst - base)
    first.dispose()
    expect(await second.compute(smallInputs())).toEqual(await plan.compute(smallInputs()))
    second.dispose()
    expect(engine.stats.liveBytes).toBe(base)
  })

  it('profiles every step and says how', async () => {
    const profile = await plan.profile(2)
    expect(profile.source).toMatch(/timestamp query|split submission/)
    expect(profile.steps.map(({ step }) => step.name)).toEqual(plan.spec.steps.map((step) => step.name))
    for (const { ms } of profile.steps) expect(ms).toBeGreaterThanOrEqual(0)
  })
})

describe('the finite check', () => {
  it('passes on good data and names the first step that overflows', async () => {
    await plan.compute(smallInputs())
    await plan.assertFinite()
    const huge = { a: new Float32Array(SMALL_SIZE).fill(3e38), b: new Float32Array(SMALL_SIZE).fill(-3e38) }
    plan.run(huge)
    await expect(plan.assertFinite()).rejects.toMatchObject({
      code: 'NUMERIC_OVERFLOW',
      message: expect.stringMatching(/step \d+ "features(#\d)?"/),
    })
  })
})

describe('bad calls', () => {
  it('name what is wrong and what is there', async () => {
    expect(() => plan.write('a', new Float32Array(5))).toThrow(
      /"a" is f32\[1,9,7,3\] \(756 bytes\), got 20 bytes/,
    )
    expect(() => plan.write('c', new Float32Array(5))).toThrow(/no input "c"; it has: a, b/)
    await expect(plan.read(['nothing'])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const small = engine.device.createBuffer({ size: 16, usage: BufferUsage.STORAGE })
    expect(() => plan.bindInput('a', small)).toThrow(
      /needs a buffer of >= 756 bytes with usage STORAGE; got 16/,
    )
    const noStorage = engine.device.createBuffer({ size: 1024, usage: BufferUsage.COPY_DST })
    expect(() => plan.bindOutput('flow', noStorage)).toThrow(
      expect.objectContaining({ code: 'INVALID_BUFFER' }),
    )
    small.destroy()
    noStorage.destroy()
  })

  it('accept views of shared memory, which WebGPU itself refuses', async () => {
    const { a, b } = smallInputs()
    const shared = new Float32Array(new SharedArrayBuffer(SMALL_SIZE * 4))
    shared.set(a as Float32Array)
    expect(await plan.compute({ a: shared, b: b as Float32Array })).toEqual(await plan.compute(smallInputs()))
  })

  it('reject weights that are missing or not finite', async () => {
    await expect(engine.compile(smallGraph())).rejects.toMatchObject({ code: 'INVALID_WEIGHTS' })
    const nan = {
      tensor: (_: string, shape: readonly number[]) =>
        new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(Number.NaN),
    }
    const live = engine.stats.liveBuffers
    await expect(engine.compile(smallGraph(), { weights: nan })).rejects.toMatchObject({
      code: 'INVALID_WEIGHTS',
      message: expect.stringContaining('NaN'),
    })
    expect(engine.stats.liveBuffers).toBe(live)
  })
})
