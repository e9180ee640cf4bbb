import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import {
  type ImageInputOptions,
  type ImageTransform,
  imageInput,
  inputImages,
  inputRegistered,
  packImageTransform,
  pixelBufferType,
} from '../../src/ops/image/image-input.js'
import { imageOutput } from '../../src/ops/image/image-output.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import { compare } from '../kernels/run-case.js'
import { seededRandom } from '../random.js'
import { type RefImage, sampleReference } from '../reference/image.js'

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
})

afterAll(() => engine.dispose())

type Matrix = ImageTransform['matrix']

interface Photo {
  readonly width: number
  readonly height: number
  readonly matrix: Matrix
  readonly stride?: number
  readonly taps?: readonly [number, number]
}

interface SamplingCase {
  readonly name: string
  readonly photos: readonly Photo[]
  readonly out: readonly [number, number]
  readonly options?: Partial<ImageInputOptions>
}

/** Turned by `angle`, `scale` source pixels an output pixel, output (u, v) at source (x, y). */
function similarity(angle: number, scale: number, u: number, v: number, x: number, y: number): Matrix {
  const cos = Math.cos(angle) * scale
  const sin = Math.sin(angle) * scale
  return [cos, -sin, x - cos * u + sin * v, sin, cos, y - sin * u - cos * v]
}

const identity: Matrix = [1, 0, 0, 0, 1, 0]
const turned = similarity(0.4, 1.3, 12, 9, 20, 15)
const normalisation = { scale: [2, 3, 0.5], offset: [-0.9, 0.25, 4] } as const

const cases: SamplingCase[] = [
  { name: 'identity', photos: [{ width: 21, height: 13, matrix: identity }], out: [21, 13] },
  { name: 'one pixel of one pixel', photos: [{ width: 1, height: 1, matrix: identity }], out: [1, 1] },
  {
    name: 'half a pixel to the side',
    photos: [{ width: 9, height: 7, matrix: [1, 0, 0.5, 0, 1, -0.5] }],
    out: [9, 7],
  },
  { name: 'enlarged 4x', photos: [{ width: 9, height: 7, matrix: [0.25, 0, 0, 0, 0.25, 0] }], out: [36, 28] },
  { name: 'turned', photos: [{ width: 40, height: 31, matrix: turned }], out: [24, 18] },
  {
    name: 'turned, edge',
    photos: [{ width: 40, height: 31, matrix: turned }],
    out: [24, 18],
    options: { border: 'edge' },
  },
  { name: 'letterbox', photos: [{ width: 50, height: 30, matrix: [2, 0, 0, 0, 2, -10] }], out: [25, 25] },
  { name: 'reduced 7x', photos: [{ width: 63, height: 56, matrix: [7, 0, 0, 0, 7, 0] }], out: [9, 8] },
  {
    name: 'reduced 7x with few taps',
    photos: [{ width: 63, height: 56, matrix: [7, 0.5, 0, 0, 7, 0], taps: [4, 5] }],
    out: [9, 8],
  },
  { name: 'all outside', photos: [{ width: 5, height: 5, matrix: [1, 0, 500, 0, 1, -9e8] }], out: [6, 3] },
  {
    name: 'all outside, edge',
    photos: [{ width: 5, height: 5, matrix: [1, 0, 500, 0, 1, -9e8] }],
    out: [6, 3],
    options: { border: 'edge' },
  },
  {
    name: 'sheared',
    photos: [{ width: 33, height: 20, matrix: [0.8, 0.6, -4, 0.1, 1.7, -2] }],
    out: [17, 19],
  },
  { name: 'mirrored', photos: [{ width: 16, height: 11, matrix: [-1, 0, 16, 0, 1, 0] }], out: [16, 11] },
  { name: 'own taps', photos: [{ width: 30, height: 30, matrix: turned, taps: [3, 1] }], out: [9, 11] },
  {
    name: 'gaps between rows',
    photos: [{ width: 11, height: 9, matrix: turned, stride: 64 }],
    out: [12, 12],
  },
  {
    name: 'three photos',
    photos: [
      { width: 40, height: 31, matrix: turned },
      { width: 17, height: 45, matrix: similarity(-1, 0.7, 3, 5, 8, 20) },
      { width: 50, height: 50, matrix: similarity(2, 4.5, 10, 10, 25, 25) },
    ],
    out: [19, 23],
    options: { border: 'edge' },
  },
  {
    name: 'two photos and their mirror images',
    photos: [
      { width: 40, height: 31, matrix: turned },
      { width: 17, height: 45, matrix: similarity(-1, 0.7, 3, 5, 8, 20) },
    ],
    out: [21, 18],
    options: { mirrored: true },
  },
]

