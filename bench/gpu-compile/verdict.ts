import type { CompiledPipeline, FamilyResult } from './compile.js'
import { FAMILIES, isConvolution, statedWaves } from './families.js'
import type { InstructionMix } from './isa.js'

/** What the kernels are held to. */
export const TARGETS = {
  /** Multiply-adds among the vector instructions of the hottest loop... */
  multiplyAddShare: 0.7,
  waves: 4,
  /** ...of the convolution kernels that carry this share of the FLOPs. */
  flopShare: 0.9,
}

/** Share of a plan's FLOPs from which on a kernel must use all lanes of its waves. */
const HEAVY = 0.05

export function multiplyAddShare(mix: InstructionMix): number {
  return mix.byClass.valu === 0 ? 0 : mix.multiplyAdds / mix.byClass.valu
}

/** Of a pipeline's hottest loop; 0 where it has none. */
export function multiplyAddShareOf({ loop }: CompiledPipeline): number {
  return loop === undefined ? 0 : multiplyAddShare(loop.mix)
}

/** FLOPs of a pipeline in the plan of width `a`. */
export function flopsIn(pipeline: CompiledPipeline, a: number): number {
  return pipeline.uses.filter((use) => use.a === a).reduce((sum, { flops }) => sum + flops, 0)
}

/** Pipelines of a family that carry `share` of a plan's FLOPs, the heaviest first. */
export function carriers(result: FamilyResult, a: number, share: number): CompiledPipeline[] {
  const sorted = [...result.pipelines].sort((p, q) => flopsIn(q, a) - flopsIn(p, a))
  const total = sorted.reduce((sum, pipeline) => sum + flopsIn(pipeline, a), 0)
  const taken: CompiledPipeline[] = []
  let carried = 0
  for (const pipeline of sorted) {
    if (carried >= share * total) break
    taken.push(pipeline)
    carried += flopsIn(pipeline, a)
  }
  return taken
}

/**
 * The convolutions among them. Matching of patches samples images: its FLOPs are interpolations, which are no multiply-adds of a
 * product.
 */
export function carryingConvolutions(result: FamilyResult, a: number): CompiledPipeline[] {
  return carriers(result, a, TARGETS.flopShare).filter(({ kernel }) => isConvolution(kernel))
}

/** Widths of DFFNet that a family's plans have, ascending. */
export function widthsOf({ pipelines }: FamilyResult): number[] {
  const widths = new Set(pipelines.flatMap(({ uses }) => uses.map(({ a }) => a)))
  return [...widths].sort((p, q) => p - q)
}

/**
 * Of the convolutions that carry a plan's FLOPs, those with too few multiply-adds in their loop.
 * Undefined where the driver gave no assembly to count in.
 */
export function diluted(result: FamilyResult, a: number): CompiledPipeline[] | undefined {
  const taken = carryingConvolutions(result, a)
  if (taken.some(({ whole }) => whole === undefined)) return undefined
  return taken.filter((pipeline) => multiplyAddShareOf(pipeline) < TARGETS.multiplyAddShare)
}

export interface Fault {
  readonly family: string
  readonly pipeline: string
  readonly what: string
}

/**
 * Spills anywhere, idle lanes in heavy kernels; where occupancy is demanded, also one below what the kernel states, and
 * too few multiply-adds in what carries the FLOPs.
 */
export function faults(result: FamilyResult): Fault[] {
  const demanded = FAMILIES.find(({ name }) => name === result.family)?.demanded ?? false
  const widths = widthsOf(result)
  const weak = new Set(demanded ? widths.flatMap((a) => diluted(result, a) ?? []) : [])
  const totals = widths.map((a) => result.pipelines.reduce((sum, pipeline) => sum + flopsIn(pipeline, a), 0))
  return result.pipelines.flatMap((pipeline) => {
    const { id, kernel, statistics, laneUse } = pipeline
    const found: string[] = []
    const { spilledVgprs, spilledSgprs, scratchBytes, wavesPerSimd } = statistics
    if (spilledVgprs > 0 || scratchBytes > 0) {
      found.push(`${spilledVgprs} vector registers spilled (${scratchBytes} B)`)
    }
    if (spilledSgprs > 0) found.push(`${spilledSgprs} scalar registers spilled`)
    const wanted = statedWaves(kernel)
    if (demanded && wavesPerSimd < wanted) found.push(`${wavesPerSimd} waves a SIMD, states ${wanted}`)
    if (weak.has(pipeline)) {
      const percent = (multiplyAddShareOf(pipeline) * 100).toFixed(1)
      found.push(`${percent} % multiply-adds in a loop that carries FLOPs`)
    }
    const share = Math.max(...widths.map((a, i) => flopsIn(pipeline, a) / (totals[i] as number)))
    if (laneUse < 1 && share >= HEAVY) {
      found.push(
        `fills ${(laneUse * 100).toFixed(0)} % of its waves' lanes with ${(share * 100).toFixed(0)} % of the FLOPs`,
      )
    }
    return found.map((what) => ({ family: result.family, pipeline: id, what }))
  })
}
