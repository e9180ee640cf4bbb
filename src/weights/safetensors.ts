import { EngineError, printed } from '../errors.js'
import { type ReadOptions as FileOptions, readBytes } from '../platform/index.js'
import { messageOf } from '../realms.js'
import { floatsToHalves } from './float16.js'
import {
  BYTES_PER_ELEMENT,
  contentHash,
  type DType,
  elementsOf,
  HASH_KEY,
  type TensorEntry,
} from './format.js'
import { scaleMisfit } from './scales.js'
import { WeightFile } from './weight-file.js'

/**
 * The safetensors container: u64 header length, JSON header (name -> dtype, shape, byte range, and
 * `__metadata__`), data section. Read and written here without a library: npm has one package of that name
 * (0.0.1, abandoned) and none that checks ranges, hashes or values, and those checks are most of this file.
 */
const LENGTH_BYTES = 8
/** Longest header taken seriously; the largest of ours has 30 kB, and a length is just 8 arbitrary bytes. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024
const METADATA = '__metadata__'

export interface ReadOptions extends FileOptions {
  /** Content hash that the file must have (see `WeightFile.hash`). */
  readonly hash?: string
}

/** One tensor to write; values are rounded to `dtype`, but for those of I8, which are the whole numbers that the file will hold. */
export interface TensorToWrite {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly values: ArrayLike<number>
}

/**
 * Reads a weight file.
 * @throws EngineError INVALID_WEIGHTS if it is missing, truncated, malformed or of another content hash
 */
export async function readSafetensors(path: string, options: ReadOptions = {}): Promise<WeightFile> {
  let bytes: Uint8Array
  try {
    bytes = await readBytes(path, options)
  } catch (cause) {
    options?.signal?.throwIfAborted()
    if (cause instanceof EngineError) throw cause
    throw new EngineError(
      'INVALID_WEIGHTS',
      `${path}: cannot be read (${(cause as { code?: string }).code ?? messageOf(cause)}); check the path, or reinstall the package if it is one of its own files`,
      { file: path },
      { cause },
    )
  }
  return await parseSafetensors(bytes, path, options)
}

/**
 * Checks the bytes of a safetensors file and wraps them without a copy.
 * @param label file path or other name, for messages
 * @throws EngineError INVALID_WEIGHTS if they are truncated, malformed or of another content hash
 */
export async function parseSafetensors(
  bytes: Uint8Array,
  label: string,
  options: ReadOptions = {},
): Promise<WeightFile> {
  const { entries, metadata, dataStart } = parseHeader(bytes, label)
  const data = bytes.subarray(dataStart)
  checkRanges(entries, data.length, label)
  const misfit = scaleMisfit(entries)
  if (misfit !== undefined) throw damaged(label, misfit)
  const hash = await contentHash(entries, data)
  for (const [source, expected] of [
    ['its own metadata', metadata[HASH_KEY]],
    ['the caller', options?.hash],
  ]) {
    if (expected !== undefined && expected !== hash) {
      throw damaged(label, `content hash ${hash} is not the one that ${source} states, ${expected}`)
    }
  }
  return new WeightFile(label, hash, metadata, entries, data)
}

interface Header {
  readonly entries: TensorEntry[]
  readonly metadata: Readonly<Record<string, string>>
  readonly dataStart: number
}

function parseHeader(bytes: Uint8Array, label: string): Header {
  if (bytes.length < LENGTH_BYTES) throw damaged(label, `has ${bytes.length} bytes, too few for a header`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = Number(view.getBigUint64(0, true))
  const dataStart = LENGTH_BYTES + headerLength
  if (headerLength > MAX_HEADER_BYTES || dataStart > bytes.length) {
    throw damaged(
      label,
      `states a header of ${headerLength} bytes but has ${bytes.length} in all: truncated, or no safetensors file`,
    )
  }
  let json: unknown
  try {
    json = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, dataStart)),
    )
  } catch {
    throw damaged(label, 'has a header that is not JSON')
  }
  if (!isRecord(json)) throw damaged(label, 'has a header that is no JSON object')

  const { [METADATA]: notes = {}, ...tensors } = json
  if (!isRecord(notes) || Object.values(notes).some((value) => typeof value !== 'string')) {
    throw damaged(label, 'has metadata that is not a map of strings')
  }
  const entries = Object.entries(tensors).map(([name, raw]) => parseEntry(name, raw, label))
  return { entries, metadata: notes as Record<string, string>, dataStart }
}