function mirroredView(image: RefImage, width: number): RefImage {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = image.matrix
  return { ...image, matrix: [-a, b, c + a * width, -d, e, f + d * width] }
}

const formats = ['rgba8', 'rgb8'] as const

const SCHEDULES = ['software', 'hardware'] as const

describe('image input against its float64 reference', () => {
  for (const { name, photos, out, options } of cases) {
    for (const [format, schedule] of formats.flatMap((f) => SCHEDULES.map((s) => [f, s] as const))) {
      it(`${name}, ${format}, ${schedule} schedule`, async () => {
        const random = seededRandom(name)
        const [width, height] = out
        const bpp = format === 'rgba8' ? 4 : 3
        const graph = new GraphBuilder(name)
        const names = photos.map((_, i) => `photo${i}`)
        // Larger than any photo: what lies behind the last row must not matter.
        const maxPixels = 64 * 64
        const all = { width, height, format, border: 'black', ...normalisation, ...options } as const
        const tensor = inputImages(graph, 'images', names, { ...all, maxPixels })
        outputTensor(graph, 'result', tensor)
        const plan = await engine.compile(graph.build(), { schedule })
        const references = photos.map((photo, i): RefImage => {
          const rowStride = photo.stride ?? photo.width * bpp
          const capacity = pixelBufferType(maxPixels, format).bytes
          const bytes = Uint8Array.from({ length: capacity }, () => Math.floor(random() * 256))
          const packed = packImageTransform({
            width: photo.width,
            height: photo.height,
            matrix: photo.matrix,
            format,
            rowStride,
            ...(photo.taps && { taps: photo.taps }),
          })
          plan.write(`photo${i}`, bytes)
          plan.write(`photo${i}.transform`, packed)
          const [a, b, c, , d, e, f, , , tapsX = 0, tapsY = 0, dense] = packed
          const matrix = [a, b, c, d, e, f] as number[]
          const { width: w, height: h } = photo
          const taps = [tapsX, tapsY] as const
          const nearest = dense === 1
          return { width: w, height: h, bytes, bytesPerPixel: bpp, rowStride, matrix, taps, nearest }
        })
        const { result } = await plan.compute()
        // Mirrored in the output, before the transform: u becomes width - u.
        const mirrorImages = all.mirrored === true ? references : []
        const views = [...references, ...mirrorImages.map((image) => mirroredView(image, width))]
        const expected = sampleReference(views, width, height, all)
        const { maxError, range } = compare(result as Float32Array, expected.data)
        // Coordinates are rounded to f32: 1e-5 px at most here, times the contrast of neighbours.
        expect(maxError).toBeLessThan(3e-5 * Math.max(1, range))
        plan.dispose()
      })
    }
  }

  it('reduces a fine pattern to its mean instead of aliasing', async () => {
    const graph = new GraphBuilder('stripes')
    const side = 1000
    const tensor = inputImages(graph, 'image', ['photo'], { width: 32, height: 32, maxPixels: side * side })
    outputTensor(graph, 'result', tensor)
    const plan = await engine.compile(graph.build())
    // One bright column in four: whatever the phase, the mean is 1/4.
    const pixels = new Uint32Array(side * side).map((_, i) => (i % 4 === 0 ? 0xffffffff : 0xff000000))
    const scale = 900 / 32
    const matrix = similarity(0.01, scale, 16, 16, 500, 500)
    plan.write('photo', pixels)
    plan.write('photo.transform', packImageTransform({ width: side, height: side, matrix }))
    const { result } = await plan.compute()
    for (const value of result as Float32Array) expect(Math.abs(value - 0.25)).toBeLessThan(0.04)
    plan.dispose()
  })

  it('stays inside its buffer whatever the transform says', async () => {
    const graph = new GraphBuilder('lies')
    const tensor = inputImages(graph, 'image', ['photo'], {
      width: 8,
      height: 8,
      border: 'edge',
      maxPixels: 16,
    })
    outputTensor(graph, 'result', tensor)
    const plan = await engine.compile(graph.build())
    plan.write('photo', new Uint8Array(64).fill(255))
    const wrong = packImageTransform({ width: 60000, height: 60000, matrix: [6000, 0, 0, 0, 6000, 0] })
    plan.write('photo.transform', wrong)
    const { result } = await plan.compute()
    for (const value of result as Float32Array) expect(value).toBeCloseTo(1, 6)
    plan.dispose()
  })
})

