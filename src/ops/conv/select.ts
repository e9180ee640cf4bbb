import type { Schedule } from '../../graph/op.js'
import type { AdapterCaps } from '../../platform/caps.js'
import { bestLanes, hardwareCandidates, hardwareVariants, selectHardware } from './hardware.js'
import type { ConvShape, ConvVariant, DirectVariant, RowVariant, WinogradVariant } from './variants.js'

/** Invocations of a workgroup where no subgroup sets the number. */
const WORKGROUP = 8

/** Lanes that load weights together. A workgroup is one subgroup, so that small layers fill their lanes. */
function broadcast(subgroup: number, pixels: number, planes: number): DirectVariant {
  const name = `broadcast-${pixels}x${planes * 4}`
  return { kind: 'direct', name, subgroup, pixels, planes, workgroup: [subgroup, 1] }
}

function matrix(pixels: number, planes: number): DirectVariant {
  const name = `matrix-${pixels}x${planes * 4}`
  return { kind: 'direct', name, subgroup: 0, pixels, planes, workgroup: [WORKGROUP, 1] }
}

/** Measured best on both software adapters. */
const ROW_PIXELS = 7

function row(subgroup: number, pixels: number): RowVariant {
  return { kind: 'row', name: `row-${pixels}x4`, subgroup, pixels }
}

function fitsRow({ phases, taps, stride }: ConvShape): boolean {
  return phases === 1 && taps[1] === 3 && stride[0] === 1 && stride[1] === 1
}

/** Neighbouring lanes take neighbouring output planes: for outputs of a few pixels. */
function channels(pixels: number): DirectVariant {
  const name = `channels-${pixels}x4`
  return { kind: 'direct', name, subgroup: 0, pixels, planes: 1, workgroup: [1, WORKGROUP] }
}

function winograd(subgroup: number, tiles: number, planes: number): WinogradVariant {
  const name = `winograd-${tiles}x${planes * 4}`
  return { kind: 'winograd', name, subgroup, tiles, planes, workgroup: subgroup || WORKGROUP }
}

type Tile = readonly [count: number, planes: number]

/** Tiles of pixels x planes for the direct kernel, of tiles x planes for Winograd's product. */
interface BroadcastTiles {
  readonly direct: Tile
  /** For maps of 16 pixels and fewer, which would leave lanes idle. */
  readonly small: Tile
  /** For one or two output planes. */
  readonly narrow: Tile
  readonly product: Tile
  /** Where output planes come in eights. */
  readonly wide: Tile
  /** For 16 tiles and fewer. */
  readonly few: Tile
}

/** Tiles measured best: 4 lanes are SwiftShader's, 8 lavapipe's. Products in 7s fit maps of 7 * 2^k pixels. */
const BROADCAST_TILES: Readonly<Record<4 | 8, BroadcastTiles>> = {
  4: {
    direct: [7, 4],
    small: [4, 4],
    narrow: [8, 1],
    wide: [7, 8],
    product: [7, 4],
    few: [4, 4],
  },
  8: {
    direct: [4, 4],
    small: [2, 8],
    narrow: [4, 2],
    wide: [4, 8],
    product: [4, 4],
    few: [2, 8],
  },
}

/** Lanes of every subgroup, where kernels for adapters that run on the CPU have tiles for that many. */
export function broadcastLanes(caps: AdapterCaps): 4 | 8 | undefined {
  if (!caps.subgroups || caps.subgroupMinSize !== caps.subgroupMaxSize) return undefined
  return caps.subgroupMinSize === 4 || caps.subgroupMinSize === 8 ? caps.subgroupMinSize : undefined
}

/** Every variant of a schedule that computes this shape correctly on an adapter. */
export function convVariants(shape: ConvShape, caps: AdapterCaps, schedule: Schedule): ConvVariant[] {
  return schedule === 'hardware' ? hardwareVariants(shape, caps) : softwareVariants(shape, caps)
}

function softwareVariants(shape: ConvShape, caps: AdapterCaps): ConvVariant[] {
  const variants: ConvVariant[] = []
  const lanes = broadcastLanes(caps)
  if (lanes !== undefined) {
    const tiles = BROADCAST_TILES[lanes]
    for (const [pixels, planes] of [tiles.direct, tiles.small, tiles.narrow]) {
      variants.push(broadcast(lanes, pixels, planes))
    }
    if (fitsRow(shape)) variants.push(row(lanes, ROW_PIXELS))
    if (shape.winograd !== undefined) {
      for (const [count, planes] of [tiles.wide, tiles.product, tiles.few]) {
        variants.push(winograd(lanes, count, planes))
      }
    }
  }
  if (shape.winograd !== undefined) variants.push(winograd(0, 8, 2))
  variants.push(matrix(8, 2), matrix(4, 1), channels(4), channels(1))
  return variants
}

/** Variants worth timing on an adapter. */
export function convCandidates(shape: ConvShape, caps: AdapterCaps, schedule: Schedule): ConvVariant[] {
  return schedule === 'hardware' ? hardwareCandidates(shape, caps) : softwareVariants(shape, caps)
}

