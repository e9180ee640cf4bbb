import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaceError } from '../../src/errors.js'
import { decodePhoto, encodeJpeg, encodePng } from '../../src/platform/node/image.js'
import { PHOTO_A } from '../support/synthetic.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-image-'))
})
afterAll(() => rm(folder, { recursive: true }))

const SIZE = 48
/** Left half red, right half blue, upper quarter white. */
const raster = Buffer.alloc(SIZE * SIZE * 3)
for (let y = 0; y < SIZE; y++) {
  for (let x = 0; x < SIZE; x++) {
    raster.set(y < 12 ? [255, 255, 255] : x < 24 ? [255, 0, 0] : [0, 0, 255], 3 * (y * SIZE + x))
  }
}
const source = () => sharp(raster, { raw: { width: SIZE, height: SIZE, channels: 3 } })

async function pixel(input: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, width } = await decodePhoto(input)
  return [...data.slice(4 * (y * width + x), 4 * (y * width + x) + 4)]
}

function expectNear(actual: number[], expected: number[], tolerance: number) {
  actual.forEach((v, i) => {
    expect(Math.abs(v - (expected[i] as number)), `channel ${i} of ${actual}`).toBeLessThanOrEqual(tolerance)
  })
}

describe('decodePhoto', () => {
  it.each([
    ['PNG', () => source().png(), 0],
    ['WebP', () => source().webp({ lossless: true }), 0],
    ['TIFF', () => source().tiff({ compression: 'lzw' }), 0],
    ['GIF', () => source().gif(), 2],
    ['JPEG', () => source().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }), 6],
    ['AVIF', () => source().avif({ quality: 90, chromaSubsampling: '4:4:4' }), 12],
  ])('reads %s', async (_name, encode, tolerance) => {
    const bytes = await encode().toBuffer()
    expectNear(await pixel(bytes, 5, 30), [255, 0, 0, 255], tolerance)
    expectNear(await pixel(bytes, 40, 30), [0, 0, 255, 255], tolerance)
  })

  it('honours EXIF orientation', async () => {
    const bytes = await source().jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer()
    // Orientation 6: to be turned clockwise by 90 degrees; the white top goes to the right.
    expectNear(await pixel(bytes, 44, 24), [255, 255, 255, 255], 6)
    const wide = await source()
      .resize(96, 48, { fit: 'fill' })
      .jpeg()
      .withMetadata({ orientation: 8 })
      .toBuffer()
    expect(await decodePhoto(wide)).toMatchObject({ width: 48, height: 96 })
  })

  it('reduces 16 bits to 8', async () => {
    const bytes = await source().toColourspace('rgb16').png().toBuffer()
    expect((await sharp(bytes).metadata()).depth).toBe('ushort')
    expectNear(await pixel(bytes, 5, 30), [255, 0, 0, 255], 1)
  })

  it.each(['srgb', 'p3'])('brings colours to sRGB, of 8 and 16 bits: profile %s', async (profile) => {
    const [r, g, b] = [200, 120, 90]
    const photo = sharp({ create: { width: SIZE, height: SIZE, channels: 3, background: { r, g, b } } })
    for (const picture of [photo.clone().png(), photo.clone().jpeg({ quality: 100 })]) {
      const encoded = await picture.withIccProfile(profile).toBuffer()
      expectNear(await pixel(encoded, 9, 9), [r, g, b, 255], 2)
    }
    // Raw colours of 16 bits sharp takes for Display P3's.
    const deep = new Uint16Array(SIZE * SIZE * 3).map((_, i) => 257 * ([r, g, b][i % 3] as number))
    const deepPhoto = sharp(deep, { raw: { width: SIZE, height: SIZE, channels: 3 } })
    const encoded = await deepPhoto.toColourspace('rgb16').withIccProfile(profile).png().toBuffer()
    expectNear(await pixel(encoded, 9, 9), [213, 115, 83, 255], 1)
  })

  it('reads grey, 8 and 16 bits', async () => {
    for (const space of ['b-w', 'grey16'] as const) {
      const bytes = await source().toColourspace(space).png().toBuffer()
      const [r, g, b] = await pixel(bytes, 5, 30)
      expect([g, b]).toEqual([r, r])
      expectNear(await pixel(bytes, 5, 5), [255, 255, 255, 255], 1)
    }
  })

  it('reads CMYK', async () => {
    const bytes = await source().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()
    expect((await sharp(bytes).metadata()).space).toBe('cmyk')
    const [r, g, b] = (await pixel(bytes, 5, 30)) as [number, number, number]
    expect(r).toBeGreaterThan(200)
    expect(Math.max(g, b)).toBeLessThan(90)
  })

  it('composites transparency on black', async () => {
    const bytes = await source().ensureAlpha(0.5).png().toBuffer()
    expectNear(await pixel(bytes, 5, 30), [128, 0, 0, 255], 1)
  })

  it('takes the first frame of an animation', async () => {
    const second = await source().negate().png().toBuffer()
    const bytes = await sharp([await source().png().toBuffer(), second], { join: { animated: true } })
      .gif()
      .toBuffer()
    expect((await sharp(bytes).metadata()).pages).toBe(2)
    expect(await decodePhoto(bytes)).toMatchObject({ width: SIZE, height: SIZE })
    expectNear(await pixel(bytes, 5, 30), [255, 0, 0, 255], 2)
  })

  it('reads a file, and gives pixels back as they are', async () => {
    const image = await decodePhoto(PHOTO_A)
    expect(image).toMatchObject({ width: 720, height: 576 })
    expect(image.data.length).toBe(720 * 576 * 4)
    expect(await decodePhoto(image)).toBe(image)
  })

  it('round-trips through PNG exactly and through JPEG nearly', async () => {
    const image = await decodePhoto(await source().png().toBuffer())
    expect((await decodePhoto(await encodePng(image))).data).toEqual(image.data)
    expect(await encodePng(image)).toEqual(await encodePng(image))
    expectNear(await pixel(await encodeJpeg(image), 5, 30), [255, 0, 0, 255], 8)
  })
})

