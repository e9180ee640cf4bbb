import type { GraphBuilder, Value } from '../graph/graph.js'
import { shapeError } from '../graph/infer.js'
import { channelsOf } from '../graph/tensor.js'
import { conv2d } from '../ops/conv/conv2d.js'
import { depthwiseConv2d } from '../ops/conv/depthwise-conv2d.js'
import { prelu, relu } from '../ops/tensor/activation.js'
import { channelPad } from '../ops/tensor/channels.js'
import { add } from '../ops/tensor/elementwise.js'
import { poolMax } from '../ops/tensor/pool.js'

/** `[output channels, stride]` of one block. */
export type BlockRow = readonly [channels: number, stride: 1 | 2]

export type BlockActivation = 'relu' | 'prelu'

/**
 * The residual block of all three front-end networks: depthwise 3x3, pointwise 1x1, plus the input (pooled 2x2
 * where the stride is 2, padded with zero channels where the block widens), then the activation.
 * Weights: `<name>.depthwise`, `<name>.pointwise`, `<name>.prelu.slope`.
 * @returns n x ceil(h / stride) x ceil(w / stride) x channels
 */
export function separableBlock(
  graph: GraphBuilder,
  name: string,
  input: Value,
  [channels, stride]: BlockRow,
  activation: BlockActivation,
): Value {
  const depthwise = depthwiseConv2d(graph, `${name}.depthwise`, input, {
    weight: `${name}.depthwise.weight`,
    bias: `${name}.depthwise.bias`,
    kernel: 3,
    stride,
    padding: 'same',
  })
  const pointwise = conv2d(graph, `${name}.pointwise`, depthwise, {
    weight: `${name}.pointwise.weight`,
    bias: `${name}.pointwise.bias`,
    outChannels: channels,
    kernel: 1,
    stride: 1,
    padding: 0,
  })
  const pooled =
    stride === 1 ? input : poolMax(graph, `${name}.pool`, input, { kernel: 2, stride: 2, padding: 0 })
  const skip =
    channelCount(name, input) === channels ? pooled : channelPad(graph, `${name}.pad`, pooled, channels)
  const sum = add(graph, `${name}.add`, pointwise, skip)
  return activation === 'relu'
    ? relu(graph, `${name}.relu`, sum)
    : prelu(graph, `${name}.prelu`, sum, `${name}.prelu.slope`)
}

/**
 * A run of blocks `<prefix>block<first>`, `<prefix>block<first + 1>`, ...
 * @returns output of the last
 */
export function separableBlocks(
  graph: GraphBuilder,
  prefix: string,
  input: Value,
  rows: readonly BlockRow[],
  activation: BlockActivation,
  first = 1,
): Value {
  return rows.reduce(
    (value, row, i) => separableBlock(graph, `${prefix}block${first + i}`, value, row, activation),
    input,
  )
}

function channelCount(node: string, { type }: Value): number {
  if (type.kind !== 'tensor') throw shapeError('block', { node, inputs: [type] }, 'input must be a tensor')
  return channelsOf(type)
}