/** All that kernels of a convolution depend on, printable. */
export function describeConvShape(shape: ConvShape): string {
  // Kernels differ where a single plane is not full.
  const planes = (count: number, channels: number) => (count === 1 && channels < 4 ? `${channels}/4` : count)
  const { batches, gridHeight, gridWidth, phases, inPlanes, outPlanes, channels, taps, stride, winograd } =
    shape
  const size = winograd && `F(${winograd.tile},${7 - winograd.tile})`
  return (
    `${batches}x${gridHeight}x${gridWidth} ${planes(inPlanes, channels[0])}->${planes(outPlanes, channels[1])} planes, ${taps.join('x')} taps of step ` +
    `${stride.join('x')}, ${phases} ${phases === 1 ? 'phase' : 'phases'}` +
    (winograd && size ? `, ${size} ${winograd.inPlanes}->${winograd.outPlanes}` : '')
  )
}

/** The shape that kernels are chosen for where a batch holds it so many times. */
export function shapeAlone(shape: ConvShape, repeats: number): ConvShape {
  return repeats === 1 ? shape : { ...shape, batches: Math.ceil(shape.batches / repeats) }
}

/**
 * Picks the kernel for a shape: pure, so that choices can be tested for adapters that are not here.
 * @param forced name of a variant to use if it fits shape and adapter; what does not fit is ignored
 * @param repeats see `LowerContext`
 */
export function selectConvVariant(
  shape: ConvShape,
  caps: AdapterCaps,
  schedule: Schedule,
  forced?: string,
  repeats = 1,
): ConvVariant {
  const alone = shapeAlone(shape, repeats)
  const named = convVariants(alone, caps, schedule).find((variant) => variant.name === forced)
  if (named !== undefined) return named
  if (schedule === 'software') return selectSoftware(alone, broadcastLanes(caps))
  const chosen = selectHardware(alone, caps)
  // Lanes add up in the same order however many pixels share the weights that they read.
  return chosen.kind === 'lanes' ? bestLanes(shape) : chosen
}

function selectSoftware(shape: ConvShape, lanes: 4 | 8 | undefined): ConvVariant {
  const pixels = shape.batches * shape.gridHeight * shape.gridWidth
  if (pixels <= 2) return channels(1)
  if (lanes !== undefined && shape.outPlanes === 1 && pixels > 16 && fitsRow(shape)) {
    return row(lanes, ROW_PIXELS)
  }
  const product = winogradProduct(shape, lanes)
  const pays = product !== undefined && winogradGain(shape, product) >= WINOGRAD_GAIN[lanes ?? 0]
  if (pays && !(lanes === 8 && isMostlyTransforms(shape))) return product
  if (lanes === undefined) return pixels <= 32 ? channels(4) : matrix(8, 2)
  const tiles = BROADCAST_TILES[lanes]
  if (pixels <= 16) return broadcast(lanes, ...tiles.small)
  return broadcast(lanes, ...(shape.outPlanes <= 2 ? tiles.narrow : tiles.direct))
}

/**
 * How many times fewer multiplications pay for the transforms; by lanes of the matrix product. The direct kernel is
 * nearly as good as the product with 8 lanes and much worse with 4.
 */
const WINOGRAD_GAIN = { 0: 1.8, 4: 1.4, 8: 2 } as const

/** Inverse planes of input and output phases, together, above which few products share the transforms of a tile. */
const MOSTLY_TRANSFORMS = 1 / 4

/**
 * Transforms and what they store grow with the sum of the planes, products with their product. With 8 lanes, where products are
 * cheap, layers of few planes take 0.70 to 0.75 of Winograd's time directly (first layers, fine matching at 1/2); with 4 lanes twice
 * as long.
 */
function isMostlyTransforms({ winograd }: ConvShape): boolean {
  return winograd !== undefined && 1 / winograd.inPlanes + 1 / winograd.outPlanes > MOSTLY_TRANSFORMS
}

function winogradProduct(shape: ConvShape, lanes: 4 | 8 | undefined): WinogradVariant | undefined {
  if (shape.winograd === undefined) return undefined
  if (lanes === undefined) return winograd(0, 8, 2)
  const tiles = BROADCAST_TILES[lanes]
  if (winogradTiles(shape) <= 16) return winograd(lanes, ...tiles.few)
  const { outPlanes } = shape.winograd
  const tile = outPlanes % 8 === 0 ? tiles.wide : tiles.product
  return winograd(lanes, ...tile)
}

function winogradTiles({ batches, gridHeight, gridWidth, winograd }: ConvShape): number {
  const tile = winograd?.tile ?? 4
  return batches * Math.ceil(gridHeight / tile) * Math.ceil(gridWidth / tile)
}

/** Multiplications of the direct kernel over those of Winograd, tiles and lanes past the edge included. */
function winogradGain(shape: ConvShape, variant: WinogradVariant): number {
  if (shape.winograd === undefined) return 0
  const { batches, gridHeight, gridWidth, phases, taps, inPlanes, outPlanes } = shape
  const direct = batches * gridHeight * gridWidth * taps[0] * taps[1] * inPlanes * outPlanes * phases
  const perWorkgroup = variant.tiles * variant.workgroup
  const tiles = Math.ceil(winogradTiles(shape) / perWorkgroup) * perWorkgroup
  const products = tiles * 36 * shape.winograd.inPlanes * shape.winograd.outPlanes
  return direct / products
}
