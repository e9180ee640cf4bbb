import { FaceError } from '../errors.js'
import { isBuiltIn } from '../realms.js'
import { floatsToHalves, halvesToFloats } from '../weights/float16.js'

/*
 * NumPy's array format, version 1.0 (numpy.lib.format): the subset this package writes and reads back.
 * The npm packages either only read, or pull in a fetch polyfill and do not check lengths, while the whole
 * format is one padded text header before the raw numbers.
 */

const MAGIC = '\x93NUMPY'

/** Arrays that can be written, by their dtype. */
export type NpyArray = Float32Array | Uint8Array

/**
 * Encodes a C-contiguous little-endian array.
 * @param shape lengths of the axes; their product is `data.length`
 * @param half floats as float16: half the size, rounded to 11 significant bits
 * @throws FaceError INVALID_ARGUMENT when shape and data disagree
 */
export function encodeNpy(data: NpyArray, shape: readonly number[], half = false): Uint8Array {
  if (shape.reduce((product, length) => product * length, 1) !== data.length) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `encodeNpy: ${data.length} numbers do not fill ${shape.join('x')}`,
    )
  }
  const isFloat = isBuiltIn(data, 'Float32Array')
  const values = half && isFloat ? floatsToHalves(data) : data
  const descr = values !== data ? '<f2' : isFloat ? '<f4' : '|u1'
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${axes}), }`
  // Magic, version and header length take 10 bytes; the numbers must start at a multiple of 64.
  const headerLength = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10
  const header = `${dictionary.padEnd(headerLength - 1)}\n`
  const out = new Uint8Array(10 + headerLength + values.byteLength)
  const view = new DataView(out.buffer)
  writeLatin1(out, 0, MAGIC)
  out[6] = 1
  view.setUint16(8, headerLength, true)
  writeLatin1(out, 10, header)
  const start = 10 + headerLength
  // Every platform with a WebGPU implementation is little-endian.
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), start)
  return out
}

/**
 * Decodes what {@link encodeNpy} writes (and NumPy's own float32, float16 and uint8 files of format 1.0).
 * @returns the numbers, float16 as float32, and the shape that they fill in C order
 * @throws FaceError INVALID_INPUT for anything else, naming `name`
 */
export function decodeNpy(bytes: Uint8Array, name = 'array'): { data: NpyArray; shape: number[] } {
  const fail = (what: string) => new FaceError('INVALID_INPUT', `${name}: ${what}`, { file: name })
  if (bytes.length < 10 || latin1(bytes, 0, 6) !== MAGIC) throw fail('is not an npy file')
  if (bytes[6] !== 1) throw fail(`npy format version ${bytes[6]} is not supported, only 1`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = 10 + view.getUint16(8, true)
  const header = latin1(bytes, 10, Math.min(start, bytes.length))
  const descr = /'descr': '([^']+)'/.exec(header)?.[1]
  const axes = /'shape': \(([\d, ]*)\)/.exec(header)?.[1]
  if (axes === undefined || !header.includes("'fortran_order': False")) throw fail('unsupported npy header')
  const shape = axes
    .split(',')
    .filter((s) => s.trim() !== '')
    .map(Number)
  const length = shape.reduce((product, n) => product * n, 1)
  const itemSize = descr === '<f4' ? 4 : descr === '<f2' ? 2 : descr === '|u1' ? 1 : 0
  if (itemSize === 0) throw fail(`dtype ${descr} is not supported, only <f4, <f2 and |u1`)
  if (bytes.length !== start + length * itemSize) {
    throw fail(`has ${bytes.length - start} bytes of numbers, ${shape.join('x')} need ${length * itemSize}`)
  }
  if (itemSize === 1) return { data: bytes.slice(start), shape }
  if (itemSize === 2) {
    const halves = Uint16Array.from({ length }, (_, i) => view.getUint16(start + 2 * i, true))
    return { data: halvesToFloats(halves), shape }
  }
  return { data: Float32Array.from({ length }, (_, i) => view.getFloat32(start + 4 * i, true)), shape }
}

function writeLatin1(out: Uint8Array, offset: number, text: string): void {
  for (let i = 0; i < text.length; i++) out[offset + i] = text.charCodeAt(i)
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to))
}
