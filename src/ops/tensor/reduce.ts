import { oneOf } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, linearGrid } from '../../graph/lowering.js'
import {
  type InferContext,
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  tensorOf,
  view,
} from '../../graph/op.js'
import { channelsOf, planesOf, sameShape, type TensorType, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link reduce}. */
export interface ReduceAttrs {
  readonly result: 'mean' | 'min' | 'max'
}

/** Attributes of {@link meanError}. */
export interface MeanErrorAttrs {
  readonly error: 'squared' | 'absolute'
}

const KIND = { mean: 0, min: 1, max: 2 } as const
const DIFFERENCE = { none: 0, absolute: 1, squared: 2 } as const

/** Pixels that one invocation of the first stage takes at least, and invocations at most. */
const PIXELS_PER_PART = 32
const MAX_PARTS = 256

interface Reduction {
  readonly kind: keyof typeof KIND
  readonly difference: keyof typeof DIFFERENCE
  /** Inputs before the mask. */
  readonly operands: 1 | 2
}

function reductionCalls(
  context: LowerContext<unknown>,
  { kind, difference, operands }: Reduction,
): KernelCall[] {
  const { output, storage } = context
  const source = inputAt(context, 0)
  const other = operands === 2 ? inputAt(context, 1) : source
  const masked = context.inputs.length > operands
  const mask = masked ? inputAt(context, operands) : source
  const type = tensorOf(source)
  const planes = planesOf(type)
  const parts = Math.min(MAX_PARTS, Math.ceil((type.h * type.w) / PIXELS_PER_PART))
  const partial = context.scratch({
    kind: 'raw',
    bytes: type.n * planes * parts * 32,
    contents: `f32[${type.n},${planes},${parts},2,4]`,
  })
  return [
    {
      kernel: 'reduce_partial.wgsl',
      variant: `${parts} parts`,
      params: {
        F16: storage === 'f16',
        KIND: KIND[kind],
        MASK: masked,
        DIFFERENCE: DIFFERENCE[difference],
      },
      uniforms: { source: view(source), other: view(other), mask: view(mask), parts },
      bindings: { source, partial, ...(operands === 2 && { other }), ...(masked && { mask }) },
      workgroups: linearGrid(parts, planes * type.n),
    },
    {
      kernel: 'reduce_final.wgsl',
      variant: kind,
      params: { F16: storage === 'f16', KIND: KIND[kind] },
      uniforms: { destination: view(output), parts },
      bindings: { partial, destination: output },
      workgroups: linearGrid(planes, type.n),
    },
  ]
}

function checkMask(kind: string, context: InferContext<unknown>, index: number, type: TensorType): void {
  if (context.inputs.length <= index) return
  if (!sameShape(tensorInput(kind, context, index), { ...type, segments: [1] })) {
    throw shapeError(kind, context, 'the mask must have the size of the tensor and one channel')
  }
}

const valuesOf = (type: TensorType): number => type.n * type.h * type.w * channelsOf(type)

export const reduceOp: OpDefinition<ReduceAttrs> = {
  kind: 'reduce',
  inputs: [1, 2],
  attributes: { result: oneOf('mean', 'min', 'max') },
  readsSegments: true,
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('reduce', context, 0)
    checkMask('reduce', context, 1, source)
    return tensorType(source.n, 1, 1, source.segments)
  },
  flops: (context) => 2 * valuesOf(tensorInput('reduce', context, 0)),
  lower: (context) =>
    reductionCalls(context, { kind: context.attrs.result, difference: 'none', operands: 1 }),
}

export const meanErrorOp: OpDefinition<MeanErrorAttrs> = {
  kind: 'meanError',
  inputs: [2, 3],
  attributes: { error: oneOf('squared', 'absolute') },
  precise: 'ifAny',
  infer(context) {
    const source = tensorInput('meanError', context, 0)
    if (!sameShape(source, tensorInput('meanError', context, 1))) {
      throw shapeError('meanError', context, 'needs two tensors of one shape')
    }
    checkMask('meanError', context, 2, source)
    return tensorType(source.n, 1, 1, channelsOf(source))
  },
  flops: (context) => 4 * valuesOf(tensorInput('meanError', context, 0)),
  lower: (context) => reductionCalls(context, { kind: 'mean', difference: context.attrs.error, operands: 2 }),
}

/**
 * Mean, minimum or maximum over the pixels of each channel: a 1x1 map for each batch entry. The same bits on
 * every run.
 * @param mask one channel: weights of the mean; for minimum and maximum, pixels of weight 0 do not count. Where no
 * pixel counts the result is 0.
 * @throws EngineError INVALID_GRAPH if the mask has another size
 */
export function reduce(
  graph: GraphBuilder,
  name: string,
  input: Value,
  attrs: ReduceAttrs,
  mask?: Value,
): Value {
  return addNode(graph, reduceOp, name, attrs, mask === undefined ? [input] : [input, mask])
}

/**
 * Mean over pixels of (a - b)^2 or |a - b| per channel, weighted by a mask; a 1x1 map for each batch entry.
 * @throws EngineError INVALID_GRAPH if the shapes differ
 */
export function meanError(
  graph: GraphBuilder,
  name: string,
  a: Value,
  b: Value,
  attrs: MeanErrorAttrs,
  mask?: Value,
): Value {
  return addNode(graph, meanErrorOp, name, attrs, mask === undefined ? [a, b] : [a, b, mask])
}
