import type { AdapterCaps } from '../../platform/caps.js'
import { hasManyRegisters } from './registers.js'
import {
  type ConvShape,
  type ConvVariant,
  type DirectVariant,
  type GemmVariant,
  gemmSteps,
  type LanesVariant,
  type WinogradVariant,
} from './variants.js'

/** Kernel variants of (transposed) convolutions for GPUs: which there are, and which one a shape gets. Pure. */

/** Invocations of kernels without workgroup memory: whole waves of 32 or 64 lanes. */
const WAVE = 64

/**
 * Compiled for navi21 this gives 168 registers, 6 waves a SIMD and 89 % multiply-adds among the vector instructions of
 * the inner loop; 4 steps give 200, 4 and 90 %.
 */
const GEMM_STEPS = 2

/** Ends the names of tiles whose sums are not split. */
const WHOLE = '-whole'

type Threads = readonly [pixels: number, planes: number]

function gemm(threads: Threads, pixels: number, planes: number, steps = GEMM_STEPS): GemmVariant {
  const tile = `gemm-${threads[0] * pixels}x${threads[1] * planes * 4}`
  const name = steps === GEMM_STEPS ? tile : `${tile}k${steps}`
  return { kind: 'gemm', name, threads, pixels, planes, steps, triples: false, splits: 1 }
}

/**
 * 64 invocations with 32 accumulators each, which every GPU holds; wide in pixels where there are few channels, wide in channels
 * where there are few pixels.
 */
const SMALL_GEMM_TILES = [
  gemm([16, 4], 4, 2),
  gemm([32, 2], 4, 2),
  gemm([8, 8], 4, 2),
  gemm([4, 16], 4, 1, 4),
] as const

/** With 64 accumulators, or as many operands in flight: fewer loads for each multiply-add. */
const LARGE_GEMM_TILES = [
  gemm([8, 8], 8, 2),
  gemm([16, 4], 8, 2),
  gemm([32, 2], 8, 2),
  gemm([4, 16], 4, 2, 4),
] as const

/** More loads for each multiply-add, or fewer waves: for the shapes and GPUs where that does not count. */
const OTHER_GEMM_TILES = [gemm([8, 8], 8, 2, 4), gemm([64, 1], 4, 1)] as const

/** Tiles of matrix products that are taken unmeasured. */
function gemmTiles(caps: AdapterCaps): readonly GemmVariant[] {
  return hasManyRegisters(caps) ? [...LARGE_GEMM_TILES, ...SMALL_GEMM_TILES] : SMALL_GEMM_TILES
}

/** Four channels: all that there are, so nothing is shared but inputs over taps; for splitting long sums. */
const NARROW_TILE = gemm([64, 1], 1, 1)

function winogradGemm(threads: Threads, tiles: number, planes: number): WinogradVariant {
  const name = `winograd-gemm-${threads[0] * tiles}x${threads[1] * planes * 4}`
  const shared = { threads, steps: GEMM_STEPS }
  return { kind: 'winograd', name, subgroup: 0, tiles, planes, workgroup: threads[0], shared }
}

const WINOGRAD_TILES = [
  winogradGemm([8, 8], 8, 2),
  winogradGemm([8, 8], 4, 2),
  winogradGemm([16, 4], 8, 2),
] as const

function winogradTile(caps: AdapterCaps): WinogradVariant {
  return WINOGRAD_TILES[hasManyRegisters(caps) ? 0 : 1]
}

function matrix(pixels: number, planes: number): DirectVariant {
  const name = `matrix-${pixels}x${planes * 4}`
  return { kind: 'direct', name, subgroup: 0, pixels, planes, workgroup: [WAVE, 1] }
}

/** Neighbouring lanes take neighbouring output planes: for outputs of a few pixels. */
function channels(pixels: number): DirectVariant {
  const name = `channels-${pixels}x4`
  return { kind: 'direct', name, subgroup: 0, pixels, planes: 1, workgroup: [1, WAVE] }
}

/** For outputs of few pixels or few channels: lanes share a sum in place of operands. */
function lanes(pixels: number): LanesVariant {
  return { kind: 'lanes', name: `lanes-${pixels}x4`, pixels, workgroup: WAVE }
}

const LANES = [lanes(1), lanes(4), lanes(8)] as const

