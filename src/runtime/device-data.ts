import { EngineError, printed } from '../errors.js'
import { BufferUsage, TextureUsage } from '../gpu/constants.js'

/** Bytes in a buffer of the caller, on the plan's device. */
export interface BufferSlice {
  readonly buffer: GPUBuffer
  /** Bytes from the buffer's start; default 0. */
  readonly offset?: number
  /** Of pixels: bytes from one row to the next; default: no gaps between rows. */
  readonly bytesPerRow?: number
}

/**
 * What is on the device already: copied there, in the run's own submission. A GPUExternalTexture is for inputs of pixels, in browsers:
 * its whole picture is scaled bilinearly to their size.
 */
export type DeviceData = GPUBuffer | BufferSlice | GPUTexture | GPUExternalTexture

/** What the border of a plan says of an input or output. */
export interface BorderFacts {
  readonly bytes: number
  /** E.g. `f32[1,224,224,3]`, `rgba8[224,224]`, `rgba8[<=4194304]`. */
  readonly contents: string
}

/** A checked part of a buffer of the caller, row by row. */
export interface CheckedSlice {
  readonly kind: 'buffer'
  readonly buffer: GPUBuffer
  readonly offset: number
  readonly rows: number
  readonly rowBytes: number
  readonly bytesPerRow: number
}

/** A checked texture of the caller. */
export interface CheckedTexture {
  readonly kind: 'texture'
  readonly texture: GPUTexture
}

/** A picture of a video, and the size of the pixels that it is wanted in. */
export interface CheckedExternal {
  readonly kind: 'external'
  readonly external: GPUExternalTexture
  readonly width: number
  readonly height: number
}

export type CheckedData = CheckedSlice | CheckedTexture | CheckedExternal

/** By what WebGPU's objects have, not by class: there is more than one implementation. */
function isBuffer(value: unknown): value is GPUBuffer {
  const { size, usage } = (value ?? {}) as Partial<GPUBuffer>
  return typeof size === 'number' && typeof usage === 'number'
}

function isTexture(value: unknown): value is GPUTexture {
  const { format, usage } = (value ?? {}) as Partial<GPUTexture>
  return typeof format === 'string' && typeof usage === 'number'
}

/** It has nothing but its class to be known by, and browsers alone have it. */
export function isExternalTexture(value: unknown): value is GPUExternalTexture {
  return Object.prototype.toString.call(value) === '[object GPUExternalTexture]'
}

/** Whether a value is meant as data on the device; `checkedSource` and `checkedTarget` say whether it can be. */
export function isDeviceData(value: unknown): value is DeviceData {
  return (
    isTexture(value) ||
    isExternalTexture(value) ||
    isBuffer(value) ||
    isBuffer((value as Partial<BufferSlice> | null)?.buffer)
  )
}

/** Formats whose texels are colours, as bytes of pixels are. */
const PIXEL_FORMATS: readonly string[] = [
  'rgba8unorm',
  'rgba8unorm-srgb',
  'bgra8unorm',
  'bgra8unorm-srgb',
  'rgba16float',
  'rgba32float',
]

/** Formats that values can be stored in by a kernel, with their channels. */
const VALUE_FORMATS: Readonly<Record<string, number>> = {
  r32float: 1,
  rg32float: 2,
  rgba16float: 4,
  rgba32float: 4,
}

/** A place that stays the same whatever the caller does with the object that names it; what is there is not copied. */
export function ownedPlace<T>(data: T): T {
  return isBuffer((data as Partial<BufferSlice> | null)?.buffer) ? { ...data } : data
}

/**
 * Data on the device that an input is copied from.
 * @param what names plan and input in messages
 * @throws EngineError INVALID_BUFFER for a slice that does not hold the input, is not aligned or lacks COPY_SRC, and a texture of
 * another size, of a format without colours or without TEXTURE_BINDING; INVALID_ARGUMENT for a texture where no pixels are wanted, or an external one
 * where their size is not known
 */
export function checkedSource(what: string, facts: BorderFacts, data: DeviceData): CheckedData {
  if (isExternalTexture(data)) {
    const size = pixelSize(facts)
    if (size !== undefined && size.most === undefined && facts.contents.startsWith('rgba8')) {
      return { kind: 'external', external: data, width: size.width, height: size.height }
    }
    throw new EngineError(
      'INVALID_ARGUMENT',
      `${what} is ${facts.contents}: a GPUExternalTexture can be given for rgba8 pixels of a size that the graph states only, as its own size is not known; draw it to a GPUTexture`,
    )
  }
  if (!isTexture(data)) return checkedSlice(what, facts, data, BufferUsage.COPY_SRC, 'COPY_SRC')
  const size = pixelSize(facts)
  if (size === undefined || !facts.contents.startsWith('rgba8')) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `${what} is ${facts.contents}: a texture can be given for rgba8 pixels only`,
    )
  }
  checkTexture(what, data, TextureUsage.TEXTURE_BINDING, 'TEXTURE_BINDING', PIXEL_FORMATS)
  const { width, height } = data
  const fits =
    size.most === undefined ? width === size.width && height === size.height : width * height <= size.most
  if (!fits)
    fail(what, data, `takes pixels ${facts.contents} (height, width)`, `a texture of ${height}x${width}`)
  return { kind: 'texture', texture: data }
}

/**
 * A place on the device that an output is copied to.
 * @throws EngineError INVALID_BUFFER for a slice that is too small, not aligned or lacks COPY_DST, and a texture of another size, of
 * a format that does not hold the values or without STORAGE_BINDING; INVALID_ARGUMENT for a texture where the output is no map
 */
