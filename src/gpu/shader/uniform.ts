import { EngineError } from '../../errors.js'
import type { KernelInterface, UniformField, UniformFieldType } from './interface.js'

/** Values of a uniform block: numbers, vectors or flat arrays as lists, nested structs as records. */
export interface UniformValues {
  readonly [field: string]: number | readonly number[] | UniformValues
}

const isRecord = (value: UniformValues[string]): value is UniformValues =>
  typeof value === 'object' && !Array.isArray(value)

/** Field values by path, as the layout names them. */
function flatten(values: UniformValues, prefix = '', into = new Map<string, number | readonly number[]>()) {
  for (const [name, value] of Object.entries(values)) {
    if (isRecord(value)) flatten(value, `${prefix}${name}.`, into)
    else into.set(prefix + name, value as number | readonly number[])
  }
  return into
}

const componentsOf = (type: UniformFieldType): number => (type.startsWith('vec') ? Number(type[3]) : 1)

type Scalar = 'u' | 'i' | 'f'
const scalarOf = (type: UniformFieldType): Scalar => (type.startsWith('vec') ? type[4] : type[0]) as Scalar

function fits(scalar: Scalar, value: unknown): value is number {
  if (typeof value !== 'number' || Number.isNaN(value)) return false
  if (scalar === 'f') return true
  const low = scalar === 'u' ? 0 : -(2 ** 31)
  return Number.isInteger(value) && value >= low && value < low + 2 ** 32
}

/**
 * Lays out the values of a kernel's uniform block as the WGSL declares it.
 *
 * @param values one value for every field; an array field takes one flat list of its elements' components
 * @returns the block's bytes; empty for a kernel without a uniform
 * @throws EngineError INVALID_SHADER naming kernel file, WGSL field and what was given, for a missing,
 *   surplus or ill-typed field
 */
export function packUniform(iface: KernelInterface, values: UniformValues): ArrayBuffer {
  const given = flatten(values)
  const fields: ReadonlyMap<string, UniformField> = iface.uniform?.fields ?? new Map()
  const block = iface.uniform ? `uniform ${iface.uniform.name}` : 'a kernel without a uniform'
  const fail = (message: string, field: string): never => {
    throw new EngineError('INVALID_SHADER', `${iface.file}: ${message}`, { file: iface.file, field })
  }
  for (const name of given.keys()) {
    if (!fields.has(name))
      fail(
        `TypeScript gives ${name} to ${block}, whose WGSL fields are ${[...fields.keys()].join(', ') || 'none'}`,
        name,
      )
  }

  const bytes = new ArrayBuffer(iface.uniform?.size ?? 0)
  const view = new DataView(bytes)
  for (const [name, field] of fields) {
    const value = given.get(name)
    const wgsl = `${name}: ${field.array ? `array<${field.type}, ${field.array.count}>` : field.type}`
    if (value === undefined) {
      const names = [...given.keys()].join(', ') || 'nothing'
      fail(`WGSL field ${wgsl} of ${block} gets no value; TypeScript gives ${names}`, name)
      continue
    }
    write(view, field, typeof value === 'number' ? [value] : value, () =>
      fail(
        `WGSL field ${wgsl} of ${block} cannot hold TypeScript's ${JSON.stringify(value) ?? String(value)}`,
        name,
      ),
    )
  }
  return bytes
}

function write(view: DataView, field: UniformField, values: readonly number[], mismatch: () => never): void {
  const components = componentsOf(field.type)
  const scalar = scalarOf(field.type)
  const { count, stride } = field.array ?? { count: 1, stride: 0 }
  if (values.length !== count * components) mismatch()
  values.forEach((value, index) => {
    if (!fits(scalar, value)) mismatch()
    const offset = field.offset + Math.floor(index / components) * stride + (index % components) * 4
    if (scalar === 'u') view.setUint32(offset, value, true)
    else if (scalar === 'i') view.setInt32(offset, value, true)
    else view.setFloat32(offset, value, true)
  })
}
