import type { GraphBuilder, Value } from '../../src/graph/graph.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { depthwiseConv2d } from '../../src/ops/conv/depthwise-conv2d.js'
import { fullyConnected } from '../../src/ops/conv/fully-connected.js'
import { transposedConv2d } from '../../src/ops/conv/transposed-conv2d.js'
import { leakyRelu, prelu, relu, sigmoid, tanh } from '../../src/ops/tensor/activation.js'
import { channelPad } from '../../src/ops/tensor/channels.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { add } from '../../src/ops/tensor/elementwise.js'
import { poolMax } from '../../src/ops/tensor/pool.js'
import { convolve, convolveTransposed } from '../reference/conv.js'
import { inputOf, mapTensor } from '../reference/dense.js'
import { activationReferences, binaryReference, leakyReference } from '../reference/elementwise.js'
import { poolReference } from '../reference/pool.js'
import { channelRangeReference, concatReference } from '../reference/structure.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

const NAMES = { weight: 'weight', bias: 'bias' }
const [H, W, IN, OUT] = [9, 7, 6, 5]

type Weights = Readonly<Record<string, Float64Array>>

const weightOf = (weights: Weights) => weights.weight ?? new Float64Array()

function conv3x3(graph: GraphBuilder, input: Value): Value {
  return conv2d(graph, 'conv', input, { ...NAMES, outChannels: OUT, kernel: 3, stride: 1, padding: 1 })
}

function conv3x3Reference(input: RefTensor, weights: Weights): RefTensor {
  const options = { outputs: OUT, kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] } as const
  return convolve(input, weightOf(weights), weights.bias, options)
}

/** One of each kernel that ends in include/epilogue.wgsl. */
const VARIANTS = [
  { schedule: 'software' },
  { schedule: 'software', variant: 'matrix-8x8' },
  { schedule: 'software', variant: 'row-7x4' },
  { schedule: 'software', variant: 'winograd-8x8' },
  { schedule: 'hardware' },
  { schedule: 'hardware', variant: 'gemm-64x64' },
  { schedule: 'hardware', variant: 'lanes-4x4' },
  { schedule: 'hardware', variant: 'matrix-4x4' },
  { schedule: 'hardware', variant: 'gemm-64x64-whole' },
  { schedule: 'hardware', variant: 'winograd-gemm-64x64' },
] as const satisfies OpCase['variants']

const input = { n: 1, h: H, w: W, c: IN }
const map = { n: 1, h: H, w: W, c: OUT }
const weights = { weight: { shape: [OUT, IN, 3, 3] }, bias: { shape: [OUT] } }

function fused(
  name: string,
  build: OpCase['build'],
  reference: OpCase['reference'],
  more: Partial<OpCase> = {},
): OpCase {
  return { name, op: 'conv2d', inputs: [input], weights, variants: VARIANTS, build, reference, ...more }
}

const slopes = { ...weights, slopes: { shape: [OUT], range: [-0.5, 0.5] } } as const

const activations: OpCase[] = [
  fused(
    'conv2d 3x3 + relu',
    (graph, inputs) => relu(graph, 'relu', conv3x3(graph, nthValue(inputs, 0))),
    (inputs, w) => leakyReference(conv3x3Reference(inputOf(inputs, 0), w), () => 0),
  ),
  fused(
    'conv2d 3x3 + leaky relu',
    (graph, inputs) => leakyRelu(graph, 'leaky', conv3x3(graph, nthValue(inputs, 0)), 0.1),
    (inputs, w) => leakyReference(conv3x3Reference(inputOf(inputs, 0), w), () => 0.1),
  ),
  fused(
    'conv2d 3x3 + prelu',
    (graph, inputs) => prelu(graph, 'prelu', conv3x3(graph, nthValue(inputs, 0)), 'slopes'),
    (inputs, w) => leakyReference(conv3x3Reference(inputOf(inputs, 0), w), (c) => w.slopes?.[c] ?? 0),
    { weights: slopes },
  ),
  fused(
    'conv2d 3x3 + sigmoid',
    (graph, inputs) => sigmoid(graph, 'sigmoid', conv3x3(graph, nthValue(inputs, 0))),
    (inputs, w) => mapTensor(conv3x3Reference(inputOf(inputs, 0), w), activationReferences.sigmoid),
  ),
  fused(
    'conv2d 3x3 + tanh',
    (graph, inputs) => tanh(graph, 'tanh', conv3x3(graph, nthValue(inputs, 0))),
    (inputs, w) => mapTensor(conv3x3Reference(inputOf(inputs, 0), w), activationReferences.tanh),
  ),
]

const sum = (a: RefTensor, b: RefTensor) => binaryReference([a, b], (x, y) => x + y)

