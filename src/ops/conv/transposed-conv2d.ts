import { name, optional, record, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { type InferContext, type LowerContext, type OpDefinition, tensorOf } from '../../graph/op.js'
import { channelsOf, type TensorType, tensorType } from '../../graph/tensor.js'
import { type Size, size, sizePair } from './geometry.js'
import { convCalls, convChoice } from './lower.js'
import type { ConvProblem } from './task.js'

/** Attributes of {@link transposedConv2d}. */
export interface TransposedConv2dAttrs {
  /** Name of the weights, IOHW: [input channels, outChannels, kernel height, kernel width]. */
  readonly weight: string
  /** Name of the bias, [outChannels]; absent: zero. */
  readonly bias?: string
  readonly outChannels: number
  readonly kernel: Size
  readonly stride: Size
  /** Rows and columns cut off on every side. */
  readonly padding: Size
  /** Rows and columns added at the end; smaller than the stride. Default 0. */
  readonly outputPadding?: Size
  /** Keeps only the first rows and columns of the output, e.g. to fit a skip connection of odd size. */
  readonly crop?: { readonly h: number; readonly w: number }
}

interface TransposedWindow {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly outHeight: number
  readonly outWidth: number
}

function transposedWindow(
  context: Pick<InferContext<TransposedConv2dAttrs>, 'node' | 'attrs' | 'inputs'>,
  input: TensorType,
): TransposedWindow {
  const kind = 'transposedConv2d'
  const { attrs } = context
  const kernel = sizePair(kind, context, 'kernel', attrs.kernel, 1)
  const stride = sizePair(kind, context, 'stride', attrs.stride, 1)
  const padding = sizePair(kind, context, 'padding', attrs.padding, 0)
  const extra = sizePair(kind, context, 'outputPadding', attrs.outputPadding ?? 0, 0)
  if (extra[0] >= stride[0] || extra[1] >= stride[1]) {
    throw shapeError(kind, context, `outputPadding ${extra} must be smaller than stride ${stride}`)
  }
  const full = [
    (input.h - 1) * stride[0] - 2 * padding[0] + kernel[0] + extra[0],
    (input.w - 1) * stride[1] - 2 * padding[1] + kernel[1] + extra[1],
  ] as const
  if (full[0] < 1 || full[1] < 1) {
    throw shapeError(kind, context, `padding ${padding} leaves no output`)
  }
  const { h, w } = attrs.crop ?? { h: full[0], w: full[1] }
  wholeNumber(kind, context, 'crop.h', h, 1)
  wholeNumber(kind, context, 'crop.w', w, 1)
  if (h > full[0] || w > full[1]) {
    throw shapeError(kind, context, `crop ${h}x${w} exceeds the output ${full[0]}x${full[1]}`)
  }
  return { kernel, stride, padding, outHeight: h, outWidth: w }
}

export const transposedConv2dOp: OpDefinition<TransposedConv2dAttrs> = {
  kind: 'transposedConv2d',
  inputs: [1, 1],
  attributes: {
    weight: name,
    bias: optional(name),
    outChannels: whole(),
    kernel: size(1),
    stride: size(1),
    padding: size(0),
    outputPadding: optional(size(0)),
    crop: optional(record({ h: whole(), w: whole() })),
  },
  epilogue: { activation: true, residual: true },
  readsSegments: true,
  loads: [0],
  infer(context) {
    const input = tensorInput('transposedConv2d', context, 0)
    const channels = wholeNumber('transposedConv2d', context, 'outChannels', context.attrs.outChannels, 1)
    const window = transposedWindow(context, input)
    return tensorType(input.n, window.outHeight, window.outWidth, channels)
  },
  flops(context, output) {
    const input = tensorInput('transposedConv2d', context, 0)
    const { kernel, stride } = transposedWindow(context, input)
    if (output.kind !== 'tensor') return 0
    const taps = (kernel[0] * kernel[1]) / (stride[0] * stride[1])
    return 2 * output.n * output.h * output.w * channelsOf(output) * channelsOf(input) * taps
  },
  lower: (context) => convCalls(context, problemOf(context)),
  choice: (context) => convChoice(context, problemOf(context)),
}

/**
 * Output row o takes input rows i and kernel rows k with o + padding = i * stride + k. So all rows of one parity
 * p = o mod stride use the kernel rows of one residue: a plain convolution with ceil(kernel / stride) taps.
 */
function problemOf({ node, attrs, inputs }: LowerContext<TransposedConv2dAttrs>): ConvProblem {
  const [input] = inputs
  if (input === undefined) throw new TypeError('transposedConv2d has one input')
  const type = tensorOf(input)
  const { kernel, stride, padding, outHeight, outWidth } = transposedWindow(
    { node, attrs, inputs: [type] },
    type,
  )
  const inChannels = channelsOf(type)
  const tapsY = Math.ceil(kernel[0] / stride[0])
  const tapsX = Math.ceil(kernel[1] / stride[1])
  return {
    weights: {
      name: attrs.weight,
      shape: [inChannels, attrs.outChannels, kernel[0], kernel[1]],
      taps: [tapsY, tapsX],
      firstIndexOf: (phase, tapY, tapX) => {
        // Taps go up in the input, hence down in the kernel.
        const phaseY = Math.floor(phase / stride[1])
        const phaseX = phase % stride[1]
        const ky = ((phaseY + padding[0]) % stride[0]) + (tapsY - 1 - tapY) * stride[0]
        const kx = ((phaseX + padding[1]) % stride[1]) + (tapsX - 1 - tapX) * stride[1]
        return ky >= kernel[0] || kx >= kernel[1] ? -1 : ky * kernel[1] + kx
      },
      outputStep: kernel[0] * kernel[1],
      inputStep: attrs.outChannels * kernel[0] * kernel[1],
    },
    bias: attrs.bias,
    gridHeight: Math.ceil(outHeight / stride[0]),
    gridWidth: Math.ceil(outWidth / stride[1]),
    inStride: [1, 1],
    outStride: stride,
    lead: padding,
    shift: [tapsY - 1, tapsX - 1],
  }
}

/** Transposed convolution as in PyTorch's ConvTranspose2d (IOHW weights). */
export function transposedConv2d(
  graph: GraphBuilder,
  name: string,
  input: Value,
  attrs: TransposedConv2dAttrs,
): Value {
  return addNode(graph, transposedConv2dOp, name, attrs, [input])
}
