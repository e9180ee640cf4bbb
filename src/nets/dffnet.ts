import { EngineError } from '../errors.js'
import { checkArguments, flag, positive, whole } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import type { TensorType } from '../graph/tensor.js'
import { conv2d } from '../ops/conv/conv2d.js'
import { transposedConv2d } from '../ops/conv/transposed-conv2d.js'
import { correlation } from '../ops/flow/correlation.js'
import { warp } from '../ops/flow/warp.js'
import { resize } from '../ops/image/resize.js'
import { leakyRelu } from '../ops/tensor/activation.js'
import { batchSlice, concat } from '../ops/tensor/concat.js'

/** Which variant of DFFNet {@link dffnet} builds. */
export interface DffnetConfig {
  /** Width multiplier: 0.375 is the reference, 1 the full size. */
  readonly a: number
  /** Leading channel count of the encoding: 3 for the PNCC alone, 7 with the mesh prior (`dffnet-m`). */
  readonly encodingChannels: 3 | 7
  /**
   * Matching at 1/4 and 1/2 resolution too: the decoder warps the features of I2 by the flow that it has so far and
   * correlates them with those of I1 over a few pixels. False: at 1/8 resolution alone, as FlowNetC does.
   */
  readonly fineMatching: boolean
}

/** The network predicts flow in units of 20 template pixels. */
export const FLOW_UNIT = 20

const SLOPE = 0.1
const RADIUS = 6

/** Fine matching: features of one encoder level, the displacements that are tried, channels for the decoder. */
const FINE_MATCHING = {
  conv2: { radius: 3, channels: 32, pixelsPerUnit: FLOW_UNIT / 4 },
  conv1: { radius: 2, channels: 16, pixelsPerUnit: FLOW_UNIT / 2 },
} as const

/**
 * DFFNet (Koujan et al. 2020, section 3.2, in our reading): a U of convolutions in the manner of FlowNetC. Features
 * of both images by shared weights are correlated at 1/8 resolution and joined by features of the PNCC; the
 * decoder predicts the flow at seven scales, each from its skip connection, the upsampled features, the
 * upsampled coarser flow and, where there is fine matching, features of how well I2 fits around that flow.
 *
 * @param images 2n x H x W x 3, all I1, then all I2 of n pairs, (RGB / 255 - 0.45) * 2; H and W multiples of 8
 * @param encoding n x H x W x c: PNCC in [0, 1]; with the prior also mesh difference / 20 px (3) and depth / 100 px
 * @returns flows of the n pairs in units of `FLOW_UNIT` px, from 1/64 to full resolution; weights by the names used here
 * @throws EngineError INVALID_GRAPH if the inputs have other shapes; INVALID_ARGUMENT for another configuration
 */
export function dffnet(graph: GraphBuilder, images: Value, encoding: Value, config: DffnetConfig): Value[] {
  checkArguments('dffnet', { a: positive, encodingChannels: whole(), fineMatching: flag }, config)
  tensorTypeOf(graph, 'dffnet images', images)
  tensorTypeOf(graph, 'dffnet encoding', encoding)
  return dffnetFlow(graph, imageFeatures(graph, images, config), encoding, config)
}

/** What DFFNet sees of both images, whichever the flow starts from; each 2n x h x w x c: of all I1, then of all I2. */
export interface ImageFeatures {
  readonly images: Value
  readonly conv1: Value
  readonly conv2: Value
  readonly conv3: Value
}

/** First part of `dffnet`: features by shared weights, in one batch. */
export function imageFeatures(
  graph: GraphBuilder,
  images: Value,
  { a }: Pick<DffnetConfig, 'a'>,
): ImageFeatures {
  const c = widths(a)
  const conv1 = activatedConv(graph, 'conv1', images, c(64), 7, 2)
  const conv2 = activatedConv(graph, 'conv2', conv1, c(128), 5, 2)
  const conv3 = activatedConv(graph, 'conv3', conv2, c(256), 5, 2)
  return { images, conv1, conv2, conv3 }
}

function activatedConv(
  graph: GraphBuilder,
  name: string,
  input: Value,
  channels: number,
  kernel: number,
  stride: number,
): Value {
  const attrs = { ...weightsOf(name), outChannels: channels, kernel, stride, padding: (kernel - 1) / 2 }
  return leakyRelu(graph, `${name}/act`, conv2d(graph, name, input, attrs), SLOPE)
}

/**
 * Second part of `dffnet`: the flow from one of the images of each pair to the other.
 * @param source index of the image that the flow starts from, and the encoding belongs to
 */