describe('what is not a photo is refused with file, limit and remedy', () => {
  async function refusal(input: Parameters<typeof decodePhoto>[0]): Promise<string> {
    const error = await decodePhoto(input).then(
      () => null,
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(FaceError)
    expect(error).toMatchObject({ code: 'INVALID_INPUT' })
    return (error as FaceError).message
  }
  const file = async (name: string, bytes: Uint8Array | string) => {
    const path = join(folder, name)
    await writeFile(path, bytes)
    return path
  }

  it('missing file', async () => {
    expect(await refusal('/nowhere/a.jpg')).toBe('/nowhere/a.jpg: does not exist; check the path')
  })
  it('folder', async () => {
    expect(await refusal(folder)).toMatch(/: is a folder; give an image file/)
  })
  it('empty file and empty bytes', async () => {
    expect(await refusal(await file('empty.jpg', ''))).toMatch(/empty\.jpg: is empty \(0 bytes\)/)
    expect(await refusal(new Uint8Array(0))).toMatch(/image data: is empty/)
  })
  it('truncated JPEG', async () => {
    const bytes = await readFile(PHOTO_A)
    expect(await refusal(await file('cut.jpg', bytes.subarray(0, 9000)))).toMatch(
      /cut\.jpg: is damaged or incomplete \(.+\); copy or download the file again/,
    )
  })
  it('text', async () => {
    expect(await refusal(await file('text.jpg', 'hello there'))).toMatch(
      /text\.jpg: is not an image .*give a JPEG, PNG, WebP, AVIF, TIFF or GIF file/,
    )
  })
  it('SVG', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"></svg>'
    expect(await refusal(await file('drawing.svg', svg))).toMatch(/is SVG, not a photo/)
  })
  it('1x1', async () => {
    const bytes = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    expect(await refusal(bytes)).toMatch(
      /has 1x1 pixels, less than the minimum of 32x32; give a larger photo/,
    )
  })
  it('decompression bomb: 40,000 x 40,000 in a few bytes', async () => {
    expect(await refusal(await file('bomb.png', pngHeader(40_000, 40_000)))).toMatch(
      /bomb\.png: has 40000x40000 pixels, more than the limit of 100 megapixels; scale it down/,
    )
  })
  it('pixels whose number does not fit', async () => {
    expect(await refusal({ width: 40, height: 40, data: new Uint8Array(7) })).toMatch(/7 bytes for 40x40/)
    expect(await refusal({ width: 0.5, height: 40, data: new Uint8Array(7) })).toMatch(/size 0.5x40/)
  })
})

/** A PNG whose header promises the size and whose data is one compressed byte. */
function pngHeader(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const chunks = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1))),
    chunk('IEND', Buffer.alloc(0)),
  ]
  return Buffer.concat([signature, ...chunks])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