describe('registered images', () => {
  for (const format of formats) {
    it(`copies two ${format} frames exactly and back to pixels`, async () => {
      const random = seededRandom(format)
      const [width, height] = [23, 17]
      const bpp = format === 'rgba8' ? 4 : 3
      const graph = new GraphBuilder('registered')
      const tensor = inputRegistered(graph, 'frames', ['a', 'b'], { width, height, format })
      outputTensor(graph, 'result', tensor)
      graph.output('pixels', imageOutput(graph, 'back', tensor))
      const plan = await engine.compile(graph.build())
      const bytes = pixelBufferType(width * height, format).bytes
      const frames = [0, 1].map(() => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)))
      const { result, pixels } = await plan.compute({
        a: frames[0] as Uint8Array,
        b: frames[1] as Uint8Array,
      })
      const expected = frames.flatMap((frame) =>
        Array.from({ length: width * height * 3 }, (_, i) => {
          return (frame[Math.floor(i / 3) * bpp + (i % 3)] as number) / 255
        }),
      )
      const { maxError } = compare(result as Float32Array, Float64Array.from(expected))
      expect(maxError).toBeLessThan(1e-7)
      const rgba = expected.flatMap((v, i) =>
        i % 3 === 2 ? [Math.round(v * 255), 255] : [Math.round(v * 255)],
      )
      expect([...(pixels as Uint8Array)]).toEqual(rgba)
      plan.dispose()
    })
  }
})

describe('image output', () => {
  it('scales, clamps and rounds each channel', async () => {
    const graph = new GraphBuilder('colour')
    const tensor = inputTensor(graph, 'rgb', { n: 1, h: 1, w: 2, c: 3 })
    graph.output('pixels', imageOutput(graph, 'out', tensor, { scale: [1, 2, 0.1], offset: [0, -0.5, 1] }))
    const plan = await engine.compile(graph.build())
    const { pixels } = await plan.compute({ rgb: Float32Array.of(0.5, 0.5, -6, 1.01, 0.2, 3) })
    expect([...(pixels as Uint8Array)]).toEqual([128, 128, 102, 255, 255, 0, 255, 255])
    plan.dispose()
  })

  it('takes a fourth channel for alpha, as it is', async () => {
    const graph = new GraphBuilder('alpha')
    const tensor = inputTensor(graph, 'rgba', { n: 1, h: 1, w: 2, c: 4 })
    graph.output('pixels', imageOutput(graph, 'out', tensor, { scale: 0.5, offset: 0.1 }))
    const plan = await engine.compile(graph.build())
    const { pixels } = await plan.compute({ rgba: Float32Array.of(0.2, 1, 0, 0.2, 1, 2, 0.5, -1) })
    expect([...(pixels as Uint8Array)]).toEqual([51, 153, 26, 51, 153, 255, 89, 0])
    plan.dispose()
  })

  it('makes one channel grey', async () => {
    const graph = new GraphBuilder('grey')
    const tensor = inputTensor(graph, 'grey', { n: 2, h: 3, w: 1, c: 1 })
    graph.output('pixels', imageOutput(graph, 'out', tensor, { scale: 0.5 }))
    const plan = await engine.compile(graph.build())
    const { pixels } = await plan.compute({ grey: Float32Array.of(0, 1, 2, 3, -1, 0.4) })
    const grey = [0, 128, 255, 255, 0, 51]
    expect([...(pixels as Uint8Array)]).toEqual(grey.flatMap((v) => [v, v, v, 255]))
    plan.dispose()
  })
})

