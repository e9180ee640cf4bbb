import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BufferUsage, TextureUsage } from '../../src/gpu/constants.js'
import { type Animation, DeepFaceFlow, decodePhoto, type ObservedFrame, type Rgba } from '../../src/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { poisonBuffers, REVERSED, reordered, rewriteKernels } from '../support/reordered.js'

/** Photos that move, with the real networks. */
let engine: Engine
let faceFlow: DeepFaceFlow

const FIRST = 'test/fixtures/eval/animate/sbwe5n-001.jpg'
const LATER = 'test/fixtures/eval/animate/sbwe5n-020.jpg'
const FURTHER = 'test/fixtures/eval/animate/sbwe5n-029.jpg'
/** Another person in the same light. */
const STUDIO = 'test/fixtures/eval/animate/pwij3p-011.jpg'
const OTHER = 'test/fixtures/photos/faker_male_000.jpg'

beforeAll(async () => {
  engine = await Engine.open()
  faceFlow = await DeepFaceFlow.create({ engine })
})
afterAll(() => {
  faceFlow.dispose()
  engine.dispose()
})

function likeness(a: Rgba, b: Rgba): number {
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += ((a.data[i] as number) - (b.data[i] as number)) ** 2
  return 10 * Math.log10(255 ** 2 / (sum / ((a.data.length * 3) / 4)))
}

/** A frame that was left in rows of a buffer, whose place becomes another after the call, and in a texture. */
async function leftOnDevice(animation: Animation, seen: ObservedFrame, frame: string): Promise<Uint8Array[]> {
  const { device } = engine
  const { width, height } = animation.face.image
  const [offset, bytesPerRow] = [8, 256 * Math.ceil(width / 64 + 1)]
  const size = offset + bytesPerRow * height
  const [buffer, ...read] = [
    BufferUsage.COPY_DST | BufferUsage.COPY_SRC,
    ...[0, 1].map(() => BufferUsage.COPY_DST | BufferUsage.MAP_READ),
  ].map((usage) => device.createBuffer({ size, usage })) as [GPUBuffer, GPUBuffer, GPUBuffer]
  const usage = TextureUsage.STORAGE_BINDING | TextureUsage.COPY_SRC
  const texture = device.createTexture({ size: [width, height], format: 'rgba8unorm', usage })
  const place = { buffer, offset, bytesPerRow }
  const drawn = animation.drawOnDevice(seen, frame, place)
  place.offset = 0
  expect(await drawn).toEqual({ status: 'ok', beyond: null })
  await animation.drawOnDevice(seen, frame, texture)
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, offset, read[0], 0, size - offset)
  encoder.copyTextureToBuffer({ texture }, { buffer: read[1], bytesPerRow }, [width, height])
  device.queue.submit([encoder.finish()])
  await Promise.all(read.map((rows) => rows.mapAsync(1)))
  return read.map((rows) => {
    const inRows = new Uint8Array(rows.getMappedRange())
    const out = new Uint8Array(4 * width * height)
    for (let y = 0; y < height; y++) {
      out.set(inRows.subarray(bytesPerRow * y, bytesPerRow * y + 4 * width), 4 * width * y)
    }
    return out
  })
}

function beside(a: Rgba, b: Rgba): Rgba {
  const data = new Uint8Array((a.width + b.width) * a.height * 4)
  for (let y = 0; y < a.height; y++) {
    data.set(a.data.subarray(4 * y * a.width, 4 * (y + 1) * a.width), 4 * y * (a.width + b.width))
    data.set(b.data.subarray(4 * y * b.width, 4 * (y + 1) * b.width), 4 * (y * (a.width + b.width) + a.width))
  }
  return { width: a.width + b.width, height: a.height, data }
}

