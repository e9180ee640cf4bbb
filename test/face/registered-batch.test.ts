import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineError } from '../../src/errors.js'
import { RegisteredBatches } from '../../src/face/registered-batches.js'
import type { RegisteredPair } from '../../src/face/registered-pair.js'
import type { Rgba } from '../../src/geometry/types.js'
import { BufferUsage } from '../../src/gpu/constants.js'
import { DeepFaceFlow, type FrameInput, type RegisteredFlowResult } from '../../src/index.js'
import { decodePhoto } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'

let engine: Engine
let face: DeepFaceFlow
let pairs: [Rgba, Rgba][]

beforeAll(async () => {
  engine = await Engine.open()
  face = await DeepFaceFlow.create({ engine, weights: 'dffnet-m-small' })
  const frame = (pair: number, which: 1 | 2): Promise<Rgba> =>
    decodePhoto(`test/fixtures/dffnet/pair${pair}-${which}.png`)
  pairs = await Promise.all(
    [0, 1, 2].map(async (pair): Promise<[Rgba, Rgba]> => [await frame(pair, 1), await frame(pair, 2)]),
  )
})
afterAll(() => {
  face.dispose()
  engine.dispose()
})

describe('plans of batches', () => {
  const frame = { width: 224, height: 224, data: new Uint8Array() }
  const single = {} as RegisteredPair
  const batchesBy = (sizes: number[]) =>
    new RegisteredBatches(single, async ({ batch = 1 }) => {
      sizes.push(batch)
      if (batch > 3) throw new EngineError('UNSUPPORTED', 'slot 0 needs too many bytes')
      return {} as RegisteredPair
    })

  it('are made once a size; what is left over takes that of one pair', async () => {
    const sizes: number[] = []
    const batches = batchesBy(sizes)
    const groups = await batches.groups(Array(8).fill([frame, frame]), 3)
    expect(groups.map(({ indices }) => indices)).toEqual([[0, 1, 2], [3, 4, 5], [6], [7]])
    expect(groups.map(({ plan }) => plan === single)).toEqual([false, false, true, true])
    await batches.groups(Array(2).fill([frame, frame]), 3)
    expect(sizes).toEqual([3, 2])
  })

  it('that the device cannot hold are refused with the remedy, and tried again', async () => {
    const sizes: number[] = []
    const batches = batchesBy(sizes)
    for (let call = 0; call < 2; call++) {
      await expect(batches.groups(Array(4).fill([frame, frame]), 4)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/^a batch of 4 pairs is too large .* choose a smaller one: slot 0/),
      })
    }
    expect(sizes).toEqual([4, 4])
  })
})

describe('the plan of two pairs to one frame', () => {
  const single = {} as RegisteredPair
  const batchesThat = (answers: (EngineError | RegisteredPair)[], layouts: unknown[]) =>
    new RegisteredBatches(single, async (layout) => {
      layouts.push(layout)
      const answer = answers.shift()
      if (answer instanceof EngineError) throw answer
      return answer as RegisteredPair
    })

  it('is made once', async () => {
    const layouts: unknown[] = []
    const plan = {} as RegisteredPair
    const batches = batchesThat([plan], layouts)
    expect(await Promise.all([batches.twoToOne(), batches.twoToOne()])).toEqual([plan, plan])
    expect(layouts).toEqual([{ batch: 2, sharedSecond: true }])
  })

  it('is none where the device cannot hold it, and is not tried again', async () => {
    const layouts: unknown[] = []
    const batches = batchesThat([new EngineError('OUT_OF_MEMORY', 'too much')], layouts)
    expect([await batches.twoToOne(), await batches.twoToOne()]).toEqual([undefined, undefined])
    expect(layouts).toHaveLength(1)
  })

  it('is tried again after another failure', async () => {
    const plan = {} as RegisteredPair
    const batches = batchesThat([new EngineError('DEVICE_LOST', 'gone'), plan], [])
    await expect(batches.twoToOne()).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    expect(await batches.twoToOne()).toBe(plan)
  })
})

describe('flowRegisteredAll', () => {
  it('gives each pair what flowRegistered gives it, left over ones too, also after the device was lost', async () => {
    const alone = [
      await face.flowRegistered(...(pairs[0] as [Rgba, Rgba])),
      await face.flowRegistered(...(pairs[1] as [Rgba, Rgba])),
    ]
    const [first, second, third] = pairs as [[Rgba, Rgba], [Rgba, Rgba], [Rgba, Rgba]]
    // The same frame twice: all is at rest.
    const still = [third[0], third[0]] as const
    const expectSame = (found: RegisteredFlowResult | undefined, wanted: RegisteredFlowResult): void => {
      for (const key of [
        'flow',
        'backwardFlow',
        'mask',
        'meshA',
        'meshB',
        'occlusion',
        'confidence',
      ] as const) {
        expect(found?.[key], key).toEqual(wanted[key])
      }
    }
    const all = await face.flowRegisteredAll([second, still, first], { batch: 2 })
    expectSame(all[0], alone[1] as RegisteredFlowResult)
    expectSame(all[2], alone[0] as RegisteredFlowResult)
    expect(all[1]?.flow.every((value) => value === 0)).toBe(true)
    expect(all[0]?.flow.buffer.byteLength).toBe(224 * 224 * 3 * 4)
    engine.device.destroy()
    await face.recover()
    const [again] = await face.flowRegisteredAll([first, still], { batch: 2 })
    expectSame(again, alone[0] as RegisteredFlowResult)
  }, 300_000)

  it('computes pairs with frames on the device one by one', async () => {
    const [first, second] = pairs as [[Rgba, Rgba], [Rgba, Rgba]]
    const { queue } = engine.device
    const buffer = engine.device.createBuffer({
      size: 224 * 224 * 4,
      usage: BufferUsage.COPY_SRC | BufferUsage.COPY_DST,
    })
    queue.writeBuffer(buffer, 0, Uint8Array.from(first[0].data))
    const [one, other] = await face.flowRegisteredAll([[buffer, first[1]], second], {
      batch: 2,
      backward: false,
    })
    expect(one?.flow).toEqual((await face.flowRegistered(...first, { backward: false })).flow)
    expect(other?.flow).toEqual((await face.flowRegistered(...second, { backward: false })).flow)
    buffer.destroy()
  }, 300_000)

  it('takes no pairs', async () => {
    expect(await face.flowRegisteredAll([])).toEqual([])
  })

  it.each([0, 1.5, -1, Number.NaN, 65, 1e9, '2', null])(
    'refuses a batch of %s with the limit',
    async (batch) => {
      await expect(face.flowRegisteredAll(pairs, { batch: batch as number })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('whole number from 1 to 64'),
      })
    },
  )

  it('names what is no pair, and the frame of the pair that is none', async () => {
    const [first] = pairs as [[Rgba, Rgba]]
    const asPairs = (value: unknown) => value as [FrameInput, FrameInput][]
    await expect(face.flowRegisteredAll(asPairs(first[0]))).rejects.toThrow('pairs are a list of [a, b]')
    await expect(face.flowRegisteredAll(asPairs([first, [first[0]]]))).rejects.toThrow(
      'pair 1 must be [a, b]',
    )
    const small = { width: 2, height: 2, data: new Uint8Array(16) }
    await expect(face.flowRegisteredAll([first, [first[0], small]])).rejects.toThrow('frame B of pair 1')
    await expect(face.flowRegisteredAll([first], { batches: 2 } as never)).rejects.toThrow(
      '"batch" is meant?',
    )
  })
})
