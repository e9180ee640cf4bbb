import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BufferUsage, TextureUsage } from '../../src/gpu/constants.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { inputImages, inputRegistered, packImageTransform } from '../../src/ops/image/image-input.js'
import { imageOutput } from '../../src/ops/image/image-output.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { scale } from '../../src/ops/tensor/elementwise.js'
import { Engine } from '../../src/runtime/engine.js'
import { Plan } from '../../src/runtime/plan.js'
import { seededRandom } from '../random.js'

/** Data of the caller that is on the device: pixels of 7x5, whose rows WebGPU's own copies of textures would not take. */

const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage
const { TEXTURE_BINDING, STORAGE_BINDING } = TextureUsage
const [WIDTH, HEIGHT] = [7, 5]
const PIXELS = WIDTH * HEIGHT

let engine: Engine
/** Pixels: their halves as numbers, and themselves again. */
let plan: Plan
/** Twice 4 numbers, and twice 4 others. */
let doubling: Plan

beforeAll(async () => {
  engine = await Engine.open()
  const graph = new GraphBuilder('halving')
  const image = inputRegistered(graph, 'image', ['pixels'], { width: WIDTH, height: HEIGHT })
  outputTensor(graph, 'half', scale(graph, 'scale', image, { scale: 0.5 }))
  graph.output('again', imageOutput(graph, 'image output', image))
  plan = await engine.compile(graph.build())
  const twice = new GraphBuilder('doubling')
  for (const name of ['x', 'y']) {
    const input = inputTensor(twice, name, { n: 1, h: 1, w: 1, c: 4 })
    outputTensor(twice, `2${name}`, scale(twice, `scale ${name}`, input, { scale: 2 }))
  }
  doubling = await engine.compile(twice.build())
})
afterAll(() => engine.dispose())

const random = seededRandom('pixels')
/** Opaque, as `imageOutput` makes them. */
const pixels = Uint8Array.from({ length: 4 * PIXELS }, (_, i) => (i % 4 === 3 ? 255 : 256 * random()))

function bufferOf(bytes: Uint8Array, usage: number = COPY_SRC): GPUBuffer {
  const buffer = engine.device.createBuffer({
    size: Math.ceil(bytes.length / 4) * 4,
    usage: usage | COPY_DST,
  })
  engine.device.queue.writeBuffer(buffer, 0, bytes as Uint8Array<ArrayBuffer>)
  return buffer
}

function textureOf(
  format: GPUTextureFormat,
  texels: Uint8Array | Uint16Array | Float32Array | undefined,
  descriptor: Partial<GPUTextureDescriptor> = {},
): GPUTexture {
  const size = [WIDTH, HEIGHT]
  const usage = TEXTURE_BINDING | TextureUsage.COPY_DST | TextureUsage.COPY_SRC
  const texture = engine.device.createTexture({ size, format, usage, ...descriptor })
  if (texels !== undefined) {
    const layout = { bytesPerRow: texels.byteLength / HEIGHT }
    engine.device.queue.writeTexture({ texture }, texels as Uint8Array<ArrayBuffer>, layout, size)
  }
  return texture
}

/** Texels as floats, by WebGPU's own copy. */
async function texelsOf(texture: GPUTexture, bytesPerTexel: number): Promise<ArrayBuffer> {
  const { device } = engine
  const bytesPerRow = 256
  const buffer = device.createBuffer({ size: bytesPerRow * HEIGHT, usage: COPY_DST | MAP_READ })
  const encoder = device.createCommandEncoder()
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [WIDTH, HEIGHT])
  device.queue.submit([encoder.finish()])
  await buffer.mapAsync(1)
  const rows = new Uint8Array(buffer.getMappedRange())
  const out = new Uint8Array(WIDTH * HEIGHT * bytesPerTexel)
  for (let y = 0; y < HEIGHT; y++) {
    out.set(
      rows.subarray(y * bytesPerRow, y * bytesPerRow + WIDTH * bytesPerTexel),
      y * WIDTH * bytesPerTexel,
    )
  }
  buffer.destroy()
  return out.buffer
}

async function bytesOf(buffer: GPUBuffer): Promise<Uint8Array> {
  const { device } = engine
  const copy = device.createBuffer({ size: buffer.size, usage: COPY_DST | MAP_READ })
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size)
  device.queue.submit([encoder.finish()])
  await copy.mapAsync(1)
  const bytes = new Uint8Array(copy.getMappedRange().slice(0))
  copy.destroy()
  return bytes
}

