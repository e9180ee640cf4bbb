import { Builder } from 'flatbuffers'

export interface FixtureConstant {
  readonly name: string
  readonly shape: readonly number[]
  /** f32 values, or f16 bit patterns. */
  readonly values: Float32Array | Uint16Array
}

export interface FixtureOperator {
  readonly builtin: number
  readonly custom?: string
}

/** A TFLite file with constants (each in a buffer of its own) and operators without inputs. */
export function tfliteFile(
  constants: readonly FixtureConstant[],
  operators: readonly FixtureOperator[] = [],
): Uint8Array {
  const b = new Builder()
  const int32s = (values: readonly number[]) => {
    b.startVector(4, values.length, 4)
    for (const value of values.toReversed()) b.addInt32(value)
    return b.endVector()
  }
  const offsets = (values: readonly number[]) => {
    b.startVector(4, values.length, 4)
    for (const value of values.toReversed()) b.addOffset(value)
    return b.endVector()
  }
  /** Table with the given fields: position in the schema -> writer. */
  const table = (fields: Readonly<Record<number, (field: number) => void>>) => {
    b.startObject(8)
    for (const [field, write] of Object.entries(fields)) write(Number(field))
    return b.endObject()
  }
  const offset = (value: number) => (field: number) => b.addFieldOffset(field, value, 0)
  const int8 = (value: number) => (field: number) => b.addFieldInt8(field, value, 0)
  const int32 = (value: number) => (field: number) => b.addFieldInt32(field, value, 0)

  const buffers = [table({})]
  const tensors = constants.map(({ name, shape, values }, i) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    b.startVector(1, bytes.length, 16)
    for (const byte of bytes.toReversed()) b.addInt8(byte)
    const data = b.endVector()
    buffers.push(table({ 0: offset(data) }))
    const label = b.createString(name)
    const dims = int32s(shape)
    return table({
      0: offset(dims),
      1: int8(values instanceof Uint16Array ? 1 : 0),
      2: int32(i + 1),
      3: offset(label),
    })
  })
  const codes = operators.map(({ builtin, custom }) => {
    const label = custom === undefined ? 0 : b.createString(custom)
    return table({ 0: int8(Math.min(builtin, 127)), 1: offset(label), 3: int32(builtin) })
  })
  const nodes = operators.map((_, i) => table({ 0: int32(i) }))
  const graph = table({ 0: offset(offsets(tensors)), 3: offset(offsets(nodes)) })
  const codeList = offsets(codes)
  const graphList = offsets([graph])
  const bufferList = offsets(buffers)
  b.finish(table({ 1: offset(codeList), 2: offset(graphList), 4: offset(bufferList) }), 'TFL3')
  return b.asUint8Array().slice()
}
