import { EngineError } from '../errors.js'
import type { PlanSpec } from '../graph/plan.js'

/** `f32` outputs as Float32Array, all others as bytes. */
export type PlanOutputs = Record<string, Float32Array | Uint8Array>

/** How results are read. */
export interface ReadOptions {
  /**
   * Arrays to read into, by output: `f32` outputs into a Float32Array, all others into a Uint8Array, of exactly the output's
   * length. They are what the call gives back. Outputs without one get new arrays.
   */
  readonly into?: Readonly<PlanOutputs>
  /** Rejects the call with the signal's reason. What was submitted runs to its end; arrays of `into` are left alone then. */
  readonly signal?: AbortSignal
}

/** What a run of a plan takes beside its inputs. */
export interface ComputeOptions extends ReadOptions {
  /**
   * Leaves out the steps that only outputs not asked for need. These outputs cannot be read after the run, and their buffers
   * hold anything. Default false.
   */
  readonly only?: boolean
}

/** An output's place in the readback buffer. */
export interface ReadbackEntry {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  /** Whole words, as copies are. */
  readonly copiedBytes: number
  readonly isFloat: boolean
}

/** WebGPU maps ranges from multiples of this on. */
const ALIGN = 8

/** Places of outputs, one behind the other. */
export function readbackEntries({ outputs }: PlanSpec, names: readonly string[]): readonly ReadbackEntry[] {
  let offset = 0
  return names.map((name) => {
    const { bytes = 0, contents = '' } = outputs.get(name) ?? {}
    const copiedBytes = Math.ceil(bytes / 4) * 4
    const entry = { name, offset, bytes, copiedBytes, isFloat: contents.startsWith('f32') }
    offset += Math.ceil(copiedBytes / ALIGN) * ALIGN
    return entry
  })
}

/** Bytes from the first entry's begin to the last one's end; room for all outputs with all of them. */
export function readbackBytes(entries: readonly ReadbackEntry[]): number {
  const last = entries.at(-1)
  return last === undefined ? 0 : last.offset + last.copiedBytes
}

/**
 * @param what names the plan in messages
 * @throws EngineError INVALID_ARGUMENT for arrays of another type or length, one for an output that is not read, or what is no
 * signal
 */
export function checkReadOptions(
  what: string,
  entries: readonly ReadbackEntry[],
  { into, signal }: ReadOptions,
): void {
  const fail = (problem: string): never => {
    throw new EngineError('INVALID_ARGUMENT', `${what}: ${problem}`)
  }
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    fail(`signal is an AbortSignal, got ${String(signal)}`)
  }
  if (into !== undefined && (typeof into !== 'object' || into === null)) {
    fail(`into holds arrays by the output's name, got ${String(into)}`)
  }
  for (const [name, array] of Object.entries(into ?? {})) {
    const entry = entries.find((candidate) => candidate.name === name)
    if (entry === undefined) {
      fail(`into: output "${name}" is not read; it reads ${list(entries)}`)
      continue
    }
    const Wanted = entry.isFloat ? Float32Array : Uint8Array
    if (!(array instanceof Wanted) || array.byteLength !== entry.bytes) {
      const length = entry.bytes / Wanted.BYTES_PER_ELEMENT
      fail(`into: output "${name}" is read into a ${Wanted.name} of ${length}, got ${describe(array)}`)
    }
  }
}

/** Contents of a mapped readback buffer as the caller gets them. */
export function copyOut(
  mapped: ArrayBuffer,
  entries: readonly ReadbackEntry[],
  into: Readonly<PlanOutputs> = {},
): PlanOutputs {
  const results: PlanOutputs = {}
  for (const { name, offset, bytes, isFloat } of entries) {
    const wanted = into[name]
    if (wanted === undefined) {
      const copy = mapped.slice(offset, offset + bytes)
      results[name] = isFloat ? new Float32Array(copy) : new Uint8Array(copy)
    } else {
      new Uint8Array(wanted.buffer, wanted.byteOffset, bytes).set(new Uint8Array(mapped, offset, bytes))
      results[name] = wanted
    }
  }
  return results
}

function list(entries: readonly ReadbackEntry[]): string {
  return entries.map(({ name }) => `"${name}"`).join(', ')
}

function describe(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name} of ${value.byteLength} bytes`
  }
  return String(value)
}
