import { oneOf, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import { type KernelCall, type LowerContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { planesOf, type TensorType, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link pad}: pixels added on each side. */
export interface PadAttrs {
  /** Rows and columns added. */
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
  /** What they hold: zeros, or the nearest pixel of the map. */
  readonly mode: 'zero' | 'edge'
}

/** Attributes of {@link crop}: the rectangle that is kept, in pixels of the map. */
export interface CropAttrs {
  /** First row and column kept. */
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/** @param shift [y, x] of the input's first pixel in the output */
function shiftCall(
  context: LowerContext<unknown>,
  shift: readonly [number, number],
  edge: boolean,
): KernelCall {
  const { output, storage } = context
  const source = inputAt(context, 0)
  const type = tensorOf(output)
  return {
    kernel: 'pad_crop.wgsl',
    variant: edge ? 'edge' : 'zero',
    params: { F16: storage === 'f16', EDGE: edge },
    uniforms: { source: view(source), destination: view(output), shift },
    bindings: { source, destination: output },
    workgroups: tileGrid(type.h, type.w, planesOf(type) * type.n),
  }
}

const resized = (type: TensorType, height: number, width: number): TensorType =>
  tensorType(type.n, height, width, type.segments)

export const padOp: OpDefinition<PadAttrs> = {
  kind: 'pad',
  inputs: [1, 1],
  attributes: {
    top: whole(0),
    right: whole(0),
    bottom: whole(0),
    left: whole(0),
    mode: oneOf('zero', 'edge'),
  },
  readsSegments: true,
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('pad', context, 0)
    const [top, right, bottom, left] = (['top', 'right', 'bottom', 'left'] as const).map((side) =>
      wholeNumber('pad', context, side, context.attrs[side], 0),
    ) as [number, number, number, number]
    return resized(source, source.h + top + bottom, source.w + left + right)
  },
  flops: () => 0,
  lower: (context) => [
    shiftCall(context, [context.attrs.top, context.attrs.left], context.attrs.mode === 'edge'),
  ],
}

export const cropOp: OpDefinition<CropAttrs> = {
  kind: 'crop',
  inputs: [1, 1],
  attributes: { top: whole(0), left: whole(0), height: whole(), width: whole() },
  readsSegments: true,
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('crop', context, 0)
    const top = wholeNumber('crop', context, 'top', context.attrs.top, 0)
    const left = wholeNumber('crop', context, 'left', context.attrs.left, 0)
    const height = wholeNumber('crop', context, 'height', context.attrs.height, 1)
    const width = wholeNumber('crop', context, 'width', context.attrs.width, 1)
    if (top + height > source.h || left + width > source.w) {
      throw shapeError('crop', context, `${height}x${width} at ${top},${left} is not inside the map`)
    }
    return resized(source, height, width)
  },
  flops: () => 0,
  // The crop lies inside the map, so its edges never show; this rule needs no comparison.
  lower: (context) => [shiftCall(context, [-context.attrs.top, -context.attrs.left], true)],
}

/**
 * Adds rows and columns around the maps.
 * @throws EngineError INVALID_GRAPH if a side is not a whole number
 */
export function pad(graph: GraphBuilder, name: string, input: Value, attrs: PadAttrs): Value {
  return addNode(graph, padOp, name, attrs, [input])
}

/**
 * Cuts a rectangle out of the maps.
 * @throws EngineError INVALID_GRAPH if it is not inside them
 */
export function crop(graph: GraphBuilder, name: string, input: Value, attrs: CropAttrs): Value {
  return addNode(graph, cropOp, name, attrs, [input])
}
