import type { Gpu } from './gpus.js'

/** What the model knows of one dispatch. */
export interface Work {
  /** Multiply-adds and other operations that the kernel executes, not those of the definition (Winograd has fewer). */
  readonly flops: number
  /** Tensors read and written. */
  readonly bytes: number
  readonly weightBytes: number
  readonly workgroups: number
  readonly invocations: number
  /** Of the kernel's hot loop; absent for kernels that compute next to nothing. */
  readonly loop: LoopCost | undefined
}

/** Cost of one turn of a loop to one wave. */
export interface LoopCost {
  readonly multiplyAdds: number
  readonly vectorInstructions: number
  /** Bytes that a lane gets from workgroup memory, and from buffers through the first cache. */
  readonly ldsBytes: number
  readonly vmemBytes: number
}

export type Bound =
  | 'arithmetic'
  | 'instructions'
  | 'workgroup memory'
  | 'first cache'
  | 'idle lanes'
  | 'too few waves'
  | 'memory'
  | 'dispatch'

export interface Modelled {
  readonly ms: number
  readonly computeMs: number
  readonly memoryMs: number
  readonly dispatchMs: number
  /** Of the peak multiply-add rate that the kernel can reach once it runs on all lanes. */
  readonly efficiency: number
  readonly bound: Bound
}

/**
 * Bytes a clock that 32 lanes get from workgroup memory, and from the first cache: 128 for a compute unit of two such
 * groups of lanes (RDNA white paper), where a GPU does not say otherwise.
 */
const LOCAL_BYTES_PER_CLOCK = 64
const GROUP = 32
/** Kernels without a loop of multiply-adds: an eighth of the instructions are arithmetic of the definition. */
const OTHER_EFFICIENCY = 0.125

/**
 * Share of the peak rate by the mix of the hot loop: other vector instructions take the multiply-adds' issue slots;
 * local memory and loads run beside them and bound the loop where they take longer.
 */
export function loopEfficiency(
  loop: LoopCost | undefined,
  localBytes = LOCAL_BYTES_PER_CLOCK,
): {
  readonly efficiency: number
  readonly bound: Bound
} {
  if (loop === undefined || loop.multiplyAdds === 0)
    return { efficiency: OTHER_EFFICIENCY, bound: 'instructions' }
  const clocks = {
    instructions: loop.vectorInstructions,
    'workgroup memory': (loop.ldsBytes * GROUP) / localBytes,
    'first cache': (loop.vmemBytes * GROUP) / localBytes,
  }
  const [bound, most] = Object.entries(clocks).reduce((a, b) => (b[1] > a[1] ? b : a)) as [Bound, number]
  const efficiency = loop.multiplyAdds / most
  return { efficiency, bound: bound === 'instructions' && efficiency > 0.7 ? 'arithmetic' : bound }
}

/**
 * Roofline of one dispatch: the longer of arithmetic and memory, and the cost of the dispatch. Lanes that a workgroup
 * leaves idle in its waves and rounds of waves that do not fill the GPU lengthen the arithmetic. Caches beyond the
 * first are left out: every tensor comes from memory once.
 */
export function model(work: Work, gpu: Gpu, dispatchUs: number): Modelled {
  const { efficiency, bound } = loopEfficiency(work.loop, gpu.localBytes)
  const wavesPerGroup = Math.ceil(work.invocations / gpu.wave)
  const laneUse = work.invocations / (wavesPerGroup * gpu.wave)
  const waves = work.workgroups * wavesPerGroup
  const slots = Math.max(1, gpu.lanes / gpu.wave)
  const fill = waves / (Math.ceil(waves / slots) * slots)
  const computeMs = work.flops / (gpu.tflops * 1e9 * efficiency * laneUse * fill)
  const memoryMs = (work.bytes + work.weightBytes) / (gpu.gbytes * 1e6)
  const dispatchMs = dispatchUs / 1000
  return {
    ms: Math.max(computeMs, memoryMs) + dispatchMs,
    computeMs,
    memoryMs,
    dispatchMs,
    efficiency: efficiency * laneUse,
    bound: boundOf({ computeMs, memoryMs, dispatchMs }, laneUse, fill, bound),
  }
}

function boundOf(
  { computeMs, memoryMs, dispatchMs }: Pick<Modelled, 'computeMs' | 'memoryMs' | 'dispatchMs'>,
  laneUse: number,
  fill: number,
  loop: Bound,
): Bound {
  const longest = Math.max(computeMs, memoryMs, dispatchMs)
  if (longest === dispatchMs) return 'dispatch'
  if (longest === memoryMs) return 'memory'
  if (laneUse < 0.75 && laneUse <= fill) return 'idle lanes'
  return fill < 0.5 ? 'too few waves' : loop
}

/** The same dispatch for several pairs at once: weights are read once. */
export function batched(work: Work, pairs: number): Work {
  return {
    ...work,
    flops: work.flops * pairs,
    bytes: work.bytes * pairs,
    workgroups: work.workgroups * pairs,
  }
}

/**
 * Smallest x in [low, high] at which `cost(x) <= limit`, for a cost that falls; undefined if even `high` is too dear.
 */
export function smallestWithin(
  cost: (x: number) => number,
  limit: number,
  low: number,
  high: number,
): number | undefined {
  if (cost(high) > limit) return undefined
  let [below, above] = [low, high]
  for (let i = 0; i < 40; i++) {
    const middle = Math.sqrt(below * above)
    if (cost(middle) <= limit) above = middle
    else below = middle
  }
  return above
}