const residuals: OpCase[] = [
  fused(
    'conv2d 3x3 + residual',
    (graph, inputs) => add(graph, 'add', conv3x3(graph, nthValue(inputs, 0)), nthValue(inputs, 1)),
    (inputs, w) => sum(conv3x3Reference(inputOf(inputs, 0), w), inputOf(inputs, 1)),
    { inputs: [input, map] },
  ),
  fused(
    'conv2d 3x3 + residual, then relu',
    (graph, inputs) => {
      const total = add(graph, 'add', conv3x3(graph, nthValue(inputs, 0)), nthValue(inputs, 1))
      return relu(graph, 'relu', total)
    },
    (inputs, w) => leakyReference(sum(conv3x3Reference(inputOf(inputs, 0), w), inputOf(inputs, 1)), () => 0),
    { inputs: [input, map] },
  ),
  fused(
    'conv2d 3x3 + prelu, then residual',
    (graph, inputs) => {
      const active = prelu(graph, 'prelu', conv3x3(graph, nthValue(inputs, 0)), 'slopes')
      return add(graph, 'add', active, nthValue(inputs, 1))
    },
    (inputs, w) => {
      const active = leakyReference(conv3x3Reference(inputOf(inputs, 0), w), (c) => w.slopes?.[c] ?? 0)
      return sum(active, inputOf(inputs, 1))
    },
    { inputs: [input, map], weights: slopes },
  ),
  ...[
    { name: 'widened from 4 channels', at: { n: 2, h: H, w: W, c: 4 } },
    { name: 'widened from 3 channels', at: { n: 2, h: H, w: W, c: 3 } },
    { name: 'pooled 2x2', at: { n: 2, h: 2 * H, w: 2 * W, c: OUT }, pooled: true },
    { name: 'pooled 2x2 and widened from 4 channels', at: { n: 2, h: 2 * H, w: 2 * W, c: 4 }, pooled: true },
  ].flatMap(({ name, at, pooled = false }) => {
    const skip = (graph: GraphBuilder, from: Value): Value => {
      const plain = pooled ? poolMax(graph, 'pool', from, { kernel: 2, stride: 2, padding: 0 }) : from
      return at.c === OUT ? plain : channelPad(graph, 'pad', plain, OUT)
    }
    const skipReference = (from: RefTensor): RefTensor => {
      const window = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], outHeight: H, outWidth: W } as const
      return channelRangeReference(pooled ? poolReference(from, 'max', window) : from, 0, OUT)
    }
    const inputs = [{ ...input, n: 2 }, at]
    return [
      fused(
        `conv2d 3x3 + residual ${name}, then prelu`,
        (graph, values) => {
          const other = skip(graph, nthValue(values, 1))
          const total = add(graph, 'add', conv3x3(graph, nthValue(values, 0)), other)
          return prelu(graph, 'prelu', total, 'slopes')
        },
        (values, w) => {
          const total = sum(conv3x3Reference(inputOf(values, 0), w), skipReference(inputOf(values, 1)))
          return leakyReference(total, (c) => w.slopes?.[c] ?? 0)
        },
        { inputs, weights: slopes },
      ),
      fused(
        `conv2d 3x3 + relu, then residual ${name}`,
        (graph, values) => {
          const other = skip(graph, nthValue(values, 1))
          return add(graph, 'add', relu(graph, 'relu', conv3x3(graph, nthValue(values, 0))), other)
        },
        (values, w) => {
          const active = leakyReference(conv3x3Reference(inputOf(values, 0), w), () => 0)
          return sum(active, skipReference(inputOf(values, 1)))
        },
        { inputs },
      ),
    ]
  }),
  {
    name: 'depthwise 3x3 + residual pooled 2x2, then relu',
    op: 'depthwiseConv2d',
    inputs: [input, { n: 1, h: 2 * H, w: 2 * W, c: IN }],
    weights: { weight: { shape: [IN, 1, 3, 3] }, bias: { shape: [IN] } },
    build: (graph, inputs) => {
      const other = poolMax(graph, 'pool', nthValue(inputs, 1), { kernel: 2, stride: 2, padding: 0 })
      const attrs = { ...NAMES, kernel: 3, stride: 1, padding: 1 }
      const conv = depthwiseConv2d(graph, 'depthwise', nthValue(inputs, 0), attrs)
      return relu(graph, 'relu', add(graph, 'add', conv, other))
    },
    reference: (inputs, w) => {
      const options = { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], groups: IN } as const
      const conv = convolve(inputOf(inputs, 0), weightOf(w), w.bias, { outputs: IN, ...options })
      const window = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], outHeight: H, outWidth: W } as const
      return leakyReference(sum(conv, poolReference(inputOf(inputs, 1), 'max', window)), () => 0)
    },
  },
  {
    name: 'depthwise 3x3 + residual, then relu',
    op: 'depthwiseConv2d',
    inputs: [input, input],
    weights: { weight: { shape: [IN, 1, 3, 3] }, bias: { shape: [IN] } },
    build: (graph, inputs) => {
      const attrs = { ...NAMES, kernel: 3, stride: 1, padding: 1 }
      const conv = depthwiseConv2d(graph, 'depthwise', nthValue(inputs, 0), attrs)
      return relu(graph, 'relu', add(graph, 'add', conv, nthValue(inputs, 1)))
    },
    reference: (inputs, w) => {
      const options = { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], groups: IN } as const
      const conv = convolve(inputOf(inputs, 0), weightOf(w), w.bias, { outputs: IN, ...options })
      return leakyReference(sum(conv, inputOf(inputs, 1)), () => 0)
    },
  },
  {
    name: 'depthwise 3x3 + relu, then residual',
    op: 'depthwiseConv2d',
    inputs: [input, input],
    weights: { weight: { shape: [IN, 1, 3, 3] }, bias: { shape: [IN] } },
    build: (graph, inputs) => {
      const attrs = { ...NAMES, kernel: 3, stride: 1, padding: 1 }
      const conv = depthwiseConv2d(graph, 'depthwise', nthValue(inputs, 0), attrs)
      return add(graph, 'add', relu(graph, 'relu', conv), nthValue(inputs, 1))
    },
    reference: (inputs, w) => {
      const options = { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], groups: IN } as const
      const conv = convolve(inputOf(inputs, 0), weightOf(w), w.bias, { outputs: IN, ...options })
      return sum(
        leakyReference(conv, () => 0),
        inputOf(inputs, 1),
      )
    },
  },
]