const bgra = (rgba: Uint8Array): Uint8Array =>
  rgba.map((_, i) => rgba[i % 4 === 3 ? i : i - (i % 4) + 2 - (i % 4)] as number)

/** What `half` is of pixels. */
function halves(rgba: Uint8Array): Float32Array {
  return Float32Array.from({ length: 3 * PIXELS }, (_, i) => {
    const value = rgba[4 * Math.floor(i / 3) + (i % 3)] as number
    return 0.5 * Math.fround(value / 255)
  })
}

async function expectPixels(inputs: Parameters<Plan['compute']>[0]): Promise<void> {
  plan.write('pixels', new Uint8Array(4 * PIXELS))
  const { half, again } = await plan.compute(inputs)
  expect(again).toEqual(pixels)
  const worst = halves(pixels).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (half?.[i] as number))),
    0,
  )
  expect(worst).toBeLessThan(1e-6)
}

async function refusal(call: () => unknown): Promise<{ readonly code?: string; readonly message?: string }> {
  try {
    await call()
  } catch (error) {
    return error as { code?: string; message?: string }
  }
  return {}
}

describe('inputs on the device', () => {
  it('are buffers, slices and rows with gaps', async () => {
    await expectPixels({ pixels: bufferOf(pixels) })
    const late = new Uint8Array(12 + pixels.length)
    late.set(pixels, 12)
    await expectPixels({ pixels: { buffer: bufferOf(late), offset: 12 } })
    const [offset, bytesPerRow] = [8, 36]
    // The last row need not be filled up.
    const gaps = new Uint8Array(offset + bytesPerRow * (HEIGHT - 1) + 4 * WIDTH).fill(77)
    for (let y = 0; y < HEIGHT; y++) {
      gaps.set(pixels.subarray(y * 4 * WIDTH, (y + 1) * 4 * WIDTH), offset + y * bytesPerRow)
    }
    await expectPixels({ pixels: { buffer: bufferOf(gaps), offset, bytesPerRow } })
  })

  it('are textures of 8-bit and float formats', async () => {
    await expectPixels({ pixels: textureOf('rgba8unorm', pixels) })
    await expectPixels({ pixels: textureOf('bgra8unorm', bgra(pixels)) })
    await expectPixels({
      pixels: textureOf(
        'rgba32float',
        Float32Array.from(pixels, (value) => value / 255),
      ),
    })
  })

  it.each(['rgba8unorm-srgb', 'bgra8unorm-srgb'] as const)('are the bytes of %s, all 256', async (format) => {
    const all = Uint8Array.from({ length: 256 * 4 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2))
    const graph = new GraphBuilder('256 levels')
    const image = inputRegistered(graph, 'image', ['pixels'], { width: 256, height: 1 })
    graph.output('again', imageOutput(graph, 'image output', image))
    const levels = await engine.compile(graph.build())
    const usage = TEXTURE_BINDING | TextureUsage.COPY_DST
    const texture = engine.device.createTexture({ size: [256, 1], format, usage })
    engine.device.queue.writeTexture({ texture }, all, { bytesPerRow: 1024 }, [256, 1])
    expect((await levels.compute({ pixels: texture })).again).toEqual(all)
    levels.dispose()
  })

  it('are textures of any size where photos are', async () => {
    const graph = new GraphBuilder('photo')
    const photo = inputImages(graph, 'image', ['photo'], { width: WIDTH, height: HEIGHT, maxPixels: 1000 })
    graph.output('again', imageOutput(graph, 'image output', photo))
    const photos = await engine.compile(graph.build())
    const transform = packImageTransform({
      width: WIDTH,
      height: HEIGHT,
      matrix: [1, 0, 0, 0, 1, 0],
      taps: [1, 1],
    })
    const { again } = await photos.compute({
      photo: textureOf('rgba8unorm', pixels),
      'photo.transform': transform,
    })
    expect(again).toEqual(pixels)
    photos.dispose()
  })

  it('keep live bytes flat and their order with arrays, in flight', async () => {
    const one = textureOf('rgba8unorm', pixels)
    const other = pixels.map((value, i) => (i % 4 === 3 ? 255 : 255 - value))
    const many = () =>
      Promise.all(
        Array.from({ length: 9 }, (_, i) => plan.compute({ pixels: i % 2 === 0 ? one : other }, ['again'])),
      )
    await many()
    const before = engine.stats
    const results = await many()
    for (const [i, { again }] of results.entries()) expect(again).toEqual(i % 2 === 0 ? pixels : other)
    expect(engine.stats).toEqual(before)
  })
})