/** Lanes of the subgroups for which conv_direct.wgsl can share weights: as many as 8 output planes have lanes. */
const BROADCAST_LANES = 32

function broadcast(pixels: number): DirectVariant {
  const name = `broadcast-${pixels}x${BROADCAST_LANES}`
  const planes = BROADCAST_LANES / 4
  return {
    kind: 'direct',
    name,
    subgroup: BROADCAST_LANES,
    pixels,
    planes,
    workgroup: [BROADCAST_LANES, 1],
  }
}

/** Every variant that computes this shape correctly on a GPU. */
export function hardwareVariants(shape: ConvShape, caps: AdapterCaps): ConvVariant[] {
  const variants: ConvVariant[] = []
  const tiles = [...LARGE_GEMM_TILES, ...SMALL_GEMM_TILES, ...OTHER_GEMM_TILES, NARROW_TILE]
  for (const tile of tilesFor(shape, tiles)) {
    variants.push(splitSum(shape, tile), { ...tile, name: `${tile.name}${WHOLE}` })
    for (const splits of splitCounts(shape, tile)) {
      variants.push({ ...tile, name: `${tile.name}-split${splits}`, splits })
    }
  }
  if (shape.winograd !== undefined) variants.push(...WINOGRAD_TILES)
  const { subgroups, subgroupMinSize, subgroupMaxSize } = caps
  if (subgroups && subgroupMinSize === BROADCAST_LANES && subgroupMaxSize === BROADCAST_LANES) {
    variants.push(broadcast(4))
  }
  variants.push(...LANES, matrix(8, 2), matrix(4, 1), channels(4), channels(1))
  return variants
}

/** Those worth timing: no two that run the same, no tile that is mostly padding, no lanes without work. */
export function hardwareCandidates(shape: ConvShape, caps: AdapterCaps): ConvVariant[] {
  const variants = hardwareVariants(shape, caps)
  const areas = variants.flatMap((variant) => (variant.kind === 'gemm' ? [paddedArea(shape, variant)] : []))
  const smallest = Math.min(...areas)
  const chosen = selectHardware(shape, caps).name
  return variants.filter((variant) => {
    if (variant.name === chosen) return true
    switch (variant.kind) {
      case 'gemm':
        if (variant.name.endsWith(WHOLE) && splitSum(shape, variant).splits === 1) return false
        return paddedArea(shape, variant) <= 2 * smallest
      case 'winograd':
        return savesMultiplications(shape, variant)
      case 'direct':
        return variant.workgroup[0] > 1 || pixelsOf(shape) <= variant.pixels * WAVE
      case 'lanes':
        return lanesFlops(shape, variant) <= 2 * definedFlops(shape) && fillsFew(shape, SOME_PIXELS)
      case 'row':
        return true
      default:
        return variant satisfies never
    }
  })
}

/** Those of the tiles that a shape can run, as it runs them: steps that are loaded side by side lie in planes of their own. */
function tilesFor(shape: ConvShape, tiles: readonly GemmVariant[]): GemmVariant[] {
  return tiles
    .filter(({ threads, pixels }) => threads[1] <= pixels * shape.inPlanes)
    .map((tile) => fitted(shape, tile))
}

/** A tile as a shape runs it: four taps of three channels fill three steps, where a tile's pixels load them. */
function fitted({ inPlanes, channels, taps }: ConvShape, tile: GemmVariant): GemmVariant {
  const fits = inPlanes === 1 && channels[0] === 3 && taps[0] * taps[1] > 4 && tile.pixels >= tile.threads[1]
  return fits && tile.steps === GEMM_STEPS ? { ...tile, steps: 3, triples: true } : tile
}

function pixelsOf({ batches, gridHeight, gridWidth }: ConvShape): number {
  return batches * gridHeight * gridWidth
}

/** Pixels x planes of all tiles of a phase. */
function paddedArea(shape: ConvShape, { threads, pixels, planes }: GemmVariant): number {
  const tile = [threads[0] * pixels, threads[1] * planes] as const
  return Math.ceil(pixelsOf(shape) / tile[0]) * tile[0] * Math.ceil(shape.outPlanes / tile[1]) * tile[1]
}

