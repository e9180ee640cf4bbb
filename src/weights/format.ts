import { sha256 } from '../platform/index.js'

/** Element types of the safetensors format that this package reads and writes. I8: floats, each a whole number times a scale. */
export type DType = 'F32' | 'F16' | 'I32' | 'U8' | 'I8'

export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { F32: 4, F16: 2, I32: 4, U8: 1, I8: 1 }

/** Name of the tensor that holds the scales of an I8 tensor. */
export function scaleName(tensor: string): string {
  return `${tensor}.scale`
}

/** Metadata key that holds the content hash. */
export const HASH_KEY = 'sha256'

/** One entry of the header's tensor table; byte offsets count from the start of the data section. */
export interface TensorEntry {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/**
 * SHA-256 over the tensor table and the data section, so that a changed value, name, shape or order is
 * noticed, while provenance notes in the metadata may be edited. The table is hashed as lines
 * `name|dtype|shape|begin|end` sorted by name: JSON writers differ in spacing and key order.
 * @returns lower-case hexadecimal
 */
export async function contentHash(entries: readonly TensorEntry[], data: Uint8Array): Promise<string> {
  const lines = entries.map((e) => `${e.name}|${e.dtype}|${e.shape.join('x')}|${e.begin}|${e.end}\n`)
  return await sha256([...lines.sort(), data])
}
