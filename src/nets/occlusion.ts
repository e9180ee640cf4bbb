import { anything, checkArguments, list } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { conv2d } from '../ops/conv/conv2d.js'
import { warp } from '../ops/flow/warp.js'
import { resize } from '../ops/image/resize.js'
import { fragmentDepth, fragmentMask } from '../ops/mesh/interpolate.js'
import { leakyRelu, sigmoid } from '../ops/tensor/activation.js'
import { contiguousChannels } from '../ops/tensor/channels.js'
import { concat } from '../ops/tensor/concat.js'
import { add, scale } from '../ops/tensor/elementwise.js'
import { poolAvg } from '../ops/tensor/pool.js'
import { FLOW_UNIT } from './dffnet.js'

/** Name of the network in its weight file. */
export const OCCLUSION_NETWORK = 'occlusion'

/** The unit of the faces' depths, px. */
const DEPTH_UNIT = 100

/** Channels of what the network sees, then at 1/2, 1/4, 1/8 and 1/16 of the resolution, of the last map and of the result. */
const [INPUTS, HALF, QUARTER, EIGHTH, SIXTEENTH, LAST, OUTPUTS] = [16, 16, 32, 48, 64, 8, 2]

/** Of the leaky activations. */
export const OCCLUSION_SLOPE = 0.1

/** Inputs, outputs and kernel side of each convolution. */
const LAYERS = {
  down1: [INPUTS, HALF, 3],
  down2: [HALF, QUARTER, 3],
  down3: [QUARTER, EIGHTH, 3],
  deep3: [EIGHTH, EIGHTH, 3],
  down4: [EIGHTH, SIXTEENTH, 3],
  deep4: [SIXTEENTH, SIXTEENTH, 3],
  lift3: [SIXTEENTH, EIGHTH, 1],
  up3: [EIGHTH, EIGHTH, 3],
  lift2: [EIGHTH, QUARTER, 1],
  up2: [QUARTER, QUARTER, 3],
  lift1: [QUARTER, HALF, 1],
  up1: [HALF, LAST, 3],
  out: [LAST, OUTPUTS, 3],
} as const

type Layer = keyof typeof LAYERS

/** One frame of n pairs as {@link occlusionInputs} wants it; each n x h x w x c, h and w multiples of 16. */
export interface OcclusionFrame {
  /** (RGB / 255 - 0.45) * 2. */
  readonly image: Value
  /** To the other frame: (dx, dy, dz), template px, zero off the face. */
  readonly flow: Value
  /** Of `rasterise`, c = 4: the face that the flow is defined on. */
  readonly fragments: Value
}

/**
 * What the network sees of a pair, at half of the resolution: of A and, moved to A by the flow, of B picture, depth / 100 px,
 * face and flow / 20 px. Where a point of A is seen in B the pictures agree, the flows undo each other, and its depth, changed by
 * dz, is that of B there; what another part of the face covers shows in depths and flows.
 * @returns n x h/2 x w/2 x 16
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function occlusionInputs(
  graph: GraphBuilder,
  name: string,
  frames: readonly [OcclusionFrame, OcclusionFrame],
): Value {
  checkArguments('occlusionInputs', { frames: list(anything, 2) }, { frames })
  const [a, b] = frames
  const seen = (frame: string, { image, flow, fragments }: OcclusionFrame): Value =>
    concat(graph, `${name} ${frame}`, [
      image,
      fragmentDepth(graph, `${name} depth ${frame}`, fragments, 1 / DEPTH_UNIT),
      fragmentMask(graph, `${name} face ${frame}`, fragments),
      scale(graph, `${name} flow ${frame}`, flow, { scale: 1 / FLOW_UNIT }),
    ])
  const moved = warp(graph, `${name} moved B`, seen('B', b), a.flow, { scale: 1, border: 'zero' })
  const both = concat(graph, `${name} frames`, [seen('A', a), moved])
  const half = poolAvg(graph, `${name} half`, both, { kernel: 2, stride: 2, padding: 0 })
  return contiguousChannels(graph, `${name} inputs`, half)
}

/**
 * What is hidden, and where the flow is right: a small U of convolutions over {@link occlusionInputs}. Weights: occlusion.safetensors.
 * @param inputs n x h/2 x w/2 x 16
 * @returns n x h x w x 2: the probability that a point of A is hidden in B, and that (dx, dy) is off by less than 1 px; off the
 * face of A they mean nothing
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function occlusionNetwork(graph: GraphBuilder, name: string, inputs: Value): Value {
  const conv = (layer: Layer, input: Value, stride: 1 | 2 = 1): Value => {
    const [, outChannels, kernel] = LAYERS[layer]
    const weights = { weight: `occlusion.${layer}.weight`, bias: `occlusion.${layer}.bias` }
    const attrs = { ...weights, outChannels, kernel, stride, padding: kernel >> 1 }
    return conv2d(graph, `${name} ${layer}`, input, attrs)
  }
  const active = (layer: Layer, input: Value, stride: 1 | 2 = 1): Value =>
    leakyRelu(graph, `${name} ${layer}/act`, conv(layer, input, stride), OCCLUSION_SLOPE)
  const enlarged = (of: Layer, input: Value): Value => {
    const { h, w } = tensorTypeOf(graph, `${name} ${of}`, input)
    return resize(graph, `${name} ${of} up`, input, { mode: 'bilinear', height: 2 * h, width: 2 * w })
  }
  /** The coarser map, narrowed and enlarged, on the finer one. */
  const joined = (lift: Layer, coarse: Value, fine: Value): Value =>
    add(graph, `${name} ${lift}/add`, enlarged(lift, conv(lift, coarse)), fine)

  const half = active('down1', inputs)
  const quarter = active('down2', half, 2)
  const eighth = active('deep3', active('down3', quarter, 2))
  const sixteenth = active('deep4', active('down4', eighth, 2))
  const toEighth = active('up3', joined('lift3', sixteenth, eighth))
  const toQuarter = active('up2', joined('lift2', toEighth, quarter))
  const toHalf = active('up1', joined('lift1', toQuarter, half))
  return sigmoid(graph, name, enlarged('out', conv('out', toHalf)))
}

/** Names and shapes of the weights. */
export function occlusionShapes(): Map<string, readonly number[]> {
  return new Map(
    Object.entries(LAYERS).flatMap(([layer, [inputs, outputs, kernel]]): [string, readonly number[]][] => [
      [`occlusion.${layer}.weight`, [outputs, inputs, kernel, kernel]],
      [`occlusion.${layer}.bias`, [outputs]],
    ]),
  )
}
