import { EngineError } from '../errors.js'

/** An input of a plan as its spec states it. */
export interface InputFacts {
  readonly bytes: number
  /** E.g. `f32[1,224,224,3]`; what stands before the bracket is the element type. */
  readonly contents: string
}

const BYTES = ['Uint8Array', 'Uint8ClampedArray', 'DataView']

/** Views that may carry each element type. Plain bytes may carry all; types that are not listed take any view. */
const CARRIERS: Readonly<Record<string, readonly string[]>> = {
  f32: ['Float32Array'],
  u32: ['Uint32Array'],
  i32: ['Int32Array'],
  u8: [],
  rgb8: [],
  // A pixel is a word.
  rgba8: ['Uint32Array'],
}

/**
 * The bytes of a caller's data, checked against the input that they are for; no copy where WebGPU can take them as they are.
 * @param exact false: any prefix of the input
 * @param what names plan and input in messages
 * @throws EngineError INVALID_ARGUMENT for what is no typed array, one of another element type, and a wrong length
 */
export function inputBytes(
  what: string,
  { bytes, contents }: InputFacts,
  data: unknown,
  exact: boolean,
): Uint8Array<ArrayBuffer> {
  const fail = (problem: string): never => {
    throw new EngineError('INVALID_ARGUMENT', `${what} is ${contents} (${bytes} bytes), got ${problem}`, {
      contents,
      bytes,
    })
  }
  // By tag and not by `instanceof`: arrays of another realm are as good.
  if (!ArrayBuffer.isView(data)) return fail(describe(data))
  const kind = Object.prototype.toString.call(data).slice('[object '.length, -1)
  const carriers = CARRIERS[/^\w+/.exec(contents)?.[0] ?? '']
  if (carriers !== undefined && ![...carriers, ...BYTES].includes(kind)) {
    return fail(`a ${kind}; give a ${carriers[0] ?? 'Uint8Array'} or its bytes`)
  }
  if (exact ? data.byteLength !== bytes : data.byteLength > bytes) return fail(`${data.byteLength} bytes`)
  return writable(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
}

/** WebGPU takes whole words, and no views of shared memory. Bytes that fill a last word up are 0. */
function writable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isShared = Object.prototype.toString.call(bytes.buffer) === '[object SharedArrayBuffer]'
  if (bytes.byteLength % 4 === 0 && !isShared) return bytes as Uint8Array<ArrayBuffer>
  const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  padded.set(bytes)
  return padded
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? Object.prototype.toString.call(value) : `a ${typeof value}`
}