export function checkedTarget(what: string, facts: BorderFacts, data: unknown): CheckedData {
  if (!isDeviceData(data)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `${what} goes to a GPUBuffer, { buffer, offset } or a GPUTexture, got ${printed(data)}`,
    )
  }
  if (isExternalTexture(data)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `${what} cannot go to a GPUExternalTexture, which is read only; give a GPUBuffer, { buffer, offset } or a GPUTexture`,
    )
  }
  if (!isTexture(data)) return checkedSlice(what, facts, data, BufferUsage.COPY_DST, 'COPY_DST')
  const map = mapOf(facts)
  if (map === undefined) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `${what} is ${facts.contents}: maps of one batch entry and up to 4 channels go to textures`,
    )
  }
  const formats = map.isPixels
    ? ['rgba8unorm']
    : Object.keys(VALUE_FORMATS).filter((format) => (VALUE_FORMATS[format] as number) >= map.channels)
  checkTexture(what, data, TextureUsage.STORAGE_BINDING, 'STORAGE_BINDING', formats)
  if (data.width !== map.width || data.height !== map.height) {
    fail(what, data, `is a map ${map.height}x${map.width}`, `a texture of ${data.height}x${data.width}`)
  }
  return { kind: 'texture', texture: data }
}

/** A map as a texture can hold it; undefined for other outputs. */
export function mapOf({
  contents,
}: BorderFacts):
  | { readonly width: number; readonly height: number; readonly channels: number; readonly isPixels: boolean }
  | undefined {
  const [, type, list = ''] = /^(f32|rgba8)\[([\d,]+)\]$/.exec(contents) ?? []
  const sizes = list.split(',').map(Number)
  const isPixels = type === 'rgba8'
  const [n, height, width, channels = 4] = isPixels && sizes.length === 2 ? [1, ...sizes] : sizes
  const isMap = n === 1 && width !== undefined && height !== undefined && channels <= 4
  return isMap && sizes.length === (isPixels ? sizes.length : 4)
    ? { width, height, channels, isPixels }
    : undefined
}

/** Sides of pixels, or how many there may be. */
function pixelSize({
  contents,
}: BorderFacts): { readonly width: number; readonly height: number; readonly most?: number } | undefined {
  const most = /^rgba?8\[<=(\d+)\]$/.exec(contents)?.[1]
  if (most !== undefined) return { width: 0, height: 0, most: Number(most) }
  const [, height, width] = /^rgba?8\[(?:1,)?(\d+),(\d+)\]$/.exec(contents) ?? []
  return width === undefined ? undefined : { width: Number(width), height: Number(height) }
}

function checkedSlice(
  what: string,
  facts: BorderFacts,
  given: GPUBuffer | BufferSlice,
  usage: number,
  usageName: string,
): CheckedSlice {
  const slice: BufferSlice = isBuffer(given) ? { buffer: given } : given
  const { buffer, offset = 0, bytesPerRow } = slice
  // Copies are of whole words.
  const bytes = Math.ceil(facts.bytes / 4) * 4
  checkAligned(what, buffer, 'offset', offset, 4)
  if ((buffer.usage & usage) !== usage) {
    fail(what, buffer, `needs a buffer with usage ${usageName}`, `usage 0x${buffer.usage.toString(16)}`)
  }
  let rows = { rows: 1, rowBytes: bytes, bytesPerRow: bytes }
  if (bytesPerRow !== undefined) {
    const size = pixelSize(facts)
    const rowBytes = size === undefined ? 0 : facts.bytes / size.height
    if (size === undefined || size.most !== undefined || rowBytes % 4 !== 0) {
      throw new EngineError(
        'INVALID_ARGUMENT',
        `${what} is ${facts.contents}: bytesPerRow is for pixels of known size, of whole words a row`,
      )
    }
    checkAligned(what, buffer, 'bytesPerRow', bytesPerRow, 4)
    if (bytesPerRow < rowBytes)
      fail(what, buffer, `has rows of ${rowBytes} bytes`, `bytesPerRow ${bytesPerRow}`)
    rows = { rows: size.height, rowBytes, bytesPerRow }
  }
  const end = offset + (rows.rows - 1) * rows.bytesPerRow + rows.rowBytes
  if (end > buffer.size) {
    fail(
      what,
      buffer,
      `is ${facts.contents} (${facts.bytes} bytes), so the buffer must have ${end}`,
      `${buffer.size} bytes`,
    )
  }
  return { kind: 'buffer', buffer, offset, ...rows }
}

/** @throws EngineError INVALID_BUFFER unless a count of bytes is a multiple of `alignment` from 0 on */
export function checkAligned(
  what: string,
  buffer: GPUBuffer,
  name: string,
  bytes: number,
  alignment: number,
): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0 && bytes % alignment === 0) return
  fail(what, buffer, `needs an ${name} that is a multiple of ${alignment} bytes`, printed(bytes))
}

function checkTexture(
  what: string,
  texture: GPUTexture,
  usage: number,
  usageName: string,
  formats: readonly string[],
): void {
  const { format, dimension, depthOrArrayLayers, sampleCount } = texture
  if ((texture.usage & usage) !== usage) {
    fail(what, texture, `needs a texture with usage ${usageName}`, `usage 0x${texture.usage.toString(16)}`)
  }
  if (!formats.includes(format))
    fail(what, texture, `needs a texture of format ${formats.join(', ')}`, format)
  if (dimension !== '2d' || depthOrArrayLayers !== 1 || sampleCount !== 1) {
    fail(
      what,
      texture,
      'needs a 2d texture of one layer and one sample',
      `${dimension}, ${depthOrArrayLayers} layers, ${sampleCount} samples`,
    )
  }
}

function fail(what: string, { label, usage }: GPUBuffer | GPUTexture, wants: string, got: string): never {
  throw new EngineError('INVALID_BUFFER', `${what} ${wants}; got ${got}`, { label, usage })
}