describe('outputs on the device', () => {
  it('go to slices, beside what the caller has there', async () => {
    const target = bufferOf(new Uint8Array(4 * PIXELS + 24).fill(9), COPY_SRC)
    await plan.run({ pixels }, { to: { again: { buffer: target, offset: 8 } } })
    const bytes = await bytesOf(target)
    expect(bytes.subarray(8, 8 + 4 * PIXELS)).toEqual(pixels)
    expect([...bytes.subarray(0, 8), ...bytes.subarray(8 + 4 * PIXELS)]).toEqual(Array(24).fill(9))
  })

  it('go to textures; channels that are missing are 0, alpha 1', async () => {
    const usage = STORAGE_BINDING | TextureUsage.COPY_SRC
    const [picture, numbers] = [
      textureOf('rgba8unorm', undefined, { usage }),
      textureOf('rgba32float', undefined, { usage }),
    ]
    await plan.run({ pixels }, { to: { again: picture, half: numbers } })
    expect(new Uint8Array(await texelsOf(picture, 4))).toEqual(pixels)
    const texels = new Float32Array(await texelsOf(numbers, 16))
    const expected = halves(pixels)
    for (let i = 0; i < PIXELS; i++) {
      for (let c = 0; c < 3; c++) expect(texels[4 * i + c]).toBeCloseTo(expected[3 * i + c] as number, 6)
      expect(texels[4 * i + 3]).toBe(1)
    }
  })

  it('may be rows with gaps', async () => {
    const [offset, bytesPerRow] = [8, 4 * WIDTH + 8]
    const target = bufferOf(new Uint8Array(offset + bytesPerRow * HEIGHT).fill(77))
    await plan.run({ pixels }, { to: { again: { buffer: target, offset, bytesPerRow } }, only: true })
    const expected = new Uint8Array(offset + bytesPerRow * HEIGHT).fill(77)
    for (let y = 0; y < HEIGHT; y++) {
      expected.set(pixels.subarray(y * 4 * WIDTH, (y + 1) * 4 * WIDTH), offset + y * bytesPerRow)
    }
    expect(await bytesOf(target)).toEqual(expected)
  })

  it('leave out what only other outputs need', async () => {
    const target = bufferOf(new Uint8Array(4 * PIXELS))
    await plan.run({ pixels }, { to: { again: target }, only: true })
    expect(await bytesOf(target)).toEqual(pixels)
    expect(await refusal(() => plan.read(['half']))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await plan.read(['again'])).again).toEqual(pixels)
  })

  it('and inputs may be bound slices of one buffer', async () => {
    const { device } = engine
    const buffer = device.createBuffer({ size: 1024, usage: STORAGE | COPY_SRC | COPY_DST })
    device.queue.writeBuffer(buffer, 256, Float32Array.of(1, 2, 3, 4))
    const result = device.createBuffer({ size: 1024, usage: STORAGE | COPY_SRC | COPY_DST })
    await doubling.bindInput('x', { buffer, offset: 256 })
    await doubling.bindOutput('2x', { buffer: result, offset: 512 })
    const { '2x': read, '2y': other } = await doubling.compute({ y: Float32Array.of(5, 6, 7, 8) })
    expect([read, other]).toEqual([Float32Array.of(2, 4, 6, 8), Float32Array.of(10, 12, 14, 16)])
    const floats = new Float32Array((await bytesOf(result)).buffer)
    expect([...floats.subarray(126, 134)]).toEqual([0, 0, 2, 4, 6, 8, 0, 0])
    // Arrays are written to the slice.
    await doubling.compute({ x: Float32Array.of(9, 9, 9, 9) })
    expect([...new Float32Array((await bytesOf(buffer)).buffer).subarray(63, 69)]).toEqual([0, 9, 9, 9, 9, 0])
    await doubling.assertFinite()
  })
})

describe('in the caller’s commands', () => {
  it('a plan stands in an open pass or an encoder, with its inputs and places', async () => {
    const { device } = engine
    const usage = STORAGE_BINDING | TextureUsage.COPY_SRC
    const [source, target] = [textureOf('rgba8unorm', pixels), textureOf('rgba8unorm', undefined, { usage })]
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    plan.encode(pass, { pixels: source }, { to: { again: target } })
    pass.end()
    const slice = bufferOf(new Uint8Array(4 * PIXELS))
    plan.encode(encoder, { pixels: bufferOf(bgra(pixels)) }, { to: { again: slice } })
    device.queue.submit([encoder.finish()])
    expect(new Uint8Array(await texelsOf(target, 4))).toEqual(pixels)
    expect(await bytesOf(slice)).toEqual(bgra(pixels))
  })

  it('arrays are refused there, and copies of buffers in a pass', async () => {
    const encoder = engine.device.createCommandEncoder()
    expect((await refusal(() => plan.encode(encoder, { pixels }))).message).toMatch(
      /"pixels" is an array: write\(\)/,
    )
    const pass = encoder.beginComputePass()
    expect((await refusal(() => plan.encode(pass, { pixels: bufferOf(pixels) }))).message).toMatch(
      /a compute pass copies none/,
    )
    pass.end()
    await expectPixels({ pixels })
  })
})

