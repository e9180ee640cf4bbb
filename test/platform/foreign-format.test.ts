import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { decodePhoto } from '../../src/platform/node/image.js'
import { repositoryFile } from '../support/synthetic.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-foreign-'))
})
afterAll(() => rm(folder, { recursive: true }))

const HEIC = repositoryFile('test/fixtures/files/photo.heic')
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat([...parts.map((part) => Buffer.from(part as string, 'latin1')), Buffer.alloc(200, 1)])
const ftyp = (brand: string) => bytes([0, 0, 0, 24], 'ftyp', brand, [0, 0, 0, 0], brand, 'isom')

describe('an intact file of another kind: what it is and what to do', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['JPEG XL', bytes([0xff, 0x0a]), /is JPEG XL; save it as JPEG or PNG/],
    [
      'JPEG 2000',
      bytes([0, 0, 0, 12], 'jP  ', [13, 10, 0x87, 10, 0, 0, 0, 20], 'ftypjp2 '),
      /is JPEG 2000; save/,
    ],
    ['BMP', bytes('BM'), /is BMP; save/],
    ['Photoshop', bytes('8BPS', [0, 1]), /is a Photoshop document; export it/],
    ['OpenEXR', bytes('v/1', [1]), /is OpenEXR; save/],
    ['PPM', bytes('P6\n8 8\n255\n'), /is PNM \(PBM, PGM, PPM or PFM\); save/],
    ['raw of a Canon', ftyp('crx '), /is a camera raw file \(CR3\); develop it/],
    ['raw of a Fujifilm', bytes('FUJIFILMCCD-RAW 0201'), /is a camera raw file \(RAF\); develop it/],
    ['a film', ftyp('mp42'), /is a video \(MP4 \(video\/mp4\)\); use the video command, or save a frame/],
    ['a live photo’s film', ftyp('qt  '), /is a video \(MOV .*; use the video command/],
    ['PDF', bytes('%PDF-1.7\n'), /is PDF, not a photo; export the picture/],
    ['an archive', bytes('PK\x03\x04'), /is ZIP \(application\/zip\), not a photo; check the path/],
    [
      'a page instead of a download',
      Buffer.from('<!DOCTYPE html><title>Log in</title>'),
      /is a web page \(HTML\)/,
    ],
    [
      'Git LFS',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      /run "git lfs pull" first/,
    ],
    ['text', Buffer.from('{"error": "not found"}'), /is not an image but text; give a JPEG/],
    [
      'a download that never came',
      new Uint8Array(5000),
      /is filled with zeros; copy or download the file again/,
    ],
  ])('%s', async (name, content, message) => {
    const file = join(folder, `${name.replace(/\W/g, '-')}.jpg`)
    await writeFile(file, content)
    for (const [input, start] of [
      [file, file],
      [new Uint8Array(content), 'image data'],
    ] as const) {
      const error = (await decodePhoto(input).catch((e: unknown) => e)) as Error
      expect(error).toMatchObject({ code: 'INVALID_INPUT' })
      expect(error.message).toMatch(message)
      expect(error.message.startsWith(`${start}: is `)).toBe(true)
      expect(error.message).not.toMatch(/damaged|copy .*again.*damaged/)
    }
  })

  it('a camera raw file that a TIFF reader could read a preview of', async () => {
    await expect(decodePhoto(grey64Tiff([]))).resolves.toMatchObject({ width: 64, height: 64 })
    await expect(decodePhoto(grey64Tiff([[50706, 1, 4, 0x00000401]]))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^image data: is a camera raw file \(DNG\); develop it to JPEG or PNG/),
    })
  })

  it('a pipe or device', async () => {
    await expect(decodePhoto('/dev/null')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: '/dev/null: is a pipe or device; write the photo to a file first',
    })
  })

  it('a damaged photo stays a damaged photo', async () => {
    const jpeg = await sharp({ create: { width: 99, height: 99, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer()
    await expect(decodePhoto(jpeg.subarray(0, jpeg.length - 150))).rejects.toMatchObject({
      message: expect.stringMatching(/is damaged or incomplete/),
    })
  })
})

describe('a damaged photo is not taken for another kind, nor decoded to wrong colours', () => {
  const picture = () =>
    sharp(repositoryFile('demo/franck_01829.jpg')).extract({ left: 200, top: 100, width: 320, height: 320 })

  it.each(['tiff', 'png', 'webp', 'gif', 'avif', 'jpeg'] as const)('half a %s', async (format) => {
    const whole = await picture().toFormat(format).toBuffer()
    for (const length of [64, whole.length >> 1]) {
      await expect(decodePhoto(whole.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^image data: is damaged or incomplete \(.*; copy or download/),
      })
    }
  })

  it.each([true, false])('a JPEG with overwritten bytes in its scan, progressive %s', async (progressive) => {
    const bytes = await picture().jpeg({ progressive }).toBuffer()
    bytes.fill(0xaa, bytes.length >> 1, (bytes.length >> 1) + 200)
    await expect(decodePhoto(bytes)).rejects.toMatchObject({
      message: expect.stringMatching(/^image data: is damaged or incomplete \(VipsJpeg: Corrupt JPEG data/),
    })
  })

  it('JPEG-LS is a kind of JPEG that is not read', async () => {
    await expect(decodePhoto(bytes([0xff, 0xd8, 0xff, 0xf7, 0, 11, 8, 1, 0]))).rejects.toMatchObject({
      message: expect.stringMatching(
        /^image data: is a kind of JPEG that is not read, or damaged .*save it as PNG/,
      ),
    })
  })

  it('filling before the end of a JPEG is none', async () => {
    const bytes = await picture().jpeg().toBuffer()
    const filled = Buffer.concat([bytes.subarray(0, -2), Buffer.alloc(9), bytes.subarray(-2)])
    expect((await decodePhoto(filled)).data).toEqual((await decodePhoto(bytes)).data)
  })
})

describe('HEIC', () => {
  it('is decoded where heic-decode is installed', async () => {
    const photo = await decodePhoto(HEIC)
    expect(photo).toMatchObject({ width: 160, height: 128 })
    const { data } = await sharp(repositoryFile('demo/franck_01829.jpg'))
      .resize(160)
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const difference = photo.data.reduce((sum, value, i) => sum + Math.abs(value - (data[i] as number)), 0)
    expect(difference / data.length).toBeLessThan(6)
  })

  it('says what it is and the two ways on where it is not', async () => {
    vi.doMock('heic-decode', () => {
      throw new Error('not installed')
    })
    try {
      await expect(decodePhoto(HEIC)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(
          /photo\.heic: is HEIC \(HEVC\), as iPhones save photos, .*\("npm install heic-decode"\), or save the photo as JPEG/,
        ),
      })
    } finally {
      vi.doUnmock('heic-decode')
    }
  })

  it('a damaged one is refused with the decoder’s reason', async () => {
    const { readFile } = await import('node:fs/promises')
    const whole = new Uint8Array(await readFile(HEIC))
    await expect(decodePhoto(whole.subarray(0, 900))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(
        /^image data: is (HEIC, and heic-decode cannot decode it|damaged|not an image)/,
      ),
    })
  })
})

