import { EngineError, printed } from '../errors.js'
import type { PlanSpec } from '../graph/plan.js'
import {
  type BorderFacts,
  type CheckedData,
  checkedSource,
  checkedTarget,
  isDeviceData,
} from './device-data.js'

/** Checked contents of inputs, by name: bytes of the caller's memory, or what lies on the device. */
export type Contents = ReadonlyMap<string, Uint8Array<ArrayBuffer> | CheckedData>

/** Checked places that outputs are copied to, by name. */
export type Targets = ReadonlyMap<string, CheckedData>

type Border = Pick<PlanSpec, 'name' | 'inputs' | 'outputs'>

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
function inputBytes(
  what: string,
  { bytes, contents }: BorderFacts,
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
  if (!ArrayBuffer.isView(data)) return fail(printed(data))
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

/**
 * The bytes of one input.
 * @param exact false: any prefix of it
 * @throws EngineError INVALID_ARGUMENT for an unknown input, or data that is not its contents
 */
export function bytesFor(plan: Border, name: string, data: unknown, exact: boolean): Uint8Array<ArrayBuffer> {
  return inputBytes(`plan "${plan.name}": input "${name}"`, inputFacts(plan, name), data, exact)
}

function inputFacts(plan: Border, name: string): BorderFacts {
  const facts = plan.inputs.get(name)
  if (facts !== undefined) return facts
  const known = [...plan.inputs.keys()].join(', ')
  throw new EngineError(
    'INVALID_ARGUMENT',
    `plan "${plan.name}": there is no input "${String(name)}"; it has: ${known}`,
  )
}

/** @throws EngineError INVALID_ARGUMENT for what are no inputs by name; else as `bytesFor` */
export function checkedInputs(plan: Border, inputs: unknown): Contents {
  if (typeof inputs !== 'object' || inputs === null || ArrayBuffer.isView(inputs)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `plan "${plan.name}": inputs are given by name, as in { x: new Float32Array(...) }`,
    )
  }
  return new Map(
    Object.entries(inputs).map(([name, data]) => [
      name,
      isDeviceData(data)
        ? checkedSource(`plan "${plan.name}": input "${name}"`, inputFacts(plan, name), data)
        : bytesFor(plan, name, data, true),
    ]),
  )
}

/**
 * Where outputs are copied to on the device.
 * @throws EngineError INVALID_ARGUMENT for what are no targets by name, and unknown outputs; else as `checkedTarget`
 */
export function checkedTargets(plan: Border, targets: unknown): Targets {
  if (targets === undefined) return new Map()
  if (typeof targets !== 'object' || targets === null || isDeviceData(targets)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `plan "${plan.name}": places for outputs are given by name, as in { flow: buffer }`,
    )
  }
  return new Map(
    Object.entries(targets).map(([name, target]) => {
      const [known] = checkedOutputs(plan, [name])
      const facts = plan.outputs.get(known as string) as BorderFacts
      return [name, checkedTarget(`plan "${plan.name}": output "${name}"`, facts, target)]
    }),
  )
}

/**
 * @param filled inputs that hold something
 * @throws EngineError INVALID_ARGUMENT for an input that holds nothing yet and is not given now either
 */
export function assertFilled(plan: Border, filled: ReadonlySet<string>, given: Contents = new Map()): void {
  const missing = [...plan.inputs.keys()].filter((name) => !filled.has(name) && !given.has(name))
  if (missing.length === 0) return
  const list = missing.map((name) => `"${name}" (${plan.inputs.get(name)?.contents})`).join(', ')
  throw new EngineError(
    'INVALID_ARGUMENT',
    `plan "${plan.name}": input ${list} was never given; pass it, write() it or bind a buffer`,
    { missing },
  )
}

/**
 * @returns each name once; all outputs where none are named
 * @throws EngineError INVALID_ARGUMENT for what is no list, and unknown names
 */
export function checkedOutputs(plan: Border, outputs: unknown): string[] {
  const known = [...plan.outputs.keys()]
  if (outputs === undefined) return known
  if (!Array.isArray(outputs)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `plan "${plan.name}": outputs are a list of names, as in ['${known[0]}']`,
    )
  }
  const unknown = Array.from(outputs).findIndex((name) => !known.includes(name))
  if (unknown < 0) return [...new Set<string>(outputs)]
  throw new EngineError(
    'INVALID_ARGUMENT',
    `plan "${plan.name}": there is no output ${printed(outputs[unknown])}; it has: ${known.join(', ')}`,
  )
}
