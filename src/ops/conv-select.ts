import type { AdapterCaps } from '../gpu/caps.js'
import type { Storage } from './conv-packing.js'
import type { Schedule } from './op.js'

/** What kernel selection knows of a (transposed) convolution or fully connected layer. */
export interface ConvShape {
  readonly batches: number
  readonly inPlanes: number
  readonly outPlanes: number
  /** Output positions of one phase. */
  readonly gridHeight: number
  readonly gridWidth: number
  /** Output parities of a transposed convolution, 1 for others. */
  readonly phases: number
  readonly taps: readonly [number, number]
  /** Step of the window over the input from one output position to the next. */
  readonly stride: readonly [number, number]
}

/** A kernel with its tile. `name` is what plans print and what forces it. */
export type ConvVariant = DirectVariant

/** kernels/conv_direct.wgsl */
export interface DirectVariant {
  readonly kind: 'direct'
  readonly name: string
  /** Lanes that share weights by subgroup broadcast; 0: each invocation loads all it needs. */
  readonly subgroup: number
  /** Outputs of one invocation: pixels x planes. */
  readonly pixels: number
  readonly planes: number
  readonly workgroup: readonly [pixels: number, planes: number]
}

function broadcast(subgroup: number, pixels: number, planes: number): DirectVariant {
  const name = `broadcast-${pixels}x${planes * 4}`
  return { kind: 'direct', name, subgroup, pixels, planes, workgroup: [16, 1] }
}

function matrix(pixels: number, planes: number): DirectVariant {
  const name = `matrix-${pixels}x${planes * 4}`
  return { kind: 'direct', name, subgroup: 0, pixels, planes, workgroup: [16, 1] }
}

/** Neighbouring lanes take neighbouring output planes: for outputs of a few pixels. */
function channels(pixels: number): DirectVariant {
  return {
    kind: 'direct',
    name: `channels-${pixels}x4`,
    subgroup: 0,
    pixels,
    planes: 1,
    workgroup: [1, 16],
  }
}

/** Every variant that computes this shape correctly on an adapter, the most specialised first. */
export function convVariants(_shape: ConvShape, caps: AdapterCaps, _storage: Storage): ConvVariant[] {
  const variants: ConvVariant[] = []
  // Broadcasts need one known number of lanes, no larger than the weights of a round.
  const lanes = caps.subgroups && caps.subgroupMinSize === caps.subgroupMaxSize ? caps.subgroupMinSize : 0
  if (lanes === 4 || lanes === 8) variants.push(broadcast(lanes, 8, 4), broadcast(lanes, 2, 4))
  variants.push(matrix(8, 2), matrix(4, 1), channels(4), channels(1))
  return variants
}

/**
 * Picks the kernel for a shape: pure, so that choices can be tested for adapters that are not here.
 * @param forced name of a variant to use if it fits the shape and adapter
 */
export function selectConvVariant(
  shape: ConvShape,
  caps: AdapterCaps,
  _schedule: Schedule,
  storage: Storage,
  forced?: string,
): ConvVariant {
  const variants = convVariants(shape, caps, storage)
  const find = (name: string) => variants.find((variant) => variant.name === name)
  const pixels = shape.batches * shape.gridHeight * shape.gridWidth
  let wanted: readonly string[]
  if (pixels <= 2) wanted = ['channels-1x4']
  else if (pixels <= 32) wanted = ['broadcast-2x16', 'channels-4x4']
  else wanted = ['broadcast-8x16', 'matrix-8x8']
  for (const name of forced === undefined ? wanted : [forced, ...wanted]) {
    const variant = find(name)
    if (variant !== undefined) return variant
  }
  return matrix(8, 2)
}
