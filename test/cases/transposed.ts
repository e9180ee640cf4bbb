import type { Size } from '../../src/ops/conv/geometry.js'
import { transposedConv2d } from '../../src/ops/conv/transposed-conv2d.js'
import { convolveTransposed } from '../reference/conv.js'
import { inputOf } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { LANES, sizes } from './conv2d.js'
import { nthValue } from './values.js'

interface Layer {
  /** n, h, w, c of the input. */
  readonly input: readonly [number, number, number, number]
  readonly out: number
  readonly kernel?: Size
  readonly stride?: Size
  readonly padding?: Size
  readonly outputPadding?: Size
  readonly crop?: { readonly h: number; readonly w: number }
  readonly variants?: readonly string[]
  readonly hardware?: readonly string[]
  readonly bench?: boolean
}

function transposedCase(layer: Layer): OpCase {
  const { input, out, kernel = 4, stride = 2, padding = 1, outputPadding = 0, crop, bench } = layer
  const [n, h, w, c] = input
  const extra = outputPadding === 0 ? '' : ` +${outputPadding}`
  const cut = crop === undefined ? '' : ` crop ${crop.h}x${crop.w}`
  const full = [0, 1].map(
    (axis) =>
      ((axis === 0 ? h : w) - 1) * (sizes(stride)[axis] ?? 0) -
      2 * (sizes(padding)[axis] ?? 0) +
      (sizes(kernel)[axis] ?? 0) +
      (sizes(outputPadding)[axis] ?? 0),
  )
  return {
    name: `transposed ${sizes(kernel).join('x')} s${stride} p${padding}${extra} ${input.join('x')} -> ${out}${cut}`,
    op: 'transposedConv2d',
    inputs: [{ n, h, w, c }],
    weights: { weight: { shape: [c, out, ...sizes(kernel)] }, bias: { shape: [out] } },
    build: (graph, inputs) =>
      transposedConv2d(graph, 'up', nthValue(inputs, 0), {
        weight: 'weight',
        bias: 'bias',
        outChannels: out,
        kernel,
        stride,
        padding,
        outputPadding,
        ...(crop === undefined ? {} : { crop }),
      }),
    reference: (inputs, weights) =>
      convolveTransposed(inputOf(inputs, 0), weights.weight ?? new Float64Array(), weights.bias, {
        outputs: out,
        kernel: sizes(kernel),
        stride: sizes(stride),
        padding: sizes(padding),
        height: crop?.h ?? full[0] ?? 0,
        width: crop?.w ?? full[1] ?? 0,
      }),
    variants: [
      { schedule: 'software' },
      { schedule: 'hardware' },
      ...(layer.variants ?? []).map((variant) => ({ schedule: 'software' as const, variant })),
      ...(layer.hardware ?? []).map((variant) => ({ schedule: 'hardware' as const, variant })),
    ],
    ...(bench ? { bench } : {}),
  }
}

/** Names that an adapter does not have are ignored. */
const DIRECT = [
  'broadcast-7x16',
  'broadcast-4x16',
  'broadcast-2x32',
  'broadcast-8x4',
  'broadcast-4x8',
  'matrix-8x8',
  'matrix-4x4',
  'channels-4x4',
  'channels-1x4',
]
const WINOGRAD = [
  'winograd-7x16',
  'winograd-7x32',
  'winograd-4x16',
  'winograd-4x32',
  'winograd-2x32',
  'winograd-8x8',
]

export const transposedCases: OpCase[] = (
  [
    { input: [1, 5, 7, 9], out: 6, variants: [...DIRECT, ...WINOGRAD] },
    {
      input: [2, 4, 4, 20],
      out: 18,
      crop: { h: 7, w: 7 },
      variants: [...DIRECT, ...WINOGRAD],
      hardware: [
        ...LANES,
        'gemm-64x32',
        'gemm-32x64',
        'gemm-16x64k4',
        'gemm-64x64-split2',
        'winograd-gemm-64x64',
        'winograd-gemm-32x64',
      ],
    },
    { input: [1, 1, 1, 3], out: 1 },
    { input: [1, 1, 1, 8], out: 5, crop: { h: 1, w: 1 } },
    { input: [1, 14, 9, 3], out: 3 },
    { input: [1, 3, 4, 1], out: 17 },
    { input: [3, 6, 5, 6], out: 4 },
    { input: [1, 6, 6, 5], out: 7, kernel: 3, stride: 2, padding: 1 },
    { input: [1, 6, 5, 5], out: 7, kernel: 3, stride: 2, padding: 1, outputPadding: 1 },
    { input: [1, 4, 6, 3], out: 2, kernel: 2, stride: 2, padding: 0 },
    { input: [1, 4, 3, 7], out: 4, kernel: 5, stride: 3, padding: 1 },
    { input: [1, 3, 3, 4], out: 4, kernel: 2, stride: 3, padding: 0, outputPadding: [2, 1] },
    { input: [1, 8, 8, 4], out: 9, kernel: 3, stride: 1, padding: 1 },
    { input: [1, 5, 4, 4], out: 3, kernel: [4, 1], stride: [2, 1], padding: [1, 0] },
    { input: [1, 7, 7, 387], out: 96, bench: true },
    { input: [1, 28, 28, 147], out: 32, bench: true },
    { input: [1, 112, 112, 51], out: 16, bench: true },
  ] satisfies Layer[]
).map(transposedCase)
