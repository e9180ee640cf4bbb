import type { LayerCost } from './layers.js'
import type { Peaks } from './peaks.js'

/**
 * Costs that hold from machine to machine: time as the multiply-adds that the adapter could have done in it, by the peak
 * of the same run, in MFLOP. Lower is better.
 */
export type GateMetrics = Readonly<Record<string, number>>

/** Ops below this share of the pair's cost are too small to time in a gate. */
const SMALLEST_SHARE = 0.01

export const WHOLE = 'registered pair'

export function gateMetrics(layers: readonly LayerCost[], peaks: Peaks, software: boolean): GateMetrics {
  const rate = software ? peaks.gflopsPerCpuSecond : peaks.gflops
  const byOp = new Map<string, number>()
  let whole = 0
  for (const layer of layers) {
    const ms = software ? layer.cpuMs : (layer.gpuMs ?? layer.wallMs)
    byOp.set(layer.op, (byOp.get(layer.op) ?? 0) + ms * rate)
    whole += ms * rate
  }
  const large = [...byOp].filter(([, cost]) => cost >= SMALLEST_SHARE * whole).sort((a, b) => b[1] - a[1])
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
  /** Largest cost over baseline of the whole pair, and of one op. */
  readonly whole: number
  readonly op: number
}

/** Single ops scatter more than their sum. Both limits are below 2. */
export const FULL_LIMITS: GateLimits = { whole: 1.25, op: 1.4 }
export const QUICK_LIMITS: GateLimits = { whole: 1.6, op: 1.9 }

/** Ops that only one side has are left to the whole. */
export function compareToBaseline(
  metrics: GateMetrics,
  baseline: GateMetrics,
  limits: GateLimits,
): GateResult[] {
  return Object.entries(metrics).flatMap(([metric, cost]) => {
    const known = baseline[metric]
    if (known === undefined) return []
    const limit = metric === WHOLE ? limits.whole : limits.op
    const ratio = cost / known
    return [{ metric, cost, baseline: known, ratio, limit, passed: ratio <= limit }]
  })
}
