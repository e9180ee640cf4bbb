import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeepFaceFlow } from '../../src/face/deep-face-flow.js'
import type { RegisteredFlowResult } from '../../src/face/types.js'
import type { Rgba } from '../../src/geometry/types.js'
import { type EngineDevice, openDevice } from '../../src/gpu/device.js'
import type { Refinement } from '../../src/nets/refinement.js'
import { decodePhoto } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { clouds, plain, readPhoto, resized } from '../e2e/pictures.js'

/** Life of the object on a device of the caller; what it computes is tested in test/e2e. */

let device: EngineDevice
let faceFlow: DeepFaceFlow
const progress: string[] = []
const FRAME = plain(224, 224, 128)

beforeAll(async () => {
  device = await openDevice()
  faceFlow = await DeepFaceFlow.create({ device: device.gpu, onProgress: (step) => progress.push(step) })
})
afterAll(() => device.dispose())

describe('DeepFaceFlow on a device of the caller', () => {
  it('says what it is doing before each step', () => {
    expect(progress.slice(0, 2)).toEqual(['opening the GPU', 'reading the weights'])
    const kernels = progress.slice(2).map((step) => /^compiling kernels \((\d+) of (\d+)\)$/.exec(step))
    const done = kernels.map((match) => Number(match?.[1]))
    expect(done.every((n, i) => n >= (done[i - 1] ?? 0))).toBe(true)
    expect(done.at(-1)).toBe(Number(kernels.at(-1)?.[2]))
  })

  it('says that the device is the caller’s', () => {
    expect(faceFlow.selection).toMatch(/device of the caller/)
    expect(faceFlow.selection).toContain(faceFlow.adapter)
  })

  it('refines by default, and knows no other refinement', async () => {
    expect(faceFlow.refinement).toBe('variational')
    const wrong = { refinement: 'median' as unknown as Refinement }
    await expect(DeepFaceFlow.create(wrong)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'there is no refinement "median"; choose from variational, inverse-search, none',
    })
  })

  it('needs a new device to recover', async () => {
    await expect(faceFlow.recover()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('answers bad calls and goes on with good ones', async () => {
    const [bad, good] = await Promise.allSettled([
      faceFlow.flowRegistered(FRAME, plain(100, 100, 0)),
      faceFlow.flowRegistered(FRAME, FRAME, { backward: false }),
    ])
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_INPUT' } })
    expect(good).toMatchObject({ status: 'fulfilled', value: { flow: { length: 224 * 224 * 3 } } })
  })

  it('says that a registered picture without a face has none', async () => {
    const face = await readPhoto('test/fixtures/eval/photowarp/000-1.png')
    const { warnings } = await faceFlow.flowRegistered(FRAME, face, { backward: false })
    expect(warnings[0]).toMatch(/^frame A: the mesh network sees no face .* \(presence 0\.\d\d/)
    for (const picture of [clouds(224, 224, 1), clouds(224, 224, 25), plain(224, 224, 255)]) {
      const result = await faceFlow.flowRegistered(face, picture, { backward: false })
      expect(result.warnings.some((text) => text.startsWith('frame B: the mesh network sees no face'))).toBe(
        true,
      )
      expect(result.flow.every(Number.isFinite)).toBe(true)
    }
    expect((await faceFlow.flowRegistered(face, face, { backward: false })).warnings).toEqual([])
  })

  it('says that a face is not registered', async () => {
    const face = await resized(await readPhoto('test/fixtures/photos/faker_male_000.jpg'), 224)
    const { warnings } = await faceFlow.flowRegistered(face, face, { backward: false })
    expect(warnings).toEqual([
      expect.stringMatching(/^frame A: the face lies \d+\.\d px from its place in the template/),
      expect.stringMatching(/^frame B: the face lies/),
    ])
  })

  it('checks its options', async () => {
    for (const options of [
      null,
      7,
      { face: 1 },
      { faceB: 'left' },
      { backward: 'no' },
      { face: { index: -1 } },
    ]) {
      const refused = { code: 'INVALID_ARGUMENT' }
      await expect(faceFlow.flow(FRAME, FRAME, options as never)).rejects.toMatchObject(refused)
      await expect(faceFlow.flowAll(FRAME, FRAME, options as never)).rejects.toMatchObject(refused)
      await expect(faceFlow.flowRegistered(FRAME, FRAME, options as never)).rejects.toMatchObject(refused)
      expect(() => faceFlow.video(options as never)).toThrow(expect.objectContaining(refused))
    }
    expect(() => faceFlow.video({ smooth: 'no' } as never)).toThrow(/smooth must be a boolean, got a string/)
    for (const options of [
      null,
      { device: {} },
      { adapter: 1 },
      { weights: 2 },
      { onProgress: 'x' },
      { autotune: 1 },
    ]) {
      await expect(DeepFaceFlow.create(options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('looks at the pixels as they are when it is called, also in an object that it has seen before', async () => {
    const face = await readPhoto('test/fixtures/photos/faker_male_000.jpg')
    const frame = { width: face.width, height: face.height, data: Uint8Array.from(face.data) }
    const black = () => frame.data.fill(0)
    const found = faceFlow.detect(frame)
    black()
    expect(await found).toHaveLength(1)
    await expect(faceFlow.detect(frame)).rejects.toMatchObject({ code: 'NO_FACE' })
    frame.data.set(face.data)
    expect((await faceFlow.detect(frame))[0]?.landmarks68).toEqual((await found)[0]?.landmarks68)

    const video = faceFlow.video({ backward: false })
    const started = video.start(frame)
    black()
    const reference = await started
    expect(reference.image.data).toEqual(face.data)

    const grey = { ...FRAME, data: Uint8Array.from(FRAME.data) }
    const registered = faceFlow.flowRegistered(grey, grey, { backward: false })
    grey.data.fill(7)
    expect((await registered).registeredA.data).toEqual(FRAME.data)
  })

  it('has several pairs on the device at once: in order, and the bits of pairs one by one', async () => {
    const [a, b] = await Promise.all(
      [0, 1].map((pair) => decodePhoto(`test/fixtures/dffnet/pair${pair}-1.png`)),
    )
    const calls = [
      [a, b, { backward: true }],
      [b, a, { backward: false }],
      [a, b, { backward: false }],
    ] as [Rgba, Rgba, { backward: boolean }][]
    const inSeries: RegisteredFlowResult[] = []
    for (const call of calls.slice(0, 2)) inSeries.push(await faceFlow.flowRegistered(...call))
    const order: number[] = []
    const overlapping = await Promise.all(
      calls.map(async (call, i) => {
        const result = await faceFlow.flowRegistered(...call)
        order.push(i)
        return result
      }),
    )
    expect(order).toEqual([0, 1, 2])
    for (const [i, result] of overlapping.entries()) {
      const expected = inSeries[i % 2] as RegisteredFlowResult
      expect(bytesOf(result.flow).equals(bytesOf(expected.flow))).toBe(true)
      expect(result.rigid).toEqual(expected.rigid)
      expect(result.backwardFlow === undefined).toBe(i > 0)
    }
    // The way back is the way from B to A.
    expect(bytesOf(overlapping[0]?.backwardFlow).equals(bytesOf(overlapping[1]?.flow))).toBe(true)
  })

  it('ends calls with the reason of their signal, and goes on', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(faceFlow.flowRegistered(FRAME, FRAME, { signal })).rejects.toBe(reason)
    await expect(faceFlow.detect(FRAME, { signal })).rejects.toBe(reason)
    await expect(faceFlow.video({ signal }).start(FRAME)).rejects.toBe(reason)
    await expect(DeepFaceFlow.create({ device: device.gpu, signal })).rejects.toBe(reason)
    const abort = new AbortController()
    const late = faceFlow.detect(FRAME, { signal: abort.signal })
    setImmediate(() => abort.abort(reason))
    await expect(late).rejects.toBe(reason)
    await expect(faceFlow.detect(FRAME)).rejects.toMatchObject({ code: 'NO_FACE' })
  })

  it('follows a face whatever the caller does to the frames that it was given', async () => {
    const face = await readPhoto('test/fixtures/photos/faker_male_000.jpg')
    const flows: Float32Array[] = []
    for (const isSpoilt of [false, true]) {
      const video = faceFlow.video({ backward: false })
      const frames = [await video.start(face)]
      for (let i = 0; i < 2; i++) {
        const { frameToFrame, frameToReference } = await video.next(face)
        frames.push(frameToFrame.a, frameToFrame.b, frameToReference.a)
        if (i === 1) flows.push(frameToFrame.flow, frameToReference.flow)
        if (!isSpoilt) continue
        for (const frame of frames)
          for (const array of [frame.registered.data, frame.landmarks468]) array.fill(3)
      }
    }
    expect(flows.slice(2)).toEqual(flows.slice(0, 2))
  })

  it('computes nothing after dispose(), and leaves the device to its owner', async () => {
    const late = faceFlow.flowRegistered(FRAME, FRAME)
    faceFlow.dispose()
    faceFlow.dispose()
    await expect(late).rejects.toMatchObject({
      code: 'DISPOSED',
      message: 'this DeepFaceFlow was disposed; create() a new one',
    })
    await expect(faceFlow.detect(FRAME)).rejects.toMatchObject({ code: 'DISPOSED' })
    const lost = await Promise.race([device.gpu.lost.then(() => true), Promise.resolve(false)])
    expect(lost).toBe(false)
    const buffer = device.gpu.createBuffer({ size: 16, usage: 8 })
    buffer.destroy()
  })
})

describe('DeepFaceFlow on an engine of the caller', () => {
  it('shares the device and one set of weights, and leaves the engine open', async () => {
    const engine = await Engine.open()
    const first = await DeepFaceFlow.create({ engine })
    const one = engine.stats
    const second = await DeepFaceFlow.create({ engine })
    // What a pair keeps beside its weights, which are 21 MB.
    const added = engine.stats.liveBytes - one.liveBytes
    expect(added).toBeLessThan(0.7 * one.liveBytes)
    const frame = await decodePhoto('test/fixtures/dffnet/pair0-1.png')
    const options = { backward: false }
    const [a, b] = await Promise.all([first, second].map((of) => of.flowRegistered(frame, FRAME, options)))
    expect(bytesOf(a?.flow).equals(bytesOf(b?.flow))).toBe(true)
    first.dispose()
    const again = await second.flowRegistered(frame, FRAME, options)
    expect(bytesOf(again.flow).equals(bytesOf(b?.flow))).toBe(true)
    second.dispose()
    expect(engine.stats).toMatchObject({ liveBuffers: 0, plans: 0 })
    expect(engine.device).toBeDefined()
    engine.dispose()
  })

  it('takes neither another device nor anything else for an engine', async () => {
    const engine = {} as Engine
    await expect(DeepFaceFlow.create({ engine })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const compiler = { compile: () => undefined } as unknown as Engine
    await expect(DeepFaceFlow.create({ engine: compiler, adapter: 'software' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'adapter is that of the engine: leave it out beside engine',
    })
  })
})

function bytesOf(field: Float32Array | undefined): Buffer {
  const { buffer, byteOffset, byteLength } = field ?? new Float32Array()
  return Buffer.from(buffer, byteOffset, byteLength)
}
