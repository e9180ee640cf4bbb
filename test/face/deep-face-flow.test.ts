import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeepFaceFlow } from '../../src/face/deep-face-flow.js'
import { type EngineDevice, openDevice } from '../../src/gpu/device.js'
import type { Refinement } from '../../src/nets/refinement.js'
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
    expect(progress.slice(0, 2)).toEqual(['reading the weights', 'opening the GPU'])
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

  it('computes nothing after dispose(), and leaves the device to its owner', async () => {
    const late = faceFlow.flowRegistered(FRAME, FRAME)
    faceFlow.dispose()
    faceFlow.dispose()
    await expect(late).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(faceFlow.detect(FRAME)).rejects.toMatchObject({ code: 'DISPOSED' })
    const lost = await Promise.race([device.gpu.lost.then(() => true), Promise.resolve(false)])
    expect(lost).toBe(false)
    const buffer = device.gpu.createBuffer({ size: 16, usage: 8 })
    buffer.destroy()
  })
})
