import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runInNewContext } from 'node:vm'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodePhoto } from '../../src/platform/node/image.js'
import { photoName } from '../../src/platform/node/photo-input.js'

let folder: string
let file: string
let png: Uint8Array
let pixels: Uint8Array
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-input-'))
  const source = sharp({ create: { width: 40, height: 36, channels: 4, background: '#c86432' } })
  png = new Uint8Array(await source.clone().png().toBuffer())
  pixels = new Uint8Array(await source.raw().toBuffer())
  file = join(folder, 'a photo #1 50%.png')
  await writeFile(file, png)
})
afterAll(() => rm(folder, { recursive: true }))

const size = { width: 40, height: 36 }
/** The same bytes inside a larger memory, as a Buffer of a pool has them. */
const shifted = (bytes: Uint8Array) => {
  const memory = new Uint8Array(bytes.length + 10)
  memory.set(bytes, 7)
  return memory.subarray(7, 7 + bytes.length)
}

describe('kinds of input', () => {
  it.each<[string, () => unknown]>([
    ['a file name', () => file],
    ['a file: URL', () => pathToFileURL(file)],
    ['the text of a file: URL', () => pathToFileURL(file).href],
    ['a Buffer', () => Buffer.from(png)],
    ['a part of a larger memory', () => shifted(png)],
    ['a Uint8ClampedArray', () => new Uint8ClampedArray(png)],
    ['an ArrayBuffer', () => png.slice().buffer],
    ['a DataView', () => new DataView(png.buffer, png.byteOffset, png.byteLength)],
    ['a Blob', () => new Blob([png.slice()])],
    ['a base64 data: URL', () => `data:image/png;base64,${Buffer.from(png).toString('base64')}`],
    ['a Uint8Array of another realm', () => runInNewContext('Uint8Array.from(bytes)', { bytes: [...png] })],
    ['Rgba', () => ({ ...size, data: pixels })],
    ['ImageData', () => ({ ...size, data: new Uint8ClampedArray(pixels), colorSpace: 'srgb' })],
    ['pixels in a Buffer', () => ({ ...size, data: Buffer.from(pixels) })],
    [
      'pixels of another realm',
      () =>
        runInNewContext('({ ...size, data: Uint8ClampedArray.from(bytes) })', { size, bytes: [...pixels] }),
    ],
  ])('%s', async (_name, make) => {
    const photo = await decodePhoto(make() as string)
    expect(photo).toMatchObject(size)
    expect(photo.data).toBeInstanceOf(Uint8Array)
    expect(Buffer.compare(photo.data, pixels)).toBe(0)
  })

  it.each<[string, () => unknown, RegExp]>([
    ['undefined', () => undefined, /^photo A: is undefined; give a file name or file: URL, the bytes/],
    ['null', () => null, /is null; give/],
    ['a number', () => 5, /is the number 5; give/],
    ['a function', () => () => 'secret', /is a function; give/],
    ['an empty name', () => '', /is an empty file name; give/],
    ['a promise', () => Promise.resolve(png), /is a promise; await it first; give/],
    ['an array', () => [...png], /is an array; give/],
    ['wider numbers', () => new Float32Array(9), /is a Float32Array; give/],
    ['another object', () => new Map(), /is an object of class Map; give/],
    ['a decoder', () => sharp(png), /is an object of class Sharp; give/],
  ])('%s is told exactly', async (_name, make, message) => {
    const refusal = decodePhoto(make() as string, 'photo A')
    await expect(refusal).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'an address',
      () => 'https://example.org/a.jpg?token=1',
      /is an address \(https:\), not a file; download it/,
    ],
    ['an address as a URL', () => new URL('http://example.org/a.jpg'), /is an address \(http:\)/],
    [
      'a file: URL of another machine',
      () => 'file://server/a.jpg',
      /is a file: URL without a path on this machine/,
    ],
    [
      'RGB pixels',
      () => ({ ...size, data: new Uint8Array(40 * 36 * 3) }),
      /look like RGB, add an alpha channel/,
    ],
    [
      'float pixels',
      () => ({ ...size, data: new Float32Array(40 * 36 * 4) }),
      /has a Float32Array as data of 40x36/,
    ],
    [
      'pixels without data',
      () => ({ ...size, data: undefined }),
      /has undefined as data of 40x36 pixels; give a Uint8/,
    ],
    ['an empty Blob', () => new Blob([]), /is empty; give the bytes/],
  ])('%s: says so', async (_name, make, message) => {
    const refusal = decodePhoto(make() as string, 'photo A')
    await expect(refusal).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    })
  })

  it('never repeats the content of a data: URL', async () => {
    for (const url of [
      `data:image/png;base64,${'QUJD'.repeat(2000)}`,
      `data:image/svg+xml,${'%3Csvg'.repeat(900)}`,
    ]) {
      for (const input of [url, new URL(url)]) {
        const error = (await decodePhoto(input).catch((e: unknown) => e)) as Error
        expect(error).toMatchObject({ code: 'INVALID_INPUT' })
        expect(error.message).toMatch(/^image data: is /)
        expect(error.message.length).toBeLessThan(160)
      }
    }
  })
})

describe('the name in messages', () => {
  it('is the file where there is one', () => {
    expect(photoName('a.jpg', 'photo A')).toBe('a.jpg')
    expect(photoName(pathToFileURL(file), 'photo A')).toBe(file)
    expect(photoName(new File([], 'holiday.jpg'), 'photo A')).toBe('holiday.jpg')
    expect(photoName('C:\\photos\\a.jpg', 'photo A')).toBe('C:\\photos\\a.jpg')
  })
  it('is what the caller says otherwise', () => {
    for (const input of [
      undefined,
      png,
      'data:image/png;base64,AAAA',
      new URL('https://x.org/a?b'),
      new Blob([]),
    ]) {
      expect(photoName(input, 'photo A')).toBe('photo A')
    }
  })
})
