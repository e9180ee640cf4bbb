import { whole } from '../../graph/arguments.js'
import { copyCall } from '../../graph/copy.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf } from '../../graph/op.js'
import { planesOf, sameLayout, tensorType } from '../../graph/tensor.js'

/** Inputs of one concatenation. */
const MAX_PARTS = 65_536

/**
 * Channels of all inputs side by side, each part from a plane boundary on. The i-th kernel call copies the
 * i-th input; the memory plan drops the calls of inputs that were produced in place.
 */
export const concatOp: OpDefinition<Record<string, never>> = {
  kind: 'concat',
  inputs: [1, MAX_PARTS],
  attributes: {},
  structural: 'concat',
  precise: 'ifAll',
  readsSegments: true,
  infer(context) {
    const first = tensorInput('concat', context, 0)
    const parts = context.inputs.map((_, i) => tensorInput('concat', context, i))
    for (const part of parts) {
      if (part.n !== first.n || part.h !== first.h || part.w !== first.w) {
        throw shapeError('concat', context, 'parts must agree in n, h and w')
      }
    }
    return tensorType(
      first.n,
      first.h,
      first.w,
      parts.flatMap((part) => part.segments),
    )
  },
  flops: () => 0,
  lower(context) {
    let destinationPlane = 0
    return context.inputs.map((source) => {
      const type = tensorOf(source)
      const call = copyCall(source, context.output, { destinationPlane, batches: type.n })
      destinationPlane += planesOf(type)
      return call
    })
  },
}

/** Batch entries of all inputs one after another; calls as in `concatOp`. */
export const batchConcatOp: OpDefinition<Record<string, never>> = {
  kind: 'batchConcat',
  inputs: [1, MAX_PARTS],
  attributes: {},
  structural: 'batchConcat',
  precise: 'ifAll',
  readsSegments: true,
  infer(context) {
    const first = tensorInput('batchConcat', context, 0)
    const parts = context.inputs.map((_, i) => tensorInput('batchConcat', context, i))
    for (const part of parts) {
      if (!sameLayout({ ...part, n: first.n }, first)) {
        throw shapeError('batchConcat', context, 'entries must agree in h, w and channels')
      }
    }
    const n = parts.reduce((sum, part) => sum + part.n, 0)
    return tensorType(n, first.h, first.w, first.segments)
  },
  flops: () => 0,
  lower(context) {
    let destinationBatch = 0
    return context.inputs.map((source) => {
      const { n } = tensorOf(source)
      const call = copyCall(source, context.output, { destinationBatch, batches: n })
      destinationBatch += n
      return call
    })
  },
}

export interface BatchSliceAttrs {
  /** First batch entry. */
  readonly start: number
  /** Batch entries. */
  readonly count: number
}

/** Some neighbouring batch entries of its input. */
export const batchSliceOp: OpDefinition<BatchSliceAttrs> = {
  kind: 'batchSlice',
  inputs: [1, 1],
  attributes: { start: whole(0), count: whole() },
  structural: 'batchSlice',
  precise: 'asFirst',
  readsSegments: true,
  infer(context) {
    const source = tensorInput('batchSlice', context, 0)
    const start = wholeNumber('batchSlice', context, 'start', context.attrs.start, 0)
    const count = wholeNumber('batchSlice', context, 'count', context.attrs.count, 1)
    if (start + count > source.n) {
      throw shapeError('batchSlice', context, `entries ${start}..${start + count - 1} of ${source.n}`)
    }
    return tensorType(count, source.h, source.w, source.segments)
  },
  flops: () => 0,
  lower(context) {
    const source = inputAt(context, 0)
    const { start, count } = context.attrs
    return [copyCall(source, context.output, { sourceBatch: start, batches: count })]
  },
}

export interface ConcatPartAttrs {
  /** Index of the part. */
  readonly part: number
}

/** The channels of one part of a concatenation. */
export const concatPartOp: OpDefinition<ConcatPartAttrs> = {
  kind: 'concatPart',
  inputs: [1, 1],
  attributes: { part: whole(0) },
  structural: 'concatPart',
  precise: 'asFirst',
  readsSegments: true,
  infer(context) {
    const { n, h, w, segments } = tensorInput('concatPart', context, 0)
    const part = wholeNumber('concatPart', context, 'part', context.attrs.part, 0)
    const channels = segments[part]
    if (channels === undefined) {
      throw shapeError('concatPart', context, `there is no part ${part} among ${segments.length}`)
    }
    return tensorType(n, h, w, channels)
  },
  flops: () => 0,
  lower(context) {
    const source = inputAt(context, 0)
    const type = tensorOf(source)
    const sourcePlane = planesOf({ ...type, segments: type.segments.slice(0, context.attrs.part) })
    return [copyCall(source, context.output, { sourcePlane, batches: type.n })]
  },
}

/**
 * Concatenates channels. `channelsOf` the result is the sum of the inputs'; in memory every part starts on a
 * plane boundary (`TensorType.segments`).
 * @throws EngineError INVALID_GRAPH if the inputs differ in n, h or w
 */
export function concat(graph: GraphBuilder, name: string, inputs: readonly Value[]): Value {
  return addNode(graph, concatOp, name, {}, inputs)
}

/**
 * Concatenates batches.
 * @throws EngineError INVALID_GRAPH if the inputs differ in h, w or channels
 */
export function batchConcat(graph: GraphBuilder, name: string, inputs: readonly Value[]): Value {
  return addNode(graph, batchConcatOp, name, {}, inputs)
}

/**
 * Batch entries `start` .. `start + count - 1`.
 * @throws EngineError INVALID_GRAPH if the input has fewer
 */
export function batchSlice(
  graph: GraphBuilder,
  name: string,
  input: Value,
  start: number,
  count: number,
): Value {
  return addNode(graph, batchSliceOp, name, { start, count }, [input])
}

/**
 * The channels of part `part` of a concatenation, or of what an op gives in parts.
 * @returns n x h x w x (channels of the part)
 * @throws EngineError INVALID_GRAPH if the input has fewer parts
 */
export function concatPart(graph: GraphBuilder, name: string, input: Value, part: number): Value {
  return addNode(graph, concatPartOp, name, { part }, [input])
}