describe('animate', () => {
  it("returns a photo that is the driver's frame, and comes nearer to a later frame than the photo is", async () => {
    const photo = await decodePhoto(FIRST)
    const target = await decodePhoto(LATER)
    const animation = await faceFlow.animate(photo)
    await animation.start(FIRST)
    const same = await animation.next(FIRST)
    expect(same.image).toMatchObject({ width: photo.width, height: photo.height })
    expect(likeness(same.image, photo)).toBeGreaterThan(40)
    const later = await animation.next(LATER)
    expect(later).toMatchObject({ status: 'ok', beyond: null })
    expect(likeness(later.image, target)).toBeGreaterThan(likeness(photo, target) + 1.5)
    animation.dispose()
  })

  it('shows further photos of the person where they show better what is wanted, and leaves a photo that does not move', async () => {
    const [photo, target] = [await decodePhoto(FIRST), await decodePhoto(LATER)]
    const [alone, more] = [
      await faceFlow.animate(photo),
      await faceFlow.animate(photo, { sources: [FURTHER] }),
    ]
    for (const animation of [alone, more]) await animation.start(FIRST)
    expect(likeness((await more.next(FIRST)).image, photo)).toBeGreaterThan(40)
    const [one, two] = [await alone.next(LATER), await more.next(LATER)]
    expect(likeness(two.image, target)).toBeGreaterThan(likeness(one.image, target) + 0.3)
    for (const animation of [alone, more]) animation.dispose()
  })

  it('leaves frames of one photo and of several on the device, with the pixels of draw()', async () => {
    for (const sources of [[], [FURTHER]]) {
      const animation = await faceFlow.animate(FIRST, { sources })
      await animation.start(FIRST)
      const seen = await animation.observe(LATER)
      const short = engine.device.createBuffer({ size: 1024, usage: BufferUsage.COPY_DST })
      await expect(animation.drawOnDevice(seen, LATER, short)).rejects.toMatchObject({
        code: 'INVALID_BUFFER',
      })
      const left = await leftOnDevice(animation, seen, LATER)
      const { image } = await animation.draw(seen, LATER)
      for (const pixels of left) expect(pixels).toEqual(image.data)
      animation.dispose()
    }
  })

  it('is told by what callers gave at the call: their pixels and what they got are theirs', async () => {
    const pixels = async (file: string) => {
      const image = await decodePhoto(file)
      return { ...image, data: image.data.slice() }
    }
    const blanked = <T>(given: Rgba, call: Promise<T>): Promise<T> => {
      given.data.fill(0)
      return call
    }
    const [photo, reference, frame, seen] = await Promise.all([FIRST, FIRST, LATER, LATER].map(pixels))
    const [whole, reused] = [
      await faceFlow.animate(FIRST),
      await blanked(photo as Rgba, faceFlow.animate(photo as Rgba)),
    ]
    await whole.start(FIRST)
    const expected = await whole.next(LATER)
    const still = await blanked(reference as Rgba, reused.start(reference as Rgba))
    still.motion.expression.fill(Number.NaN)
    const observed = await blanked(frame as Rgba, reused.observe(frame as Rgba))
    const { image } = await blanked(seen as Rgba, reused.draw(observed, seen as Rgba))
    expect(Buffer.from(image.data).equals(Buffer.from(expected.image.data))).toBe(true)
    // What is held is the motion that was observed, whatever became of the copy.
    const { motion } = observed
    const before = structuredClone(motion)
    motion.expression.fill(Number.NaN)
    expect(await reused.observe('none.jpg')).toMatchObject({ status: 'held', motion: before })
    for (const animation of [whole, reused]) animation.dispose()
  })

  it('asks for the frame that a mouth is cut from, and does nothing once it is disposed', async () => {
    const animation = await faceFlow.animate(FIRST)
    const still = await animation.start(FIRST)
    await expect(animation.draw(still, undefined as never)).rejects.toThrow('the frame: is undefined')
    const under = animation.next(LATER)
    animation.dispose()
    animation.dispose()
    const said = { code: 'DISPOSED', message: 'this animation was disposed; animate() the photo again' }
    await expect(under).rejects.toMatchObject(said)
    for (const call of [
      () => animation.start(FIRST),
      () => animation.observe(FIRST),
      () => animation.draw(still, FIRST),
      () => animation.next(FIRST),
      () => animation.resume([], FIRST, FIRST, still),
    ]) {
      await expect(call()).rejects.toMatchObject(said)
    }
  })

  it('refuses sources that show somebody else or nobody', async () => {
    const photo = await decodePhoto(FIRST)
    await expect(faceFlow.animate(photo, { sources: [OTHER] })).rejects.toThrow(
      /faker_male_000.jpg: its face looks unlike that of the photo \(\d\.\d\d, of one person below 0.12\)/,
    )
    const empty = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 4) }
    await expect(faceFlow.animate(photo, { sources: [empty] })).rejects.toMatchObject({
      code: 'NO_FACE',
      message: expect.stringMatching(/^source 1: /),
    })
  })

  it('refuses the photo itself as a source, and one that is given twice', async () => {
    await expect(faceFlow.animate(FIRST, { sources: [FIRST] })).rejects.toThrow(
      /sbwe5n-001.jpg: the same picture as .*sbwe5n-001.jpg, and shows nothing that it does not/,
    )
    await expect(faceFlow.animate(FIRST, { sources: [FURTHER, FURTHER] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it("says which of several faces was taken: the largest of the photo, the photo's person in a source", async () => {
    const both = beside(await decodePhoto(STUDIO), await decodePhoto(FURTHER))
    const [alone, more] = [await faceFlow.animate(both), await faceFlow.animate(FIRST, { sources: [both] })]
    expect(alone.warnings).toEqual([expect.stringMatching(/^the photo: 2 faces found, the largest taken/)])
    const [warning = ''] = more.warnings
    const { width } = await decodePhoto(STUDIO)
    const [, middle] =
      /^source 1: 2 faces found, .* taken \(\d+x\d+ px, its middle at \((\d+), /.exec(warning) ?? []
    expect(Number(middle)).toBeGreaterThan(width)
    for (const animation of [alone, more]) animation.dispose()
  })

  it("moves another person's photo, holds it where the driver is away, and goes on with the same bits", async () => {
    const options = { strengths: { pose: 0.5 } }
    const whole = await faceFlow.animate(OTHER, options)
    const still = await whole.start(FIRST)
    const moved = await whole.observe(LATER)
    const memories = [whole.memory]
    const away = await whole.observe({
      width: 360,
      height: 288,
      data: new Uint8Array(360 * 288 * 4).fill(120),
    })
    expect(away).toMatchObject({ status: 'held', motion: moved.motion })
    // The mouth's inside does not go away with the driver.
    const [seen, held] = [await whole.draw(moved, LATER), await whole.draw(away, OTHER, LATER)]
    expect(held.image.data).toEqual(seen.image.data)
    memories.push(whole.memory)
    const again = await whole.observe(FIRST)
    expect(again.status).toBe('regained')
    const resumed = await faceFlow.animate(OTHER, options)
    await resumed.resume(memories, FIRST, LATER, away)
    const then = await resumed.observe(FIRST)
    expect(then.motion).toEqual(again.motion)
    const [one, two] = [await whole.draw(again, FIRST), await resumed.draw(then, FIRST)]
    expect(two.image.data).toEqual(one.image.data)
    expect(likeness((await whole.draw(still, FIRST)).image, await decodePhoto(OTHER))).toBeGreaterThan(40)
    whole.dispose()
    resumed.dispose()
  })

  it('does not follow a mask over the mouth, nor draw it, and goes on with the same bits', async () => {
    const options = { strengths: { light: 0, pose: 0 } }
    const whole = await faceFlow.animate(OTHER, options)
    await whole.start(FIRST)
    const free = await whole.observe(LATER)
    const memories = [whole.memory]
    const lips = free.mouth.subarray(0, 40)
    const across = lips.filter((_, k) => k % 2 === 0)
    const down = lips.filter((_, k) => k % 2 === 1)
    const middle = (values: Float32Array) => (Math.max(...values) + Math.min(...values)) / 2
    const width = Math.max(...across) - Math.min(...across)
    const image = await decodePhoto(LATER)
    const data = image.data.slice()
    for (let i = 0; i < image.width * image.height; i++) {
      const [x, y] = [(i % image.width) - middle(across), Math.floor(i / image.width) - middle(down)]
      if (Math.hypot(x / (0.9 * width), y / (0.65 * width)) < 1) data.set([196, 206, 214], 4 * i)
    }
    const mask = { ...image, data }
    const covered = await whole.observe(mask)
    memories.push(whole.memory)
    expect(covered).toMatchObject({ status: 'ok', covers: { mouth: { phase: 'covered', frames: 1 } } })
    expect(free.covers).toBeUndefined()
    expect(covered.mouth).toEqual(free.mouth)
    expect(covered.motion.mouthOpening).toBe(free.motion.mouthOpening)
    for (const v of [13, 14, 17, 0]) {
      expect(covered.motion.expression.slice(3 * v, 3 * v + 3)).toEqual(
        free.motion.expression.slice(3 * v, 3 * v + 3),
      )
    }
    const [seen, held] = [await whole.draw(free, LATER), await whole.draw(covered, mask, LATER)]
    expect(held.covers).toEqual(covered.covers)
    expect(likeness(held.image, seen.image)).toBeGreaterThan(40)
    const resumed = await faceFlow.animate(OTHER, options)
    await resumed.resume(memories, FIRST, mask, covered, LATER)
    // Frame by frame the mouth drawn is that of the last frame that shows it, after a resume too.
    const then = await whole.observe(mask)
    const { image: drawn } = await whole.draw(then, mask, LATER)
    expect((await resumed.next(mask)).image.data).toEqual(drawn.data)
    expect(await resumed.observe(LATER)).toEqual(await whole.observe(LATER))
    await expect(
      whole.resume(memories, FIRST, mask, { ...covered, covers: { mouth: { phase: 'away' } } } as never),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    for (const animation of [whole, resumed]) animation.dispose()
  })

  it('refuses what cannot be animated, and options that do not exist', async () => {
    await expect(faceFlow.animate(OTHER, { strengths: { pose: 3 } })).rejects.toThrow(
      /strengths.pose must be a number from 0 to 2/,
    )
    await expect(faceFlow.animate(OTHER, { motion: 'sideways' as never })).rejects.toThrow(
      /there is no motion "sideways"; choose from relative, absolute/,
    )
    await expect(
      faceFlow.animate({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 4) }),
    ).rejects.toMatchObject({ code: 'NO_FACE' })
    const animation = await faceFlow.animate(OTHER)
    await expect(animation.observe(FIRST)).rejects.toThrow(/call start\(\)/)
    animation.dispose()
  })
})

describe('flows, what is hidden, coefficients and a moved photo', () => {
  /** What the networks make of photos. */
  const results = async (of: DeepFaceFlow): Promise<Record<string, unknown>> => {
    const { timingsMs: _, ...flow } = await of.flow(FIRST, LATER)
    const expression = await of.expression(FIRST)
    const animation = await of.animate(FIRST)
    await animation.start(FIRST)
    const frame = await animation.next(LATER)
    return { flow, expression, frame }
  }

  it('are the same bits with invocations and workgroups in reverse, in buffers that were full of NaN', async () => {
    const reversed = await Engine.open()
    rewriteKernels(reversed.device, (code) => reordered(code, REVERSED))
    poisonBuffers(reversed.device, BufferUsage.STORAGE)
    const other = await DeepFaceFlow.create({ engine: reversed })
    try {
      expect(await results(other)).toEqual(await results(faceFlow))
    } finally {
      other.dispose()
      reversed.dispose()
    }
  }, 300_000)
})
