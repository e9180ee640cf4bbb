import type { Peaks } from './peaks.js'
import { quantile } from './statistics.js'
import type { StepCost } from './steps.js'

/**
 * Costs that hold from machine to machine: time as the multiply-adds that the adapter could have done in it, by the peak
 * of the same run, in MFLOP. Lower is better. Of the whole pair, of each op, and of each kernel (`KERNEL` before its
 * name): a kernel that doubles need not double its op.
 */
export type GateMetrics = Readonly<Record<string, number>>

/** What a step costs; on software adapters by processor time. */
export interface GateCost {
  readonly op: string
  readonly kernel: string
  readonly wallMs: number
  readonly cpuMs: number
  readonly gpuMs: number | undefined
}

/** Ops and kernels below this share of the pair's cost are too small to time in a gate. */
const SMALLEST_SHARE = 0.01

export const WHOLE = 'registered pair'
export const KERNEL = 'kernel '

export function gateCosts(costs: readonly StepCost[]): GateCost[] {
  return costs.map(({ step, wallMs, cpuMs, gpuMs }) => {
    return { op: step.op, kernel: step.kernel.replace(/\.wgsl$/, ''), wallMs, cpuMs, gpuMs }
  })
}

/** The better of two measurements of the same steps: load makes steps slower, never faster. */
export function bestCosts(one: readonly GateCost[], other: readonly GateCost[]): GateCost[] {
  const least = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
  return one.map((cost, index) => {
    const again = other[index] ?? cost
    return {
      ...cost,
      wallMs: Math.min(cost.wallMs, again.wallMs),
      cpuMs: Math.min(cost.cpuMs, again.cpuMs),
      gpuMs: least(cost.gpuMs, again.gpuMs),
    }
  })
}

export function gateMetrics(costs: readonly GateCost[], peaks: Peaks, software: boolean): GateMetrics {
  const rate = software ? peaks.gflopsPerCpuSecond : peaks.gflops
  const parts = new Map<string, number>()
  let whole = 0
  for (const { op, kernel, cpuMs, gpuMs, wallMs } of costs) {
    const cost = (software ? cpuMs : (gpuMs ?? wallMs)) * rate
    for (const name of [op, `${KERNEL}${kernel}`]) parts.set(name, (parts.get(name) ?? 0) + cost)
    whole += cost
  }
  const large = [...parts].filter(([, cost]) => cost >= SMALLEST_SHARE * whole).sort((a, b) => b[1] - a[1])
  return { [WHOLE]: whole, ...Object.fromEntries(large) }
}

export interface GateResult {
  readonly metric: string
  readonly cost: number
  readonly baseline: number
  /** cost / baseline */
  readonly ratio: number
  readonly limit: number
  readonly passed: boolean
}

export interface GateLimits {
  /** Largest cost over baseline of the whole pair, and of one op or kernel. */
  readonly whole: number
  readonly part: number
}

/** Parts scatter more than their sum. All limits are well below 2: a loss of 2x is to be seen through scatter that favours it. */
export const FULL_LIMITS: GateLimits = { whole: 1.25, part: 1.4 }
export const QUICK_LIMITS: GateLimits = { whole: 1.4, part: 1.6 }

/**
 * Ops and kernels that only one side has are left to the whole.
 * @param sameProcessor false where the baseline is another processor's: kernels that wait for memory then stand otherwise
 * to its peak. What most parts are off by is taken for the machine's, and parts are held against that.
 */
export function compareToBaseline(
  metrics: GateMetrics,
  baseline: GateMetrics,
  limits: GateLimits,
  sameProcessor = true,
): GateResult[] {
  const known = Object.entries(metrics).flatMap(([metric, cost]) => {
    const before = baseline[metric]
    return before === undefined ? [] : [{ metric, cost, baseline: before, ratio: cost / before }]
  })
  const typical = quantile(
    known.map(({ ratio }) => ratio),
    0.5,
  )
  const machine = sameProcessor ? 1 : Math.max(1, typical)
  return known.map((result) => {
    const limit = (result.metric === WHOLE ? limits.whole : limits.part) * machine
    return { ...result, limit, passed: result.ratio <= limit }
  })
}
