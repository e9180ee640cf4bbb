import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BufferUsage } from '../../src/gpu/constants.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { scale } from '../../src/ops/tensor/elementwise.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'

/** An engine on a device that its host uses too, and hosts that make mistakes. The plan doubles 4 numbers, and 4 others. */

const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage
const ALL = STORAGE | COPY_SRC | COPY_DST

let host: Engine
let engine: Engine
let plan: Plan
let hostErrors: string[] = []

beforeAll(async () => {
  host = await Engine.open()
  host.device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    hostErrors.push((event as GPUUncapturedErrorEvent).error.message)
  })
  engine = await Engine.open({ device: host.device })
  plan = await doubling(engine)
})
afterAll(() => {
  engine.dispose()
  host.dispose()
})

async function doubling(on: Engine): Promise<Plan> {
  const graph = new GraphBuilder('doubling')
  for (const name of ['x', 'y']) {
    const input = inputTensor(graph, name, { n: 1, h: 1, w: 1, c: 4 })
    outputTensor(graph, `2${name}`, scale(graph, `scale ${name}`, input, { scale: 2 }))
  }
  return await on.compile(graph.build())
}

const four = (value: number) => new Float32Array(4).fill(value)
const inputs = (x: number, y = 0) => ({ x: four(x), y: four(y) })
const buffer = (on: GPUDevice = host.device, usage: number = ALL) => on.createBuffer({ size: 16, usage })

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    return `${(error as { code?: string }).code}`
  }
  return 'nothing was thrown'
}

const isRight = async (of: Plan = plan) => {
  expect(await of.compute(inputs(3, 4))).toEqual({ '2x': four(6), '2y': four(8) })
}

describe('inputs', () => {
  it('belong to the caller again when the call returns', async () => {
    const x = four(1)
    const all = [1, 2, 3, 4, 5].map((value) => {
      x.fill(value)
      const result = plan.compute({ x, y: x })
      x.fill(100)
      return result
    })
    expect((await Promise.all(all)).map((result) => result['2x']?.[0])).toEqual([2, 4, 6, 8, 10])
  })

  it('are taken in the order of the calls, whatever kind they are', async () => {
    const first = plan.compute(inputs(1))
    const second = plan.compute({ x: four(2) }, ['2x'])
    plan.run({ x: four(3) })
    const third = plan.read(['2x'])
    plan.write('x', four(4))
    const profiled = plan.profile(1)
    const x = four(5)
    const fourth = plan.compute({ x })
    x.fill(100)
    expect((await first)['2x']).toEqual(four(2))
    expect((await second)['2x']).toEqual(four(4))
    expect((await third)['2x']).toEqual(four(6))
    await profiled
    expect((await fourth)['2x']).toEqual(four(10))
  })

  it('keep live bytes flat, however many calls overlap', async () => {
    const many = () => Promise.all(Array.from({ length: 20 }, (_, i) => plan.compute(inputs(i))))
    await many()
    const before = engine.stats
    expect((await many()).map((result) => result['2x']?.[0])).toEqual(
      Array.from({ length: 20 }, (_, i) => 2 * i),
    )
    expect(engine.stats).toEqual(before)
  })

  it('that were never given are missed', async () => {
    const fresh = await doubling(engine)
    for (const call of [
      () => fresh.compute({ x: four(1) }),
      () => fresh.run(),
      () => fresh.encode(host.device.createCommandEncoder()),
      () => fresh.assertFinite(),
      () => fresh.read(),
    ]) {
      expect(await codeOf(call)).toBe('INVALID_ARGUMENT')
    }
    await expect(fresh.compute({ x: four(1) })).rejects.toThrow(
      /input "y" \(f32\[1,1,1,4\]\) was never given/,
    )
    fresh.write('x', four(1))
    await fresh.bindInput('y', buffer())
    expect((await fresh.compute())['2x']).toEqual(four(2))
    fresh.dispose()
  })

  it('are refused with nothing changed where type or length is wrong', async () => {
    await isRight()
    const wrong: unknown[] = [
      new Float64Array(2),
      new Int32Array(4),
      new Float32Array(3),
      [1, 2, 3, 4],
      'four',
      undefined,
      null,
      7,
      new ArrayBuffer(16),
    ]
    for (const y of wrong) {
      const given = { x: four(50), y } as never
      expect(await codeOf(() => plan.compute(given))).toBe('INVALID_ARGUMENT')
      expect(await codeOf(() => plan.run(given))).toBe('INVALID_ARGUMENT')
      expect(await codeOf(() => plan.write('y', y as never))).toBe('INVALID_ARGUMENT')
    }
    for (const all of [null, 7, 'x', four(1)]) {
      expect(await codeOf(() => plan.compute(all as never))).toBe('INVALID_ARGUMENT')
    }
    expect(await plan.compute()).toEqual({ '2x': four(6), '2y': four(8) })
    // Plain bytes of floats are floats.
    const bytes = new Uint8Array(four(7).buffer)
    expect((await plan.compute({ x: bytes, y: new DataView(bytes.buffer) }))['2y']).toEqual(four(14))
  })

  it('may be written in parts of any length', async () => {
    await isRight()
    plan.writePart('x', new Uint8Array(four(9).buffer, 0, 5))
    // What fills up the last word is 0, and so is a number of which only the lowest byte is left.
    expect((await plan.compute())['2x']).toEqual(Float32Array.of(18, 0, 6, 6))
    expect(await codeOf(() => plan.writePart('x', new Uint8Array(17)))).toBe('INVALID_ARGUMENT')
  })
})

