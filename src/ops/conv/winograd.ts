import { type KernelCall, tensorOf, view } from '../../graph/op.js'
import { planesOf, type RawType } from '../../graph/tensor.js'
import { packedVectors } from './packing.js'
import { hasManyRegisters } from './registers.js'
import { type ConvProblem, type ConvTask, loadingParams, residualBinding } from './task.js'
import type { WindowSplit, WinogradShape, WinogradVariant } from './variants.js'
import { POSITIONS, packedTransforms } from './winograd-weights.js'

/** Invocations of the transform kernels: few lanes without work on CPUs, whole waves on GPUs. */
const TRANSFORM_WORKGROUP = { software: 16, hardware: 64 } as const

/**
 * Bound on transformed inputs and products; a layer that needs more is computed in portions. Small enough to stay in a
 * CPU's caches between the steps; on GPUs each portion costs three dispatches.
 */
const SCRATCH_BYTES = { software: 3 * 2 ** 20, hardware: 48 * 2 ** 20 } as const

type Pair = readonly [number, number]

/** How a problem splits into small windows; undefined where it does not. */
function splitWindow(problem: ConvProblem): WindowSplit | undefined {
  const { inStride, outStride, lead, shift } = problem
  const [stride] = inStride
  if (inStride[1] !== stride || outStride[0] !== outStride[1]) return undefined
  const firstTap = (axis: 0 | 1, phase: number) =>
    Math.floor((phase + lead[axis]) / outStride[axis]) - shift[axis]
  const origin = [firstTap(0, 0), firstTap(1, 0)] as const
  const delays: Pair[] = []
  for (let y = 0; y < outStride[0]; y++) {
    for (let x = 0; x < outStride[1]; x++) {
      delays.push([firstTap(0, y) - origin[0], firstTap(1, x) - origin[1]])
    }
  }
  const last = delays.at(-1) ?? [0, 0]
  const needed = Math.max(
    Math.ceil((last[0] + problem.weights.taps[0]) / stride),
    Math.ceil((last[1] + problem.weights.taps[1]) / stride),
  )
  return needed > 4 ? undefined : { taps: needed > 3 ? 4 : 3, stride, origin, delays }
}

/** What kernel selection needs of a split; undefined where the problem has none. */
export function winogradShape(
  problem: ConvProblem,
  inPlanes: number,
  outPlanes: number,
): WinogradShape | undefined {
  const split = splitWindow(problem)
  if (split === undefined) return undefined
  return {
    tile: tileOf(split),
    inPlanes: inPlanes * split.stride ** 2,
    outPlanes: outPlanes * split.delays.length,
  }
}

function tileOf(split: WindowSplit): 3 | 4 {
  return split.taps === 3 ? 4 : 3
}

/** Kernel calls of kernels/winograd_*.wgsl: the three steps for each portion of tiles. */
export function winogradCalls(task: ConvTask, variant: WinogradVariant): KernelCall[] {
  const { problem, shape, weights, input, context } = task
  const split = splitWindow(problem)
  if (split === undefined) throw new RangeError(`${context.node} does not fit Winograd tiles`)
  const inPlanes = planesOf(tensorOf(input)) * split.stride ** 2
  const outPlanes = shape.outPlanes * shape.phases
  const tile = tileOf(split)
  const tilesX = Math.ceil(shape.gridWidth / tile)
  const tilesY = Math.ceil(shape.gridHeight / tile)
  const allTiles = shape.batches * tilesX * tilesY
  const kind = variant.shared === undefined ? 'software' : 'hardware'
  const PARTS = kind === 'software' || hasManyRegisters(context.caps) ? 1 : 2
  const bytesPerTile = (inPlanes + outPlanes) * POSITIONS * 16
  const portion = portionOf(allTiles, bytesPerTile, variant, SCRATCH_BYTES[kind])
  const transformGroup = TRANSFORM_WORKGROUP[kind]
  const groupPlanes = groupPlanesOf(variant)
  const groups = Math.ceil(outPlanes / groupPlanes)
  const transformed = context.scratch(matrices(inPlanes, portion))
  const products = context.scratch(matrices(outPlanes, portion))
  const transforms = packedTransforms(weights, split, groupPlanes)
  const vectors = packedVectors(
    problem.bias,
    context.epilogue.activation,
    weights.outChannels,
    shape.outPlanes,
  )
  const { F16, LOADED_F16, ...epilogueParams } = loadingParams(context)
  const calls: KernelCall[] = []
  for (let firstTile = 0; firstTile < allTiles; firstTile += portion) {
    const tiles = Math.min(portion, allTiles - firstTile)
    const placement = { tilesX, tilesY, firstTile, tiles, tile }
    calls.push(
      {
        kernel: 'winograd_input.wgsl',
        variant: variant.name,
        params: { F16: LOADED_F16, PARTS, WG: transformGroup },
        uniforms: {
          x: view(input),
          ...placement,
          stride: split.stride,
          originX: split.origin[1],
          originY: split.origin[0],
        },
        bindings: { x: input, transformed },
        workgroups: [Math.ceil(tiles / transformGroup), inPlanes, PARTS],
      },
      {
        ...productKernel(variant),
        variant: variant.name,
        uniforms: { tiles, inPlanes, outPlanes, groups },
        bindings: { inputs: transformed, weights: transforms, products },
        workgroups: [Math.ceil(tiles / (variant.tiles * variant.workgroup)), groups, POSITIONS],
      },
      {
        kernel: 'winograd_output.wgsl',
        variant: variant.name,
        params: { F16, ...epilogueParams, PARTS, WG: transformGroup },
        uniforms: {
          y: view(context.output),
          ...(context.residual === undefined ? {} : { residual: view(context.residual) }),
          ...placement,
          planes: outPlanes,
          outStride: problem.outStride[0],
        },
        bindings: { products, vectors, y: context.output, ...residualBinding(context) },
        workgroups: [Math.ceil(tiles / transformGroup), outPlanes, PARTS],
      },
    )
  }
  return calls
}

/** Output planes whose weights lie together: those of a workgroup, or of one invocation where they are not shared. */
function groupPlanesOf({ planes, shared }: WinogradVariant): number {
  return planes * (shared?.threads[1] ?? 1)
}

function productKernel(variant: WinogradVariant): Pick<KernelCall, 'kernel' | 'params'> {
  const { shared, tiles, planes } = variant
  if (shared === undefined) {
    return {
      kernel: 'winograd_multiply.wgsl',
      params: { SUBGROUP: variant.subgroup, PX: tiles, COP: planes, WG: variant.workgroup },
    }
  }
  return {
    kernel: 'winograd_gemm.wgsl',
    params: { TX: shared.threads[0], TY: shared.threads[1], PX: tiles, CP: planes, KP: shared.steps },
  }
}

/** Tiles that go through the three steps together: whole workgroups of products within the scratch budget. */
function portionOf(
  tiles: number,
  bytesPerTile: number,
  variant: WinogradVariant,
  scratchBytes: number,
): number {
  const workgroup = variant.tiles * variant.workgroup
  const fitting = Math.floor(scratchBytes / (bytesPerTile * workgroup)) * workgroup
  return Math.min(tiles, Math.max(workgroup, fitting))
}

/** 36 matrices of planes x tiles, always f32: transformed values outgrow the inputs' range. */
function matrices(planes: number, tiles: number): RawType {
  return {
    kind: 'raw',
    bytes: POSITIONS * planes * tiles * 16,
    contents: `f32[${POSITIONS},${planes},${tiles},4]`,
  }
}
