import { type Check, either, oneOf, tuple, whole } from '../../graph/arguments.js'
import { shapeError, wholeNumber } from '../../graph/infer.js'
import type { InferContext } from '../../graph/op.js'
import type { TensorType } from '../../graph/tensor.js'

/** A square kernel or stride, or `[vertical, horizontal]`. */
export type Size = number | readonly [number, number]

/**
 * Rows and columns of zeros around the input: the same on all sides, `[top, right, bottom, left]`, or `'same'`
 * as TFLite means it (output = ceil(input / stride), the odd row or column at the end).
 */
export type Padding = number | 'same' | readonly [number, number, number, number]

/** A `Size` whose numbers are at least `least`. */
export function size(least: 0 | 1): Check {
  const { wants, accepts } = either(whole(least), tuple(2, whole(least)))
  return { wants: wants.replace('2 of: a whole number', 'two whole numbers'), accepts }
}

/** A `Padding`. */
export const PADDING: Check = either(whole(0), oneOf('same'), tuple(4, whole(0)))

/** Window of a convolution or pooling, all in pixels. */
export interface Window {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  /** Top and left; the rest follows from the output size. */
  readonly padding: readonly [number, number]
  readonly outHeight: number
  readonly outWidth: number
}

/** `[vertical, horizontal]`, checked to be whole numbers >= `minimum`. */
export function sizePair(
  kind: string,
  context: InferContext<unknown>,
  name: string,
  size: Size,
  minimum: number,
): [number, number] {
  const [vertical, horizontal] = typeof size === 'number' ? [size, size] : size
  return [
    wholeNumber(kind, context, name, vertical, minimum),
    wholeNumber(kind, context, name, horizontal, minimum),
  ]
}

/**
 * Resolves kernel, stride and padding against an input.
 * @throws EngineError INVALID_GRAPH on sizes that are no whole numbers and on kernels larger than the padded input
 */
export function convWindow(
  kind: string,
  context: InferContext<unknown>,
  input: TensorType,
  attrs: { readonly kernel: Size; readonly stride: Size; readonly padding: Padding },
): Window {
  const kernel = sizePair(kind, context, 'kernel', attrs.kernel, 1)
  const stride = sizePair(kind, context, 'stride', attrs.stride, 1)
  if (attrs.padding === 'same') {
    const [outHeight, top] = same(input.h, kernel[0], stride[0])
    const [outWidth, left] = same(input.w, kernel[1], stride[1])
    return { kernel, stride, padding: [top, left], outHeight, outWidth }
  }
  const sides = typeof attrs.padding === 'number' ? Array(4).fill(attrs.padding) : attrs.padding
  const [top, right, bottom, left] = sides.map((side: number) =>
    wholeNumber(kind, context, 'padding', side, 0),
  )
  const height = input.h + (top ?? 0) + (bottom ?? 0)
  const width = input.w + (left ?? 0) + (right ?? 0)
  if (height < kernel[0] || width < kernel[1]) {
    throw shapeError(kind, context, `kernel ${kernel.join('x')} exceeds the padded input ${height}x${width}`)
  }
  return {
    kernel,
    stride,
    padding: [top ?? 0, left ?? 0],
    outHeight: Math.floor((height - kernel[0]) / stride[0]) + 1,
    outWidth: Math.floor((width - kernel[1]) / stride[1]) + 1,
  }
}

/** Output size and padding before the first pixel. */
function same(input: number, kernel: number, stride: number): [number, number] {
  const output = Math.ceil(input / stride)
  const total = Math.max(0, (output - 1) * stride + kernel - input)
  return [output, Math.floor(total / 2)]
}