describe('outputs', () => {
  it('asked for twice come once; unknown ones are refused, and the next call is right', async () => {
    expect(await plan.compute(inputs(1), ['2x', '2x'])).toEqual({ '2x': four(2) })
    await isRight()
    for (const outputs of [['2x', 'z'], '2x', [undefined], [7], null, {}]) {
      expect(await codeOf(() => plan.compute(inputs(50), outputs as never))).toBe('INVALID_ARGUMENT')
      expect(await codeOf(() => plan.read(outputs as never))).toBe('INVALID_ARGUMENT')
      await isRight()
    }
  })

  it('are read before and after other bad calls', async () => {
    expect(await codeOf(() => plan.profile(0))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(() => plan.encode(undefined as never))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(() => plan.bindInput('x', undefined as never))).toBe('INVALID_BUFFER')
    expect(await codeOf(() => plan.bindInput('z', buffer()))).toBe('INVALID_ARGUMENT')
    await isRight()
  })
})

describe("the host's errors", () => {
  it('go to the host, and none of ours does', async () => {
    hostErrors = []
    host.device.createBuffer({ size: 16, usage: 0x10000 })
    await isRight()
    plan.run(inputs(1))
    await isRight()
    expect(hostErrors).toHaveLength(1)
    await expect(plan.bindInput('x', destroyed())).rejects.toMatchObject({ code: 'INVALID_BUFFER' })
    await isRight()
    expect(hostErrors).toHaveLength(1)
  })
})

function destroyed(): GPUBuffer {
  const gone = buffer()
  gone.destroy()
  return gone
}

describe('buffers of the caller', () => {
  it('that are destroyed or of another device are refused when bound, and what was bound before is back', async () => {
    const other = await Engine.open()
    for (const bad of [destroyed(), buffer(other.device)]) {
      await expect(plan.bindInput('x', bad)).rejects.toMatchObject({
        code: 'INVALID_BUFFER',
        message: expect.stringMatching(
          /binding input "x": .*; a buffer or texture was destroyed or is of another device/,
        ),
      })
      await isRight()
      await expect(plan.bindOutput('2x', bad)).rejects.toMatchObject({ code: 'INVALID_BUFFER' })
      await isRight()
    }
    other.dispose()
  })

  it('that are refused while nobody waits are told of by the next call, once', async () => {
    plan.bindInput('x', destroyed())
    await expect(plan.compute({ y: four(1) })).rejects.toMatchObject({ code: 'INVALID_BUFFER' })
    await isRight()
    plan.bindInput('x', destroyed())
    await host.device.queue.onSubmittedWorkDone()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(() => plan.run(inputs(1))).toThrow(expect.objectContaining({ code: 'INVALID_BUFFER' }))
    await isRight()
  })

  it('are in order once a good one is bound in the place of a bad one', async () => {
    for (const wait of [() => undefined, () => new Promise((resolve) => setTimeout(resolve, 20))]) {
      plan.bindInput('x', destroyed())
      await wait()
      const good = buffer()
      await plan.bindInput('x', good)
      expect(plan.inputBuffer('x')).toBe(good)
      await isRight()
    }
  })

  it('that are destroyed after binding make every call fail, until another is bound', async () => {
    const x = buffer()
    await plan.bindInput('x', x)
    await isRight()
    x.destroy()
    for (let i = 0; i < 3; i++) {
      expect(await codeOf(() => plan.compute({ y: four(i) }))).toBe('INVALID_BUFFER')
      expect(await codeOf(() => plan.run({ y: four(i) }))).toBe('INVALID_BUFFER')
      plan.run({ y: four(i) })
      expect(await codeOf(() => plan.read())).toBe('INVALID_BUFFER')
    }
    await plan.bindInput('x', buffer())
    await isRight()
  })

  it('need COPY_DST only where data is written to them', async () => {
    const x = buffer(host.device, STORAGE)
    await plan.bindInput('x', x)
    expect(await codeOf(() => plan.write('x', four(1)))).toBe('INVALID_BUFFER')
    expect(await codeOf(() => plan.compute(inputs(1, 50)))).toBe('INVALID_BUFFER')
    expect(await plan.compute({ y: four(1) })).toEqual({ '2x': four(0), '2y': four(2) })
    await plan.bindInput('x', buffer())
    await isRight()
  })

  it('may be bound between two encodings that are submitted together', async () => {
    const fresh = await doubling(engine)
    fresh.write('x', four(1))
    fresh.write('y', four(2))
    const { device } = host
    const [x, results] = [buffer(), buffer(device, COPY_DST | MAP_READ)]
    device.queue.writeBuffer(x, 0, four(5))
    const encoder = device.createCommandEncoder()
    fresh.encode(encoder)
    encoder.copyBufferToBuffer(fresh.outputBuffer('2x'), 0, results, 0, 4)
    await fresh.bindInput('x', x)
    fresh.encode(encoder)
    encoder.copyBufferToBuffer(fresh.outputBuffer('2x'), 0, results, 4, 4)
    device.pushErrorScope('validation')
    device.queue.submit([encoder.finish()])
    expect(await device.popErrorScope()).toBeNull()
    await results.mapAsync(1)
    expect([...new Float32Array(results.getMappedRange()).subarray(0, 2)]).toEqual([2, 10])
    results.destroy()
    fresh.dispose()
  })
})