function parseEntry(name: string, raw: unknown, label: string): TensorEntry {
  if (!isRecord(raw)) throw damaged(label, `describes tensor "${name}" by no object`)
  const { dtype, shape, data_offsets: offsets } = raw
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_PER_ELEMENT, dtype)) {
    throw damaged(
      label,
      `tensor "${name}" has dtype ${typeof dtype === 'string' ? dtype.slice(0, 20) : printed(dtype)}; ${Object.keys(BYTES_PER_ELEMENT).join(', ')} can be read`,
    )
  }
  if (!isCounts(shape)) throw damaged(label, `tensor "${name}" has no valid shape`)
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw damaged(label, `tensor "${name}" has no valid byte range`)
  }
  const [begin, end] = offsets as [number, number]
  const needed = elementsOf(shape) * BYTES_PER_ELEMENT[dtype as DType]
  if (end - begin !== needed) {
    throw damaged(
      label,
      `tensor "${name}" of shape [${shape}] and dtype ${dtype} needs ${needed} bytes, its range has ${end - begin}`,
    )
  }
  return { name, dtype: dtype as DType, shape, begin, end }
}

/** The format wants ranges that cover the data section without gap or overlap. */
function checkRanges(entries: readonly TensorEntry[], available: number, label: string): void {
  let position = 0
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.end > available) {
      throw damaged(
        label,
        `tensor "${entry.name}" ends at byte ${entry.end} of ${available} in the data section: truncated`,
      )
    }
    if (entry.begin !== position) {
      throw damaged(
        label,
        `tensor "${entry.name}" begins at byte ${entry.begin}, the one before ends at ${position}`,
      )
    }
    position = entry.end
  }
  if (position !== available) throw damaged(label, `has ${available - position} bytes after its last tensor`)
}

/**
 * Bytes of a safetensors file: tensors in the given order within each element size (large elements first,
 * so that all stay aligned), metadata with the content hash added.
 * @throws EngineError INVALID_ARGUMENT if a tensor's values do not fit its shape, are not finite in its dtype, an I8 tensor has no
 * fitting scales, or two tensors share a name
 */
export async function encodeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const ordered = [...tensors].sort((a, b) => BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype])
  const entries: TensorEntry[] = []
  let length = 0
  for (const { name, dtype, shape, values } of ordered) {
    if (name === METADATA || entries.some((entry) => entry.name === name)) {
      throw new EngineError('INVALID_ARGUMENT', `tensor name "${name}" is taken`)
    }
    if (values.length !== elementsOf(shape)) {
      throw new EngineError(
        'INVALID_ARGUMENT',
        `tensor "${name}" has ${values.length} values, its shape [${shape}] needs ${elementsOf(shape)}`,
      )
    }
    const end = length + values.length * BYTES_PER_ELEMENT[dtype]
    entries.push({ name, dtype, shape, begin: length, end })
    length = end
  }
  const misfit = scaleMisfit(entries)
  if (misfit !== undefined) throw new EngineError('INVALID_ARGUMENT', misfit)
  const data = new Uint8Array(length)
  for (const [i, tensor] of ordered.entries()) data.set(elementBytes(tensor), entries[i]?.begin)

  // From entries: `__proto__` is a name like any other.
  const header = Object.fromEntries<unknown>([
    [METADATA, { ...metadata, [HASH_KEY]: await contentHash(entries, data) }],
    ...entries.map(
      ({ name, dtype, shape, begin, end }) => [name, { dtype, shape, data_offsets: [begin, end] }] as const,
    ),
  ])
  const json = new TextEncoder().encode(JSON.stringify(header))
  const padded = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES
  const file = new Uint8Array(LENGTH_BYTES + padded + length).fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded)
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true)
  file.set(json, LENGTH_BYTES)
  file.set(data, LENGTH_BYTES + padded)
  return file
}

function elementBytes({ name, dtype, values }: TensorToWrite): Uint8Array {
  const fitting = (
    encoded: Int8Array | Uint16Array | Float32Array,
    isBad: (stored: number, i: number) => boolean,
  ): Uint8Array => {
    // Finite values can still overflow f16: that is a choice of dtype to be told, not to be stored.
    const bad = encoded.findIndex(isBad)
    if (bad < 0) return new Uint8Array(encoded.buffer)
    throw new EngineError(
      'INVALID_ARGUMENT',
      `tensor "${name}": ${values[bad]} at element ${bad} does not fit ${dtype}`,
    )
  }
  switch (dtype) {
    case 'I32':
      return new Uint8Array(Int32Array.from(values).buffer)
    case 'U8':
      return Uint8Array.from(values)
    case 'I8':
      return fitting(Int8Array.from(values), (stored, i) => stored !== values[i])
    case 'F16':
      return fitting(floatsToHalves(values), (bits) => (bits & 0x7c00) === 0x7c00)
    case 'F32':
      return fitting(Float32Array.from(values), (stored) => !Number.isFinite(stored))
    default:
      throw new EngineError(
        'INVALID_ARGUMENT',
        `tensor "${name}": dtype ${printed(dtype)} cannot be written; choose from ${Object.keys(BYTES_PER_ELEMENT).join(', ')}`,
      )
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)
}

function damaged(label: string, problem: string): EngineError {
  return new EngineError('INVALID_WEIGHTS', `${label}: ${problem}; fetch or convert the file again`, {
    file: label,
  })
}
