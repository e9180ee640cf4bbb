import { conv2d } from '../../src/ops/conv/conv2d.js'
import type { Padding, Size } from '../../src/ops/conv/geometry.js'
import { convolve, type Sides, samePadding } from '../reference/conv.js'
import { inputOf } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

interface Layer {
  /** n, h, w, c of the input. */
  readonly input: readonly [number, number, number, number]
  readonly out: number
  readonly kernel: Size
  readonly stride?: Size
  readonly padding?: Padding
  readonly bias?: boolean
  readonly variants?: readonly string[]
  readonly hardware?: readonly string[]
  readonly bench?: boolean
}

export const sizes = (size: Size): readonly [number, number] =>
  typeof size === 'number' ? [size, size] : size

export function paddingSides(padding: Padding, h: number, w: number, kernel: Size, stride: Size): Sides {
  if (typeof padding === 'number') return [padding, padding, padding, padding]
  if (padding !== 'same') return padding
  const [top, bottom] = samePadding(h, sizes(kernel)[0], sizes(stride)[0])
  const [left, right] = samePadding(w, sizes(kernel)[1], sizes(stride)[1])
  return [top, right, bottom, left]
}

function convCase(layer: Layer): OpCase {
  const {
    input,
    out,
    kernel,
    stride = 1,
    padding = 0,
    bias = true,
    variants = [],
    hardware = [],
    bench,
  } = layer
  const [n, h, w, c] = input
  const size = sizes(kernel).join('x')
  return {
    name: `conv2d ${size} s${stride} p${padding}${bias ? '' : ' no bias'} ${input.join('x')} -> ${out}`,
    op: 'conv2d',
    inputs: [{ n, h, w, c }],
    weights: {
      weight: { shape: [out, c, ...sizes(kernel)] },
      ...(bias ? { bias: { shape: [out] } } : {}),
    },
    build: (graph, inputs) =>
      conv2d(graph, 'conv', nthValue(inputs, 0), {
        weight: 'weight',
        ...(bias ? { bias: 'bias' } : {}),
        outChannels: out,
        kernel,
        stride,
        padding,
      }),
    reference: (inputs, weights) =>
      convolve(inputOf(inputs, 0), weights.weight ?? new Float64Array(), weights.bias, {
        outputs: out,
        kernel: sizes(kernel),
        stride: sizes(stride),
        padding: paddingSides(padding, h, w, kernel, stride),
      }),
    variants: [
      { schedule: 'software' },
      { schedule: 'hardware' },
      ...variants.map((variant) => ({ schedule: 'software' as const, variant })),
      ...hardware.map((variant) => ({ schedule: 'hardware' as const, variant })),
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
  'row-7x4',
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

/** Of the hardware schedule; its own choice is tested with every case. */
export const LANES = ['lanes-1x4', 'lanes-4x4', 'lanes-8x4']

const TILES = [
  ...LANES,
  'gemm-64x64',
  'gemm-128x32',
  'gemm-256x16',
  'gemm-64x64k4',
  'gemm-64x32',
  'gemm-128x16',
  'gemm-32x64',
  'gemm-16x128k4',
  'gemm-16x64k4',
  'gemm-16x128k4-split2',
  'gemm-256x4',
  'gemm-64x4',
  'gemm-64x64-split2',
  'gemm-64x4-split4',
  'matrix-8x8',
  'channels-4x4',
]
const WINOGRAD_TILES = ['winograd-gemm-64x64', 'winograd-gemm-32x64', 'winograd-gemm-128x32']

export const conv2dCases: OpCase[] = (
  [
    // Every direct variant, with tails in pixels, channels and planes.
    { input: [1, 9, 13, 5], out: 7, kernel: 3, padding: 1, variants: [...DIRECT, ...WINOGRAD] },
    { input: [2, 7, 5, 17], out: 20, kernel: 3, stride: 2, padding: 1, variants: DIRECT, hardware: TILES },
    { input: [1, 4, 4, 36], out: 33, kernel: 3, padding: 1, variants: DIRECT },
    { input: [3, 3, 2, 8], out: 70, kernel: [1, 2], variants: DIRECT },
    // Winograd: tails in tiles and planes, strides as input phases, 4 taps, batches, several portions
    { input: [2, 14, 15, 20], out: 18, kernel: 3, padding: 1, variants: WINOGRAD, hardware: WINOGRAD_TILES },
    {
      input: [2, 11, 13, 9],
      out: 35,
      kernel: 5,
      stride: 2,
      padding: 2,
      variants: WINOGRAD,
      hardware: WINOGRAD_TILES,
    },
    { input: [2, 13, 20, 3], out: 8, kernel: 7, stride: 2, padding: 3, variants: WINOGRAD },
    { input: [1, 6, 9, 4], out: 6, kernel: [2, 3], padding: [1, 1, 0, 1], variants: WINOGRAD },
    { input: [1, 9, 10, 6], out: 5, kernel: 4, padding: 'same', variants: WINOGRAD },
    { input: [1, 64, 66, 64], out: 33, kernel: 3, padding: 1, variants: WINOGRAD, hardware: WINOGRAD_TILES },
    // 1x1
    { input: [1, 1, 1, 1], out: 1, kernel: 1 },
    { input: [1, 14, 14, 24], out: 12, kernel: 1 },
    { input: [1, 28, 28, 3], out: 3, kernel: 1, bias: false },
    { input: [2, 13, 11, 7], out: 5, kernel: 1, stride: 2 },
    // 3x3
    { input: [1, 1, 1, 3], out: 3, kernel: 3, padding: 1 },
    { input: [1, 3, 3, 5], out: 1, kernel: 3 },
    { input: [1, 17, 9, 5], out: 7, kernel: 3, stride: 2, padding: 1 },
    { input: [1, 15, 15, 16], out: 16, kernel: 3, stride: 2, padding: 1 },
    { input: [1, 1, 9, 4], out: 4, kernel: 3, padding: 1 },
    { input: [1, 23, 1, 4], out: 9, kernel: 3, padding: 1 },
    { input: [2, 12, 10, 3], out: 6, kernel: 3, padding: 1, bias: false },
    { input: [1, 20, 20, 3], out: 16, kernel: 3, stride: 2, padding: 'same' },
    { input: [1, 21, 16, 6], out: 10, kernel: 3, stride: 2, padding: 'same' },
    { input: [1, 6, 7, 16], out: 8, kernel: 3, stride: 1, padding: 'same' },
    { input: [1, 9, 9, 4], out: 4, kernel: 3, stride: 3, padding: 'same' },
    { input: [1, 8, 11, 6], out: 5, kernel: 3, padding: [0, 1, 2, 3] },
    {
      input: [1, 31, 33, 20],
      out: 3,
      kernel: 3,
      padding: 1,
      variants: ['winograd-8x8', 'broadcast-8x4'],
      hardware: TILES,
    },
    { input: [2, 6, 9, 10], out: 7, kernel: [2, 3], padding: [1, 0, 0, 2], variants: ['row-7x4'] },
    { input: [2, 7, 7, 40], out: 3, kernel: 3, padding: 1 },
    { input: [1, 17, 19, 9], out: 2, kernel: 3, padding: 1, hardware: ['matrix-4x4', ...LANES] },
    { input: [1, 70, 66, 5], out: 1, kernel: 3, padding: 1, hardware: ['lanes-8x4'] },
    // Larger and uneven kernels
    { input: [1, 16, 16, 3], out: 20, kernel: 5, stride: 2, padding: 2 },
    { input: [1, 11, 13, 9], out: 6, kernel: 5, stride: 2, padding: 'same' },
    { input: [1, 10, 7, 3], out: 4, kernel: 5, padding: 2 },
    { input: [1, 29, 27, 3], out: 16, kernel: 7, stride: 2, padding: 3 },
    { input: [2, 18, 22, 3], out: 8, kernel: 7, stride: 2, padding: 3, hardware: TILES },
    // Taps that leave the last three steps of a sum partly empty, and parts of such a sum
    { input: [2, 11, 9, 3], out: 37, kernel: 5, padding: 2, hardware: [...TILES, 'gemm-64x64-split4'] },
    { input: [1, 12, 9, 3], out: 6, kernel: [3, 2], padding: [1, 0, 1, 1], hardware: TILES },
    { input: [1, 7, 7, 5], out: 11, kernel: 7 },
    { input: [1, 8, 6, 4], out: 5, kernel: 2, stride: 2 },
    { input: [1, 9, 8, 3], out: 4, kernel: [1, 5], padding: [0, 2, 0, 2] },
    { input: [1, 9, 8, 3], out: 4, kernel: [4, 1], stride: [2, 1] },
    { input: [1, 5, 5, 2], out: 3, kernel: 1, padding: 2, stride: 3 },
    // Layers of DFFNet at a = 0.375
    { input: [1, 28, 28, 96], out: 96, kernel: 3, padding: 1, bench: true },
    { input: [1, 14, 14, 192], out: 192, kernel: 3, padding: 1, bench: true },
    { input: [1, 7, 7, 192], out: 192, kernel: 3, padding: 1, bench: true },
    { input: [1, 7, 7, 192], out: 384, kernel: 3, stride: 2, padding: 1, bench: true },
    { input: [2, 56, 56, 48], out: 96, kernel: 5, stride: 2, padding: 2, bench: true },
  ] satisfies Layer[]
).map(convCase)