describe('several plans', () => {
  it('run in one submission, the output of one the input of the next', async () => {
    const { queue } = engine.device
    const [submit, counted] = [queue.submit, { submissions: 0 }]
    queue.submit = (commands) => {
      counted.submissions++
      return submit.call(queue, commands)
    }
    const graph = new GraphBuilder('again')
    const image = inputRegistered(graph, 'image', ['pixels'], {
      width: WIDTH,
      height: HEIGHT,
      scale: [-1, -1, -1],
      offset: [1, 1, 1],
    })
    graph.output('negative', imageOutput(graph, 'image output', image))
    const negative = await engine.compile(graph.build())
    const [first, second] = await Plan.computeTogether([
      { plan, inputs: { pixels }, outputs: ['again'] },
      { plan: negative, inputs: { pixels: plan.outputBuffer('again') } },
    ])
    Reflect.deleteProperty(queue, 'submit')
    expect(counted.submissions).toBe(1)
    expect(first).toEqual({ again: pixels })
    expect(second?.negative).toEqual(pixels.map((value, i) => (i % 4 === 3 ? 255 : 255 - value)))
    negative.dispose()
  })

  it('are refused together where one is', async () => {
    await expectPixels({ pixels })
    const other = await Engine.open()
    const graph = new GraphBuilder('elsewhere')
    outputTensor(
      graph,
      'y',
      scale(graph, 's', inputTensor(graph, 'x', { n: 1, h: 1, w: 1, c: 1 }), { scale: 1 }),
    )
    const elsewhere = await other.compile(graph.build())
    const x = new Float32Array(1)
    for (const jobs of [
      [],
      [{ plan }, { plan }],
      [{ plan }, { plan: elsewhere, inputs: { x } }],
      [
        { plan, inputs: { pixels: pixels.map(() => 0) } },
        { plan: doubling, inputs: { x } },
      ],
      [{}],
      'jobs',
    ]) {
      expect(await refusal(() => Plan.computeTogether(jobs as never))).toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
    expect((await plan.compute()).again).toEqual(pixels)
    other.dispose()
  })

  it('wait for one that is profiled, with the arrays of the call', async () => {
    const profiled = plan.profile(1)
    const given = pixels.slice()
    const together = Plan.computeTogether([{ plan, inputs: { pixels: given } }, { plan: doubling }])
    given.fill(0)
    expect((await together)[0]?.again).toEqual(pixels)
    await profiled
  })
})

describe('what does not fit', () => {
  const at = (size: number, usage: number) => engine.device.createBuffer({ size, usage })
  const bytes = 4 * PIXELS

  it.each<[string, string, RegExp, () => unknown]>([
    [
      'a buffer without COPY_SRC',
      'INVALID_BUFFER',
      /usage COPY_SRC; got usage 0x/,
      () => plan.run({ pixels: at(bytes, STORAGE) }),
    ],
    [
      'a buffer that is too small',
      'INVALID_BUFFER',
      /must have 140; got 136 bytes/,
      () => plan.run({ pixels: at(136, COPY_SRC) }),
    ],
    [
      'a slice beyond the end',
      'INVALID_BUFFER',
      /must have 144; got 140/,
      () => plan.run({ pixels: { buffer: at(bytes, COPY_SRC), offset: 4 } }),
    ],
    [
      'an odd offset',
      'INVALID_BUFFER',
      /multiple of 4 bytes; got 2/,
      () => plan.run({ pixels: { buffer: at(999 * 4, COPY_SRC), offset: 2 } }),
    ],
    [
      'a negative offset',
      'INVALID_BUFFER',
      /multiple of 4 bytes; got -4/,
      () => plan.run({ pixels: { buffer: at(999 * 4, COPY_SRC), offset: -4 } }),
    ],
    [
      'rows that overlap',
      'INVALID_BUFFER',
      /rows of 28 bytes; got bytesPerRow 24/,
      () => plan.run({ pixels: { buffer: at(999 * 4, COPY_SRC), bytesPerRow: 24 } }),
    ],
    [
      'rows of what has none',
      'INVALID_ARGUMENT',
      /bytesPerRow is for pixels/,
      () => doubling.run({ x: { buffer: at(64, COPY_SRC), bytesPerRow: 16 } }),
    ],
    [
      'a texture for numbers',
      'INVALID_ARGUMENT',
      /rgba8 pixels only/,
      () => doubling.run({ x: textureOf('rgba8unorm', pixels) }),
    ],
    [
      'a texture without TEXTURE_BINDING',
      'INVALID_BUFFER',
      /TEXTURE_BINDING/,
      () => plan.run({ pixels: textureOf('rgba8unorm', undefined, { usage: TextureUsage.COPY_SRC }) }),
    ],
    [
      'a texture of another size',
      'INVALID_BUFFER',
      /rgba8\[5,7\] \(height, width\); got a texture of 7x5/,
      () => plan.run({ pixels: textureOf('rgba8unorm', undefined, { size: [HEIGHT, WIDTH] }) }),
    ],
    [
      'a texture of integers',
      'INVALID_BUFFER',
      /format rgba8unorm, .*; got rgba8uint/,
      () => plan.run({ pixels: textureOf('rgba8uint', undefined) }),
    ],
    [
      'a texture of several layers',
      'INVALID_BUFFER',
      /one layer/,
      () => plan.run({ pixels: textureOf('rgba8unorm', undefined, { size: [WIDTH, HEIGHT, 2] }) }),
    ],
    [
      'a place without COPY_DST',
      'INVALID_BUFFER',
      /usage COPY_DST/,
      () => plan.run({ pixels }, { to: { again: at(bytes, STORAGE) } }),
    ],
    [
      'a place of a format with too few channels',
      'INVALID_BUFFER',
      /rgba16float, rgba32float; got r32float/,
      () =>
        plan.run({ pixels }, { to: { half: textureOf('r32float', undefined, { usage: STORAGE_BINDING }) } }),
    ],
    [
      'a place for pixels in floats',
      'INVALID_BUFFER',
      /format rgba8unorm; got rgba32float/,
      () =>
        plan.run(
          { pixels },
          { to: { again: textureOf('rgba32float', undefined, { usage: STORAGE_BINDING }) } },
        ),
    ],
    [
      'a place without STORAGE_BINDING',
      'INVALID_BUFFER',
      /STORAGE_BINDING/,
      () => plan.run({ pixels }, { to: { again: textureOf('rgba8unorm', undefined) } }),
    ],
    [
      'a place for an unknown output',
      'INVALID_ARGUMENT',
      /no output "z"/,
      () => plan.run({ pixels }, { to: { z: at(bytes, COPY_DST) } }),
    ],
    [
      'a place that is an array',
      'INVALID_ARGUMENT',
      /goes to a GPUBuffer/,
      () => plan.run({ pixels }, { to: { again: new Uint8Array(bytes) as never } }),
    ],
    [
      'an unaligned bound slice',
      'INVALID_BUFFER',
      /multiple of \d+ bytes; got 16/,
      () => doubling.bindInput('x', { buffer: at(64, STORAGE), offset: 16 }),
    ],
    [
      'a bound slice beyond the end',
      'INVALID_BUFFER',
      />= 272 bytes/,
      () => doubling.bindInput('x', { buffer: at(260, STORAGE), offset: 256 }),
    ],
    [
      'bound rows',
      'INVALID_BUFFER',
      /rows without gaps/,
      () => plan.bindInput('pixels', { buffer: at(999 * 4, STORAGE), bytesPerRow: 32 }),
    ],
  ])('%s', async (_, code, message, call) => {
    await expectPixels({ pixels })
    const error = await refusal(call)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect((await plan.compute()).again).toEqual(pixels)
  })

  it('destroyed ones, and those of another device, are told of by the run', async () => {
    const other = await Engine.open()
    const gone = [bufferOf(pixels), textureOf('rgba8unorm', pixels)] as const
    for (const each of gone) each.destroy()
    const foreign = other.device.createBuffer({ size: bytes, usage: COPY_SRC | COPY_DST })
    for (const bad of [...gone, foreign]) {
      expect(await refusal(() => plan.run({ pixels: bad }))).toMatchObject({ code: 'INVALID_BUFFER' })
      expect(await refusal(() => plan.compute({ pixels: bad }))).toMatchObject({ code: 'INVALID_BUFFER' })
      await expectPixels({ pixels })
    }
    expect(await refusal(() => plan.run({ pixels }, { to: { again: foreign } }))).toMatchObject({
      code: 'INVALID_BUFFER',
    })
    await expectPixels({ pixels })
    other.dispose()
  })
})
