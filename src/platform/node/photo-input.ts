import { fileURLToPath } from 'node:url'
import { FaceError } from '../../errors.js'
import type { BlobLike, PhotoInput, Rgba } from '../../geometry/types.js'

/** What the decoder works on. */
export type PhotoSource =
  | { readonly file: string }
  | { readonly bytes: Uint8Array }
  | { readonly pixels: { readonly width: number; readonly height: number; readonly data: unknown } }

const ACCEPTED =
  'a file name or file: URL, the bytes of an image file (Uint8Array, ArrayBuffer, Blob), or pixels ' +
  '({ width, height, data } with RGBA bytes, such as an ImageData)'

const DATA_URL = /^data:[^,]{0,200},/i
/** At least two letters before the colon: `C:\photo.jpg` is a file. */
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i

/**
 * What messages call a photo: its file where it has one; never the content of a `data:` URL.
 * @param otherwise for bytes and pixels
 */
export function photoName(input: unknown, otherwise: string): string {
  if (typeof input === 'string') {
    if (DATA_URL.test(input)) return otherwise
    return /^file:\/\//i.test(input) ? fileOfUrl(input, otherwise) : input
  }
  if (isUrl(input)) return input.protocol === 'file:' ? fileOfUrl(input.href, otherwise) : otherwise
  if (isBlob(input) && typeof input.name === 'string' && input.name !== '') return input.name
  return otherwise
}

/**
 * Sorts out what a caller gave. Kinds are told by tag and shape, not by `instanceof`: a value from another realm (a
 * test runner's, a frame's) is as good.
 * @throws FaceError INVALID_ARGUMENT that says what was given and what is taken; INVALID_INPUT for an address
 */
export async function photoSource(input: PhotoInput, name: string): Promise<PhotoSource> {
  const given: unknown = input
  if (typeof given === 'string') return stringSource(given, name)
  if (isUrl(given)) return urlSource(given, name)
  if (typeof given !== 'object' || given === null) throw wrongType(name, primitive(given))
  if (tagOf(given) === 'ArrayBuffer' || tagOf(given) === 'SharedArrayBuffer') {
    return { bytes: new Uint8Array(given as ArrayBuffer) }
  }
  if (ArrayBuffer.isView(given)) {
    const bytes = asBytes(given)
    if (bytes !== undefined) return { bytes }
    throw wrongType(name, kindOf(given))
  }
  if (isBlob(given)) return { bytes: new Uint8Array(await given.arrayBuffer()) }
  if ('width' in given && 'height' in given && 'data' in given) {
    return { pixels: given as { width: number; height: number; data: unknown } }
  }
  if (typeof (given as { then?: unknown }).then === 'function')
    throw wrongType(name, 'a promise; await it first')
  throw wrongType(name, kindOf(given))
}

/**
 * The file that a word on a command line means: a name, or a `file:` URL.
 * @param name what messages call it where it is neither
 * @throws FaceError INVALID_INPUT
 */
export function photoFile(text: string, name: string): string {
  if (text === '') throw new FaceError('INVALID_INPUT', `${name}: is an empty name; give a file name`)
  if (DATA_URL.test(text))
    throw new FaceError('INVALID_INPUT', `${name}: is a data: URL; write the picture to a file`)
  const source = stringSource(text, name)
  return 'file' in source ? source.file : text
}

/**
 * Checked pixels as RGBA8; the same object where it already is that.
 * @throws FaceError INVALID_INPUT
 */
export function rgbaOf(pixels: { width: number; height: number; data: unknown }, name: string): Rgba {
  const { width, height, data } = pixels
  const bytes = ArrayBuffer.isView(data) ? asBytes(data) : undefined
  const expected = width * height * 4
  if (bytes === undefined || bytes.length !== expected) {
    const found = bytes !== undefined ? `${bytes.length} bytes for` : `${kindOf(data)} as data of`
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: has ${found} ${width}x${height} pixels; give a Uint8Array of width * height * 4 = ${expected} bytes (RGBA)` +
        (bytes?.length === width * height * 3 ? ': these look like RGB, add an alpha channel' : ''),
      { file: name, width, height, bytes: bytes?.length },
    )
  }
  return bytes === data ? (pixels as Rgba) : { width, height, data: bytes }
}

function stringSource(text: string, name: string): PhotoSource {
  if (text === '') throw wrongType(name, 'an empty file name')
  if (DATA_URL.test(text)) return { bytes: dataUrlBytes(text, name) }
  const scheme = SCHEME.exec(text)?.[1]
  if (scheme === undefined) return { file: text }
  return urlSource({ protocol: `${scheme.toLowerCase()}:`, href: text }, name)
}

function urlSource({ protocol, href }: { protocol: string; href: string }, name: string): PhotoSource {
  if (protocol === 'data:') return { bytes: dataUrlBytes(href, name) }
  if (protocol !== 'file:') {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is an address (${protocol}), not a file; download it first and give the file or its bytes`,
      { protocol },
    )
  }
  try {
    return { file: fileURLToPath(href) }
  } catch (cause) {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is a file: URL without a path on this machine; give an absolute path`,
      {},
      { cause },
    )
  }
}

function dataUrlBytes(url: string, name: string): Uint8Array {
  const comma = url.indexOf(',')
  const content = url.slice(comma + 1)
  if (/;\s*base64\s*$/i.test(url.slice(0, comma))) return new Uint8Array(Buffer.from(content, 'base64'))
  throw new FaceError(
    'INVALID_INPUT',
    `${name}: is a data: URL that is not base64; give the bytes of the image instead`,
    {},
  )
}

function fileOfUrl(href: string, otherwise: string): string {
  try {
    return fileURLToPath(href)
  } catch {
    return otherwise
  }
}

/** The memory of byte arrays (Buffers too) and DataViews, not copied; undefined for wider numbers. */
function asBytes(view: ArrayBufferView): Uint8Array | undefined {
  // Of this realm: sharp knows no other.
  if (view.constructor === Uint8Array) return view as Uint8Array
  return ['Uint8Array', 'Uint8ClampedArray', 'DataView'].includes(tagOf(view))
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : undefined
}

function isUrl(value: unknown): value is { readonly protocol: string; readonly href: string } {
  const { protocol, href } = (value ?? {}) as { protocol?: unknown; href?: unknown }
  return typeof value === 'object' && typeof protocol === 'string' && typeof href === 'string'
}

function isBlob(value: unknown): value is BlobLike & { readonly name?: unknown } {
  const { arrayBuffer, size } = (value ?? {}) as { arrayBuffer?: unknown; size?: unknown }
  return typeof value === 'object' && typeof arrayBuffer === 'function' && typeof size === 'number'
}

/** `Uint8Array` of `[object Uint8Array]`, whatever realm the value comes from. */
function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** In words, without the value's content. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return primitive(value)
  if (ArrayBuffer.isView(value)) return `a ${tagOf(value)}`
  if (Array.isArray(value)) return 'an array'
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an object of class ${name}` : 'an object'
}

function primitive(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return typeof value === 'number' || typeof value === 'boolean'
    ? `the ${typeof value} ${value}`
    : `a ${typeof value}`
}

function wrongType(name: string, given: string): FaceError {
  return new FaceError('INVALID_ARGUMENT', `${name}: is ${given}; give ${ACCEPTED}`, { given })
}