describe('errors of image input and output', () => {
  const build = (options: Partial<ImageInputOptions>) => () =>
    inputImages(new GraphBuilder('g'), 'photos', ['a'], { width: 4, height: 4, maxPixels: 9, ...options })

  it('names the node and what is wrong', () => {
    expect(build({ width: 0 })).toThrow(/imageInput "photos".*width/)
    expect(build({ height: 2.5 })).toThrow(/height/)
    expect(build({ scale: [1, Number.NaN, 1] })).toThrow(/scale must be 3 finite numbers/)
    const none = () => imageInput(new GraphBuilder('g'), 'photos', [], { width: 4, height: 4 })
    expect(none).toThrow(/imageInput "photos".*needs images/)
    const tooSmall = () => {
      const graph = new GraphBuilder('g')
      const pixels = graph.input('p', pixelBufferType(4))
      const transform = graph.input('t', { kind: 'raw', bytes: 8, contents: 'f32[2]' })
      imageInput(graph, 'photos', [{ pixels, transform }], { width: 4, height: 4 })
    }
    expect(tooSmall).toThrow(/transform input 1 must be a raw buffer of at least 48 bytes/)
    const twoChannels = () => {
      const graph = new GraphBuilder('g')
      imageOutput(graph, 'out', graph.input('p', pixelBufferType(4)))
    }
    expect(twoChannels).toThrow(/imageOutput "out".*must be a tensor/)
  })

  it('refuses transforms that cannot be meant', () => {
    const pack = (transform: Partial<ImageTransform>) => () =>
      packImageTransform({ width: 10, height: 10, matrix: identity, ...transform })
    expect(pack({ width: 0 })).toThrow(/image width/)
    expect(pack({ height: 70000 })).toThrow(/image height/)
    expect(pack({ matrix: [1, 0, Number.NaN, 0, 1, 0] })).toThrow(/6 finite numbers/)
    expect(pack({ rowStride: 39 })).toThrow(/row stride/)
    expect(pack({ rowStride: 42 })).toThrow(/multiple of 4/)
    expect(pack({ taps: [0, 1] })).toThrow(/taps in x/)
    expect(() => pixelBufferType(0)).toThrow(/maxPixels/)
  })

  it('takes as many taps as source pixels, up to 16', () => {
    const taps = (scale: number) => {
      const packed = packImageTransform({ width: 9, height: 9, matrix: [scale, 0, 0, 0, scale * 2, 0] })
      return [packed[9], packed[10]]
    }
    expect(taps(1)).toEqual([1, 2])
    expect(taps(1.4)).toEqual([1, 3])
    expect(taps(0.3)).toEqual([1, 1])
    expect(taps(40)).toEqual([16, 16])
  })

  it('interpolates unless many taps lie a pixel apart', () => {
    const nearest = (scale: number, taps: readonly [number, number]) =>
      packImageTransform({ width: 9, height: 9, matrix: [scale, 0, 0, 0, scale, 0], taps })[11]
    expect(nearest(3, [3, 3])).toBe(0)
    expect(nearest(4, [4, 4])).toBe(1)
    expect(nearest(4, [4, 3])).toBe(0)
    expect(nearest(8, [4, 4])).toBe(0)
  })
})
