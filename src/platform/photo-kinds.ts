import { FaceError } from '../errors.js'
import { fromBase64 } from '../geometry/base64.js'
import type { BlobLike, Rgba } from '../geometry/types.js'

/** What callers give as a photo, told by tag and shape: a value from another realm is as good. */

/** Pixels that nobody has checked yet. */
export interface PhotoPixels {
  readonly width: number
  readonly height: number
  readonly data: unknown
}

export const DATA_URL = /^data:[^,]{0,200},/i

/**
 * Checked pixels as RGBA8; the same object where it already is that.
 * @throws FaceError INVALID_INPUT
 */
export function rgbaOf(pixels: PhotoPixels, name: string): Rgba {
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

/** The memory of byte arrays (Buffers too) and DataViews, not copied; undefined for wider numbers. */
export function asBytes(view: ArrayBufferView): Uint8Array | undefined {
  // Of this realm: sharp knows no other.
  if (view.constructor === Uint8Array) return view as Uint8Array
  return ['Uint8Array', 'Uint8ClampedArray', 'DataView'].includes(tagOf(view))
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : undefined
}

export function isUrl(value: unknown): value is { readonly protocol: string; readonly href: string } {
  const { protocol, href } = (value ?? {}) as { protocol?: unknown; href?: unknown }
  return typeof value === 'object' && typeof protocol === 'string' && typeof href === 'string'
}

export function isBlob(value: unknown): value is BlobLike & { readonly name?: unknown } {
  const { arrayBuffer, size } = (value ?? {}) as { arrayBuffer?: unknown; size?: unknown }
  return typeof value === 'object' && typeof arrayBuffer === 'function' && typeof size === 'number'
}

/** `Uint8Array` of `[object Uint8Array]`, whatever realm the value comes from. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** In words, without the value's content. */
export function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return primitive(value)
  if (ArrayBuffer.isView(value)) return `a ${tagOf(value)}`
  if (Array.isArray(value)) return 'an array'
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an object of class ${name}` : 'an object'
}

export function primitive(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return typeof value === 'number' || typeof value === 'boolean'
    ? `the ${typeof value} ${value}`
    : `a ${typeof value}`
}

export function dataUrlBytes(url: string, name: string): Uint8Array {
  const comma = url.indexOf(',')
  const content = url.slice(comma + 1)
  const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, comma))
  const bytes = isBase64 ? fromBase64(content) : null
  if (bytes !== null) return bytes
  throw new FaceError(
    'INVALID_INPUT',
    `${name}: is a data: URL that is not base64; give the bytes of the image instead`,
    {},
  )
}
