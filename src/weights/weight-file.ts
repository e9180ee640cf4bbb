import { EngineError } from '../errors.js'
import { firstNotFinite } from './finite.js'
import { halvesToFloats } from './float16.js'
import { elementsOf, scaleName, type TensorEntry } from './format.js'
import { scaled, scaleTensors } from './scales.js'

/**
 * A set of named tensors, read from one safetensors file and checked against its content hash.
 * Networks take their weights from it by name and state the shape that they need.
 */
export class WeightFile {
  readonly #entries: ReadonlyMap<string, TensorEntry>
  readonly #data: Uint8Array

  constructor(
    /** File path or other label, for messages. */
    readonly name: string,
    /** Content hash (see `contentHash`), lower-case hexadecimal. */
    readonly hash: string,
    /** Free-form notes of the file: network, provenance, licence. */
    readonly metadata: Readonly<Record<string, string>>,
    entries: readonly TensorEntry[],
    data: Uint8Array,
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
    this.#data = data
  }

  /** Tensors in the order of the file; scales of 8-bit weights are part of these. */
  entries(): TensorEntry[] {
    const entries = [...this.#entries.values()]
    const scales = scaleTensors(entries)
    return entries.filter(({ name }) => !scales.has(name))
  }

  has(tensor: string): boolean {
    return this.#entries.has(tensor)
  }

  /**
   * Values of a float tensor in f32: f16 widened, 8-bit weights multiplied by their scales. Every call makes a new array.
   * @throws EngineError INVALID_WEIGHTS if the tensor is missing, of another shape, of integers, or holds NaN or
   * an infinity
   */
  tensor(name: string, expectedShape: readonly number[]): Float32Array {
    const values = this.#floats(this.#entry(name, expectedShape))
    const bad = firstNotFinite(values)
    if (bad >= 0) throw this.#error(name, `holds ${values[bad]} at element ${bad}`)
    return values
  }

  #floats(entry: TensorEntry): Float32Array {
    const { name, dtype, shape } = entry
    const bytes = this.#bytes(entry)
    switch (dtype) {
      case 'F32':
        return new Float32Array(bytes)
      case 'F16':
        return halvesToFloats(new Uint16Array(bytes))
      case 'I8': {
        const scale = this.#entries.get(scaleName(name))
        if (scale === undefined) throw this.#error(name, 'has no scales')
        return scaled(new Int8Array(bytes), shape, this.#floats(scale), scale.shape)
      }
      default:
        throw this.#error(name, `holds integers (${dtype}) where floats are needed`)
    }
  }

  /**
   * Values of an integer tensor.
   * @throws EngineError INVALID_WEIGHTS if the tensor is missing, of another shape or not of integers
   */
  indices(name: string, expectedShape: readonly number[]): Int32Array {
    const entry = this.#entry(name, expectedShape)
    if (entry.dtype !== 'I32') throw this.#error(name, `holds ${entry.dtype} where I32 is needed`)
    return new Int32Array(this.#bytes(entry))
  }

  /**
   * Values of a tensor of bytes, such as a mask.
   * @throws EngineError INVALID_WEIGHTS if the tensor is missing, of another shape or not of bytes
   */
  bytes(name: string, expectedShape: readonly number[]): Uint8Array {
    const entry = this.#entry(name, expectedShape)
    if (entry.dtype !== 'U8') throw this.#error(name, `holds ${entry.dtype} where U8 is needed`)
    return new Uint8Array(this.#bytes(entry))
  }

  /** A metadata value. @throws EngineError INVALID_WEIGHTS if the file has none of that name */
  note(key: string): string {
    const value = Object.hasOwn(this.metadata, key) ? this.metadata[key] : undefined
    if (value === undefined) {
      throw new EngineError(
        'INVALID_WEIGHTS',
        `${this.name}: metadata "${key}" is missing; convert the weights again with tools/convert-weights.ts`,
        { file: this.name, key },
      )
    }
    return value
  }

  #entry(name: string, expectedShape: readonly number[]): TensorEntry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw this.#error(name, 'is missing')
    if (entry.shape.join() !== expectedShape.join()) {
      throw this.#error(name, `has shape [${entry.shape}], the network needs [${expectedShape}]`)
    }
    return entry
  }

  /** A copy: offsets in the file need not be multiples of the element size, as typed arrays demand. */
  #bytes(entry: TensorEntry): ArrayBuffer {
    const bytes = new Uint8Array(entry.end - entry.begin)
    bytes.set(this.#data.subarray(entry.begin, entry.end))
    return bytes.buffer
  }

  #error(tensor: string, problem: string): EngineError {
    return new EngineError(
      'INVALID_WEIGHTS',
      `${this.name}: tensor "${tensor}" ${problem}; use the file that belongs to this network and version`,
      { file: this.name, tensor },
    )
  }
}

/** Number of values over all tensors: the network's parameter count. */
export function parameterCount(file: WeightFile): number {
  return file.entries().reduce((sum, entry) => sum + elementsOf(entry.shape), 0)
}
