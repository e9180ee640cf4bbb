import { ByteBuffer } from 'flatbuffers'
import { toObject } from 'flatbuffers/js/flexbuffers.js'
import { EngineError } from '../../src/errors.js'
import { Table } from './table.js'

/** Field positions in the public TFLite schema (version 3), for the tables that are read here. */
const MODEL = { operatorCodes: 1, subgraphs: 2, buffers: 4 } as const
const OPERATOR_CODE = { deprecatedBuiltin: 0, custom: 1, builtin: 3 } as const
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 } as const
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3 } as const
const OPERATOR = { opcode: 0, inputs: 1, outputs: 2, options: 4, customOptions: 5 } as const
const BUFFER = { data: 0 } as const

const BUILTIN: Readonly<Record<number, string>> = {
  0: 'ADD',
  1: 'AVERAGE_POOL_2D',
  2: 'CONCATENATION',
  3: 'CONV_2D',
  4: 'DEPTHWISE_CONV_2D',
  6: 'DEQUANTIZE',
  14: 'LOGISTIC',
  17: 'MAX_POOL_2D',
  18: 'MUL',
  19: 'RELU',
  22: 'RESHAPE',
  23: 'RESIZE_BILINEAR',
  32: 'CUSTOM',
  34: 'PAD',
  45: 'STRIDED_SLICE',
  54: 'PRELU',
  117: 'HARD_SWISH',
}
const ELEMENT = { 0: 'F32', 1: 'F16', 2: 'I32' } as const
const PADDING = ['SAME', 'VALID'] as const
const ACTIVATION: Readonly<Record<number, string>> = { 0: 'none', 1: 'relu' }

export type ElementType = (typeof ELEMENT)[keyof typeof ELEMENT]
export type OptionValue = string | number | readonly number[]

export interface TfliteTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: ElementType
  /** Little-endian elements of a constant; absent for what is computed at run time. */
  readonly data?: Uint8Array
}

export interface TfliteOperator {
  /** Builtin operator name, or `CUSTOM:<name>`. */
  readonly kind: string
  /** Indices into `TfliteModel.tensors`; -1 stands for an omitted optional input. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly options: Readonly<Record<string, OptionValue>>
}

export interface TfliteModel {
  readonly tensors: readonly TfliteTensor[]
  readonly operators: readonly TfliteOperator[]
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/**
 * The first subgraph of a TFLite file.
 * @throws EngineError INVALID_INPUT for other bytes, or for an operator or element type not listed above.
 */
export function parseTflite(bytes: Uint8Array, label: string): TfliteModel {
  const buffer = new ByteBuffer(bytes)
  if (bytes.length < 8 || !buffer.__has_identifier('TFL3')) {
    throw new EngineError(
      'INVALID_INPUT',
      `${label}: not a TFLite model (identifier TFL3 missing); check the byte range`,
    )
  }
  const model = Table.root(buffer)
  const kinds = model.tables(MODEL.operatorCodes).map((code) => operatorKind(code, label))
  const buffers = model.tables(MODEL.buffers).map((b) => b.bytes(BUFFER.data))
  const graph = model.tables(MODEL.subgraphs)[0]
  if (graph === undefined) throw new EngineError('INVALID_INPUT', `${label}: the model has no subgraph`)

  const tensors = graph.tables(SUBGRAPH.tensors).map((t): TfliteTensor => {
    const name = t.string(TENSOR.name)
    const type = ELEMENT[t.int8(TENSOR.type) as keyof typeof ELEMENT]
    if (type === undefined) {
      throw new EngineError(
        'INVALID_INPUT',
        `${label}: tensor ${name} has element type ${t.int8(TENSOR.type)}; known are 0, 1, 2 (f32, f16, i32)`,
      )
    }
    const data = buffers[t.int32(TENSOR.buffer)]
    const shape = t.int32s(TENSOR.shape)
    return data !== undefined && data.length > 0 ? { name, shape, type, data } : { name, shape, type }
  })
  const operators = graph.tables(SUBGRAPH.operators).map((op): TfliteOperator => {
    const kind = kinds[op.int32(OPERATOR.opcode)] ?? 'UNKNOWN'
    const options = kind.startsWith('CUSTOM:')
      ? customOptions(op.bytes(OPERATOR.customOptions))
      : builtinOptions(kind, op.table(OPERATOR.options))
    return { kind, inputs: op.int32s(OPERATOR.inputs), outputs: op.int32s(OPERATOR.outputs), options }
  })
  return {
    tensors,
    operators,
    inputs: graph.int32s(SUBGRAPH.inputs),
    outputs: graph.int32s(SUBGRAPH.outputs),
  }
}

function operatorKind(code: Table, label: string): string {
  // Codes above 127 live in the newer field only; older files have just the first one.
  const builtin = Math.max(code.int8(OPERATOR_CODE.deprecatedBuiltin), code.int32(OPERATOR_CODE.builtin))
  const kind = BUILTIN[builtin]
  if (kind === undefined) {
    throw new EngineError('INVALID_INPUT', `${label}: builtin operator ${builtin} is not one this tool knows`)
  }
  return kind === 'CUSTOM' ? `CUSTOM:${code.string(OPERATOR_CODE.custom)}` : kind
}

function builtinOptions(kind: string, options: Table | undefined): Record<string, OptionValue> {
  if (options === undefined) return {}
  const padding = () => PADDING[options.int8(0)] ?? 'SAME'
  const stride = () => [options.int32(2), options.int32(1)]
  const activation = (field: number) => ACTIVATION[options.int8(field)] ?? `code ${options.int8(field)}`
  switch (kind) {
    case 'CONV_2D':
      return {
        padding: padding(),
        stride: stride(),
        activation: activation(3),
        dilation: [options.int32(5, 1), options.int32(4, 1)],
      }
    case 'DEPTHWISE_CONV_2D':
      return {
        padding: padding(),
        stride: stride(),
        multiplier: options.int32(3),
        activation: activation(4),
        dilation: [options.int32(6, 1), options.int32(5, 1)],
      }
    case 'MAX_POOL_2D':
      return { padding: padding(), stride: stride(), window: [options.int32(4), options.int32(3)] }
    case 'ADD':
      return { activation: activation(0) }
    case 'CONCATENATION':
      return { axis: options.int32(0), activation: activation(1) }
    default:
      return {}
  }
}

/** Custom operators carry their attributes as a FlexBuffer map of numbers and lists of numbers. */
function customOptions(bytes: Uint8Array): Record<string, OptionValue> {
  if (bytes.length === 0) return {}
  const copy = bytes.slice()
  return toObject(copy.buffer) as Record<string, OptionValue>
}