/** FLOPs of all tiles of a matrix product, padding included. */
function gemmFlops(shape: ConvShape, variant: GemmVariant): number {
  return 32 * paddedArea(shape, variant) * gemmSteps(shape, variant) * shape.phases
}

/** The same of Winograd's products; undefined where windows do not fit. */
function winogradFlops(shape: ConvShape, variant: WinogradVariant): number | undefined {
  if (shape.winograd === undefined) return undefined
  const { inPlanes, outPlanes } = shape.winograd
  const group = variant.planes * (variant.shared?.threads[1] ?? 1)
  const perWorkgroup = variant.tiles * variant.workgroup
  const tiles = Math.ceil(winogradTiles(shape) / perWorkgroup) * perWorkgroup
  return 32 * tiles * 36 * inPlanes * Math.ceil(outPlanes / group) * group
}

function winogradTiles({ batches, gridHeight, gridWidth, winograd }: ConvShape): number {
  const tile = winograd?.tile ?? 1
  return batches * Math.ceil(gridHeight / tile) * Math.ceil(gridWidth / tile)
}

/** False where tiles past the edge cost what Winograd saves. */
function savesMultiplications(shape: ConvShape, variant: WinogradVariant): boolean {
  const { taps, inPlanes, outPlanes, phases } = shape
  const direct = 32 * pixelsOf(shape) * taps[0] * taps[1] * inPlanes * outPlanes * phases
  return (winogradFlops(shape, variant) ?? direct) < direct
}

/** FLOPs that GPUs do in the time of a byte from memory: 35 to 45 for those of bench/roofline with memory of their own kind. */
const FLOPS_PER_BYTE = 38

/** Of the second-level cache, which is some times as quick as memory. */
const FLOPS_PER_CACHED_BYTE = FLOPS_PER_BYTE / 4

/** Modelled time that Winograd must save to be taken unmeasured: the model leaves latency out. */
const WINOGRAD_SAVING = 0.25

/**
 * Whether Winograd's fewer multiplications outweigh its transformed inputs, products and larger weights, which all go
 * through memory: they do for layers of many channels on maps of some size.
 */
function favoursWinograd(shape: ConvShape, product: WinogradVariant, variant: GemmVariant): boolean {
  const flops = winogradFlops(shape, product)
  if (flops === undefined || shape.winograd === undefined) return false
  const { inPlanes, outPlanes } = shape.winograd
  const tensorBytes = 16 * winogradTiles(shape) * 36 * (inPlanes + outPlanes)
  const weightBytes = 64 * 36 * inPlanes * outPlanes
  const inputBytes = 16 * pixelsOf(shape) * inPlanes
  const outputBytes = 16 * pixelsOf(shape) * shape.outPlanes * shape.phases
  const products = Math.max(flops, FLOPS_PER_BYTE * (tensorBytes + weightBytes))
  const transforms = FLOPS_PER_BYTE * (tensorBytes + inputBytes + outputBytes)
  return products + transforms < (1 - WINOGRAD_SAVING) * gemmFlops(shape, variant)
}

/** Workgroups that keep a GPU of some size busy, and the rounds that a part of a sum should at least have. */
const BUSY_WORKGROUPS = 128
const MINIMUM_ROUNDS = 8

/** Rounds that a split must save: adding up the parts is a dispatch of its own, in whose time a workgroup does some 20. */
const ROUNDS_TO_SAVE = 32

function tilesOf(shape: ConvShape, variant: GemmVariant) {
  const { threads, pixels, planes, steps } = variant
  return {
    workgroups:
      Math.ceil(pixelsOf(shape) / (threads[0] * pixels)) *
      Math.ceil(shape.outPlanes / (threads[1] * planes)) *
      shape.phases,
    rounds: Math.ceil(gemmSteps(shape, variant) / steps),
  }
}

/** Splits the sum of a layer whose tiles are too few to fill a GPU. */
function splitSum(shape: ConvShape, variant: GemmVariant): GemmVariant {
  const { workgroups, rounds } = tilesOf(shape, variant)
  const wanted = Math.min(Math.floor(BUSY_WORKGROUPS / workgroups), Math.floor(rounds / MINIMUM_ROUNDS))
  const saves = wanted > 1 && rounds - rounds / wanted >= ROUNDS_TO_SAVE
  return { ...variant, splits: saves ? wanted : 1 }
}