describe('the size is checked before anything is decoded', () => {
  const strip = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: 'grey' } })
      .png()
      .toBuffer()

  it.each([
    [200_000, 40],
    [40, 200_000],
  ])('a strip of %ix%i px in a few kilobytes is refused at once', async (width, height) => {
    const file = join(folder, `${width}.png`)
    await writeFile(file, await strip(width, height))
    const before = process.cpuUsage()
    await expect(decodePhoto(file)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `${file}: has ${width}x${height} pixels, one side more than 50 times the other; cut out the part that shows the face`,
      details: { maxAspect: 50 },
    })
    // Processor time: other tests may keep the cores busy.
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(500)
  })

  it('a panorama of 40:1 is not', async () => {
    expect(await decodePhoto(await strip(4000, 100))).toMatchObject({ width: 4000, height: 100 })
  })
})

/** An uncompressed grey TIFF of 64x64 px with further tags: [tag, type, count, value]. */
function grey64Tiff(further: readonly (readonly [number, number, number, number])[]): Uint8Array {
  const tags = [
    [256, 3, 1, 64],
    [257, 3, 1, 64],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, 1, 512],
    [277, 3, 1, 1],
    [278, 3, 1, 64],
    [279, 4, 1, 4096],
    ...further,
  ] as const
  const file = Buffer.alloc(512 + 4096, 128)
  file.write('II*\0', 'latin1')
  file.writeUInt32LE(8, 4)
  file.writeUInt16LE(tags.length, 8)
  tags.forEach(([tag, type, count, value], i) => {
    file.writeUInt16LE(tag, 10 + 12 * i)
    file.writeUInt16LE(type, 12 + 12 * i)
    file.writeUInt32LE(count, 14 + 12 * i)
    file.writeUInt32LE(value, 18 + 12 * i)
  })
  file.writeUInt32LE(0, 10 + 12 * tags.length)
  return new Uint8Array(file)
}