/** Parts whose channels leave padding between them. */
const parts = [5, 3, 9].map((c) => ({ n: 2, h: 8, w: 6, c }))

const concatenations: OpCase[] = [
  {
    name: 'conv2d 5x5 s2 of a concatenation 2x8x6x(5+3+9) + leaky relu',
    op: 'conv2d',
    inputs: parts,
    weights: { weight: { shape: [OUT, 17, 5, 5] }, bias: { shape: [OUT] } },
    variants: VARIANTS,
    build: (graph, inputs) => {
      const attrs = { ...NAMES, outChannels: OUT, kernel: 5, stride: 2, padding: 2 }
      return leakyRelu(graph, 'leaky', conv2d(graph, 'conv', concat(graph, 'concat', inputs), attrs), 0.1)
    },
    reference: (inputs, w) => {
      const options = { outputs: OUT, kernel: [5, 5], stride: [2, 2], padding: [2, 2, 2, 2] } as const
      return leakyReference(convolve(concatReference(inputs), weightOf(w), w.bias, options), () => 0.1)
    },
  },
  {
    name: 'transposed 4x4 s2 of a concatenation 2x8x6x(5+3+9) + leaky relu',
    op: 'transposedConv2d',
    inputs: parts,
    weights: { weight: { shape: [17, OUT, 4, 4] }, bias: { shape: [OUT] } },
    variants: VARIANTS,
    build: (graph, inputs) => {
      const attrs = { ...NAMES, outChannels: OUT, kernel: 4, stride: 2, padding: 1 }
      const up = transposedConv2d(graph, 'up', concat(graph, 'concat', inputs), attrs)
      return leakyRelu(graph, 'leaky', up, 0.1)
    },
    reference: (inputs, w) => {
      const options = { outputs: OUT, kernel: [4, 4], stride: [2, 2], padding: [1, 1] } as const
      const up = convolveTransposed(concatReference(inputs), weightOf(w), w.bias, {
        ...options,
        height: 16,
        width: 12,
      })
      return leakyReference(up, () => 0.1)
    },
  },
  {
    name: 'fully connected of a concatenation 2x8x6x(5+3+9)',
    op: 'fullyConnected',
    inputs: parts,
    weights: { weight: { shape: [OUT, 8 * 6 * 17] }, bias: { shape: [OUT] } },
    build: (graph, inputs) =>
      fullyConnected(graph, 'dense', concat(graph, 'concat', inputs), { ...NAMES, outChannels: OUT }),
    reference: (inputs, w) => {
      const { n, data } = concatReference(inputs)
      const options = { outputs: OUT, kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0] } as const
      return convolve({ n, h: 1, w: 1, c: 8 * 6 * 17, data }, weightOf(w), w.bias, options)
    },
  },
]

/** Convolutions with what the plan folds into them, and of inputs that it does not copy. */
export const convFusionCases: OpCase[] = [...activations, ...residuals, ...concatenations]