/** Other numbers of parts: GPUs differ in size and in what a second dispatch costs. */
function splitCounts(shape: ConvShape, variant: GemmVariant): number[] {
  const { workgroups, rounds } = tilesOf(shape, variant)
  const own = splitSum(shape, variant).splits
  return [2, 4, 8, 16, 32].filter(
    (splits) =>
      splits !== own && splits * workgroups <= 4 * BUSY_WORKGROUPS && rounds >= (splits * MINIMUM_ROUNDS) / 2,
  )
}

/** Largest map whose outputs of one plane lanes compute together: on larger ones there are pixels enough for all lanes. */
const NARROW_PIXELS = 4096

/** Pixels that leave half and more of the smallest tile of a matrix product empty; up to those of two, lanes are worth timing. */
const FEW_PIXELS = 8
const SOME_PIXELS = 32

function fillsFew(shape: ConvShape, few = FEW_PIXELS): boolean {
  return pixelsOf(shape) <= (shape.outPlanes === 1 ? NARROW_PIXELS : few)
}

/** FLOPs of all lanes, those without a step of the sum or a pixel included. */
function lanesFlops(shape: ConvShape, { pixels, workgroup }: LanesVariant): number {
  const steps = shape.taps[0] * shape.taps[1] * shape.inPlanes
  const outputs = Math.ceil(pixelsOf(shape) / pixels) * pixels * shape.outPlanes * shape.phases
  return 32 * outputs * Math.ceil(steps / workgroup) * workgroup
}

function definedFlops(shape: ConvShape): number {
  const { taps, inPlanes, outPlanes, phases } = shape
  return 32 * pixelsOf(shape) * taps[0] * taps[1] * inPlanes * outPlanes * phases
}

/** Workgroups that are enough for a GPU; with fewer, pixels are better spread than put into one workgroup. */
const ENOUGH_WORKGROUPS = 64

/** The most pixels a workgroup, which share its weights, that leave workgroups enough and few places empty. */
export function bestLanes(shape: ConvShape): LanesVariant {
  const fitting = LANES.filter(
    ({ pixels }) =>
      Math.ceil(pixelsOf(shape) / pixels) * shape.outPlanes * shape.phases >= ENOUGH_WORKGROUPS &&
      Math.ceil(pixelsOf(shape) / pixels) * pixels <= 1.15 * pixelsOf(shape),
  )
  return fitting.at(-1) ?? LANES[0]
}

export function selectHardware(shape: ConvShape, caps: AdapterCaps): ConvVariant {
  // A single output plane uses each input once: nothing to share through workgroup memory. On small maps the sums are
  // long and the lanes few.
  if (shape.outPlanes === 1 && pixelsOf(shape) > NARROW_PIXELS) return matrix(4, 1)
  if (fillsFew(shape)) return bestLanes(shape)
  // Square tiles load least from memory: (1 / pixels + 1 / channels) of operands per multiply-add, worth a tenth here. So
  // do square shares of a tile from workgroup memory: 0.25 operands per multiply-add with 64 accumulators, 0.375 with 32.
  // Parts of a sum are written and read again, mostly in caches. Workgroups below those that keep a GPU busy count by the
  // square root, between a small GPU that they fill and a large one that they do not.
  const cost = (variant: GemmVariant) => {
    const { pixels, planes, splits } = variant
    const tile = [variant.threads[0] * pixels, variant.threads[1] * planes] as const
    const shared = (pixels + 4 * planes) / (4 * pixels * planes)
    const parts = splits === 1 ? 0 : 32 * pixelsOf(shape) * shape.outPlanes * shape.phases * splits
    const idle = Math.max(1, BUSY_WORKGROUPS / (tilesOf(shape, variant).workgroups * splits))
    return (
      gemmFlops(shape, variant) * (1 + 3 / tile[0] + 3 / (4 * tile[1])) * (1 + shared) * Math.sqrt(idle) +
      parts * FLOPS_PER_CACHED_BYTE
    )
  }
  const tiles = tilesFor(shape, gemmTiles(caps)).map((tile) => splitSum(shape, tile))
  const best = tiles.reduce((a, b) => (cost(b) < cost(a) ? b : a))
  const product = winogradTile(caps)
  return favoursWinograd(shape, product, best) ? product : best
}
