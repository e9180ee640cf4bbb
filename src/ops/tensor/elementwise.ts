import { finite, optional } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, linearGrid } from '../../graph/lowering.js'
import {
  type Activation,
  type InferContext,
  type KernelCall,
  type LowerContext,
  NO_EPILOGUE,
  type OpDefinition,
  tensorOf,
  view,
} from '../../graph/op.js'
import {
  channelsOf,
  planesOf,
  sameShape,
  type TensorType,
  tensorType,
  type ValueType,
  vec4sPerBatch,
} from '../../graph/tensor.js'
import { constantSlope, packedVectors } from '../conv/packing.js'
import { commonParams } from '../conv/task.js'

/** OPERATION of elementwise.wgsl. */
const OPERATION = { none: 0, add: 1, multiply: 2, affine: 3 } as const

export interface ElementwiseCall {
  readonly operation: keyof typeof OPERATION
  readonly activation: Activation
  readonly scale?: number
  readonly offset?: number
}

/** The one dispatch of any element-wise op. The second input, where the operation has one, is the right operand. */
export function elementwiseCall(context: LowerContext<unknown>, call: ElementwiseCall): KernelCall {
  const { output, inPlace } = context
  const { operation, activation } = call
  const type = tensorOf(output)
  const left = inputAt(context, 0)
  const binary = operation === 'add' || operation === 'multiply'
  const right = binary ? inputAt(context, 1) : left
  const mask = binary && channelsOf(tensorOf(right)) < channelsOf(type)
  const slopes = activation.kind === 'prelu'
  const count = vec4sPerBatch(type)
  return {
    kernel: 'elementwise.wgsl',
    variant: inPlace ? 'in place' : 'vec4',
    params: {
      ...commonParams({ ...context, epilogue: { ...NO_EPILOGUE, activation } }),
      OPERATION: OPERATION[operation],
      MASK: mask,
      SLOPES: slopes,
      IN_PLACE: inPlace,
    },
    uniforms: {
      left: view(left),
      right: view(right),
      destination: view(output),
      count,
      slope: constantSlope(activation),
      scale: call.scale ?? 1,
      offset: call.offset ?? 0,
    },
    bindings: {
      destination: output,
      ...(!inPlace && { left }),
      ...(binary && { right }),
      ...(slopes && { vectors: packedVectors(undefined, activation, channelsOf(type), planesOf(type)) }),
    },
    workgroups: linearGrid(count, type.n),
  }
}

const valuesOf = (type: TensorType): number => type.n * type.h * type.w * channelsOf(type)

/** The left operand's shape, in contiguous channels; the right one may have a single channel if `mask`. */
function binaryType(kind: string, context: InferContext<unknown>, mask: boolean): TensorType {
  const left = tensorInput(kind, context, 0)
  const right = tensorInput(kind, context, 1)
  const type = tensorType(left.n, left.h, left.w, channelsOf(left))
  const fits = sameShape(left, right) || (mask && sameShape({ ...type, segments: [1] }, right))
  if (!fits) {
    throw shapeError(
      kind,
      context,
      `needs two tensors of one shape${mask ? ', or a right one of one channel' : ''}`,
    )
  }
  return type
}

const outputValues = (_: unknown, output: ValueType): number =>
  output.kind === 'tensor' ? valuesOf(output) : 0

export const addOp: OpDefinition<Record<string, never>> = {
  kind: 'add',
  inputs: [2, 2],
  attributes: {},
  epilogue: { activation: true, residual: false },
  inPlaceInput: 0,
  precise: 'ifAny',
  asEpilogue: () => ({ residual: true }),
  infer: (context) => binaryType('add', context, false),
  flops: outputValues,
  lower: (context) => [
    elementwiseCall(context, { operation: 'add', activation: context.epilogue.activation }),
  ],
}

export const multiplyOp: OpDefinition<Record<string, never>> = {
  kind: 'multiply',
  inputs: [2, 2],
  attributes: {},
  epilogue: { activation: true, residual: false },
  inPlaceInput: 0,
  precise: 'ifAny',
  infer: (context) => binaryType('multiply', context, true),
  flops: outputValues,
  lower: (context) => [
    elementwiseCall(context, { operation: 'multiply', activation: context.epilogue.activation }),
  ],
}

/** Attributes of {@link scale}. */
export interface ScaleAttrs {
  readonly scale: number
  /** Added after scaling; default 0. */
  readonly offset?: number
}

export const scaleOp: OpDefinition<ScaleAttrs> = {
  kind: 'scale',
  inputs: [1, 1],
  attributes: { scale: finite, offset: optional(finite) },
  epilogue: { activation: true, residual: false },
  inPlaceInput: 0,
  precise: 'asFirst',
  readsSegments: true,
  infer(context) {
    const { scale, offset = 0 } = context.attrs
    if (!Number.isFinite(scale) || !Number.isFinite(offset)) {
      throw shapeError('scale', context, `scale ${scale} and offset ${offset} must be finite`)
    }
    return tensorInput('scale', context, 0)
  },
  flops: (context, output) => 2 * outputValues(context, output),
  lower: (context) => [
    elementwiseCall(context, {
      operation: 'affine',
      activation: context.epilogue.activation,
      ...context.attrs,
    }),
  ],
}

/**
 * Sum of two tensors of one shape.
 * @throws EngineError INVALID_GRAPH if the shapes differ
 */
export function add(graph: GraphBuilder, name: string, left: Value, right: Value): Value {
  return addNode(graph, addOp, name, {}, [left, right])
}

/**
 * Product of two tensors of one shape; a right one of a single channel (a mask) meets every channel.
 * @throws EngineError INVALID_GRAPH if the shapes differ otherwise
 */
export function multiply(graph: GraphBuilder, name: string, left: Value, right: Value): Value {
  return addNode(graph, multiplyOp, name, {}, [left, right])
}

/**
 * `input * scale + offset`.
 * @throws EngineError INVALID_GRAPH if scale or offset is not finite
 */
export function scale(graph: GraphBuilder, name: string, input: Value, attrs: ScaleAttrs): Value {
  return addNode(graph, scaleOp, name, attrs, [input])
}