export function dffnetFlow(
  graph: GraphBuilder,
  { images, conv1, conv2, conv3 }: ImageFeatures,
  encoding: Value,
  config: DffnetConfig,
  source: 0 | 1 = 0,
): Value[] {
  checkInputs(images.type as TensorType, encoding.type as TensorType, config)
  const { n } = encoding.type as TensorType
  const c = widths(config.a)
  const conv = (name: string, input: Value, channels: number, kernel: number, stride: number): Value =>
    activatedConv(graph, name, input, channels, kernel, stride)
  const first = (name: string, pair: Value): Value => batchSlice(graph, name, pair, source * n, n)
  const second = (name: string, pair: Value): Value => batchSlice(graph, name, pair, (1 - source) * n, n)

  // Features of the PNCC.
  const pncc1 = conv('pncc1', encoding, c(32), 7, 2)
  const pncc2 = conv('pncc2', pncc1, c(64), 5, 2)
  const pncc3 = conv('pncc3', pncc2, c(128), 5, 2)

  // Matching.
  const features1 = first('conv3(I1)', conv3)
  const volume = correlation(graph, 'corr', features1, second('conv3(I2)', conv3), {
    radius: RADIUS,
    stride: 1,
    normalisation: 'cosine',
  })
  const corr = leakyRelu(graph, 'corr/act', volume, SLOPE)
  const redir = conv('redir', features1, c(32), 1, 1)

  // Encoder.
  const conv3_1 = conv('conv3_1', concat(graph, 'matched', [corr, redir, pncc3]), c(256), 3, 1)
  const conv4_1 = conv('conv4_1', conv('conv4', conv3_1, c(512), 3, 2), c(512), 3, 1)
  const conv5_1 = conv('conv5_1', conv('conv5', conv4_1, c(512), 3, 2), c(512), 3, 1)
  const conv6_1 = conv('conv6_1', conv('conv6', conv5_1, c(1024), 3, 2), c(1024), 3, 1)

  // Decoder.
  const levels: { channels: number; skip: Value[]; matched?: 'conv1' | 'conv2' }[] = [
    { channels: c(512), skip: [conv5_1] },
    { channels: c(256), skip: [conv4_1] },
    { channels: c(128), skip: [conv3_1] },
    { channels: c(64), skip: [first('conv2(I1)', conv2)], matched: 'conv2' },
    { channels: c(32), skip: [first('conv1(I1)', conv1)], matched: 'conv1' },
    { channels: c(16), skip: [first('I1', images), second('I2', images), encoding] },
  ]
  const predict = (level: number, input: Value): Value => {
    const attrs = { ...weightsOf(`predict.${level}`), outChannels: 3, kernel: 3, stride: 1, padding: 1 }
    return graph.precise(() => conv2d(graph, `predict.${level}`, input, attrs))
  }
  const enlarge = (name: string, flow: Value, height: number, width: number): Value =>
    resize(graph, name, flow, { mode: 'bilinear', height, width })
  const encoded = { conv1, conv2 }
  /** Features of I2, warped by the flow, against those of I1 around it. */
  const match = (level: number, which: 'conv1' | 'conv2', flow: Value): Value => {
    const { radius, channels, pixelsPerUnit } = FINE_MATCHING[which]
    const moved = warp(graph, `warped ${which}(I2)`, second(`${which}(I2)`, encoded[which]), flow, {
      scale: pixelsPerUnit,
      border: 'zero',
    })
    const fit = correlation(graph, `corr.${level}`, first(`${which}(I1) again`, encoded[which]), moved, {
      radius,
      stride: 1,
      normalisation: 'cosine',
    })
    const volume = leakyRelu(graph, `corr.${level}/act`, fit, SLOPE)
    return conv(`match.${level}`, concat(graph, `fit.${level}`, [volume, flow]), channels, 3, 1)
  }
  let features = conv6_1
  const flows: Value[] = []
  levels.forEach(({ channels, skip, matched }, level) => {
    const { h, w } = (skip[0] as Value).type as TensorType
    const flow = predict(level, features)
    flows.push(flow)
    // 4 -> 8 rows meet 7: the transposed convolution leaves out what the skip connection does not have.
    const up = transposedConv2d(graph, `up.${level}`, features, {
      ...weightsOf(`up.${level}`),
      outChannels: channels,
      kernel: 4,
      stride: 2,
      padding: 1,
      crop: { h, w },
    })
    const flowUp = enlarge(`flow up.${level}`, flow, h, w)
    const activated = leakyRelu(graph, `up.${level}/act`, up, SLOPE)
    // Enlarged once more, since one value lies in one concatenation without a copy.
    const fit =
      config.fineMatching && matched !== undefined
        ? [match(level, matched, enlarge(`flow to match.${level}`, flow, h, w))]
        : []
    features = concat(graph, `decoder.${level}`, [activated, ...skip, flowUp, ...fit])
  })
  flows.push(predict(levels.length, features))
  return flows
}

/** Channels at width `a`, in multiples of 16, so that no kernel has a scalar tail. */
function widths(a: number): (channels: number) => number {
  return (channels) => Math.max(16, 16 * roundHalfToEven((channels * a) / 16))
}

/** As the trainer's language rounds. */
function roundHalfToEven(x: number): number {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

function weightsOf(name: string): { weight: string; bias: string } {
  return { weight: `${name}.weight`, bias: `${name}.bias` }
}

function checkInputs(images: TensorType, encoding: TensorType, config: DffnetConfig): void {
  const fits =
    images.n === 2 * encoding.n &&
    images.h % 8 === 0 &&
    images.w % 8 === 0 &&
    images.h === encoding.h &&
    images.w === encoding.w &&
    images.segments.join() === '3' &&
    encoding.segments.reduce((sum, n) => sum + n, 0) === config.encodingChannels
  if (!fits) {
    throw new EngineError(
      'INVALID_GRAPH',
      `dffnet takes images 2NxHxWx3 and an encoding NxHxWx${config.encodingChannels} with H and W multiples of 8, ` +
        `got ${images.n}x${images.h}x${images.w}x${images.segments} and ` +
        `${encoding.n}x${encoding.h}x${encoding.w}x${encoding.segments}`,
    )
  }
}
