import { nodeOf } from './networks.js'
import type { Peaks } from './peaks.js'
import type { StepCost } from './steps.js'

/** A node of the graph with the steps it became. */
export interface LayerCost {
  readonly name: string
  readonly op: string
  /** Distinct kernels in the order they run. */
  readonly kernel: string
  readonly variant: string
  readonly steps: number
  readonly shapes: string
  readonly flops: number
  /** Tensors read and written, over all steps. */
  readonly bytes: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly gpuMs: number | undefined
}

/** Time of all steps of a kernel. */
export interface KernelCost {
  readonly kernel: string
  readonly steps: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly gpuMs: number | undefined
}

/** Sums the steps of each kernel, the dearest by processor time first. */
export function kernelsOf(costs: readonly StepCost[]): KernelCost[] {
  const kernels = new Map<string, KernelCost>()
  for (const { step, wallMs, cpuMs, gpuMs } of costs) {
    const kernel = step.kernel.replace(/\.wgsl$/, '')
    const known = kernels.get(kernel)
    kernels.set(kernel, {
      kernel,
      steps: (known?.steps ?? 0) + 1,
      wallMs: (known?.wallMs ?? 0) + wallMs,
      cpuMs: (known?.cpuMs ?? 0) + cpuMs,
      gpuMs: known === undefined ? gpuMs : add(known.gpuMs, gpuMs),
    })
  }
  return [...kernels.values()].sort((a, b) => b.cpuMs - a.cpuMs)
}

/** Sums the steps of each node, in the order of the plan. */
export function layersOf(costs: readonly StepCost[]): LayerCost[] {
  const layers = new Map<string, LayerCost>()
  for (const { step, wallMs, cpuMs, gpuMs } of costs) {
    const name = nodeOf(step.name)
    const known = layers.get(name)
    const kernel = step.kernel.replace(/\.wgsl$/, '')
    layers.set(name, {
      name,
      op: step.op,
      kernel: joined(known?.kernel, kernel),
      variant: joined(known?.variant, step.variant),
      steps: (known?.steps ?? 0) + 1,
      shapes: step.shapes,
      flops: (known?.flops ?? 0) + step.flops,
      bytes: (known?.bytes ?? 0) + step.bytes,
      wallMs: (known?.wallMs ?? 0) + wallMs,
      cpuMs: (known?.cpuMs ?? 0) + cpuMs,
      gpuMs: known === undefined ? gpuMs : add(known.gpuMs, gpuMs),
    })
  }
  return [...layers.values()]
}

function joined(known: string | undefined, next: string): string {
  const parts = known?.split(' + ') ?? []
  return parts.includes(next) ? parts.join(' + ') : [...parts, next].join(' + ')
}

function add(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b
}

export interface Rates {
  /** On software adapters per second of processor time, else per second of the GPU's clock. */
  readonly gflops: number
  readonly gbytes: number
  /** Of the measured multiply-add rate and copy bandwidth, in 0..1. */
  readonly ofFma: number
  readonly ofCopy: number
}

/** Rates of a cost against the peaks of the same run, like with like: processor time or the GPU's clock. */
export function ratesOf(
  cost: { readonly flops: number; readonly bytes: number } & Pick<LayerCost, 'wallMs' | 'cpuMs' | 'gpuMs'>,
  peaks: Peaks,
  software: boolean,
): Rates {
  const ms = software ? cost.cpuMs : (cost.gpuMs ?? cost.wallMs)
  const gflops = cost.flops / ms / 1e6
  const gbytes = cost.bytes / ms / 1e6
  return {
    gflops,
    gbytes,
    ofFma: gflops / (software ? peaks.gflopsPerCpuSecond : peaks.gflops),
    ofCopy: gbytes / (software ? peaks.gbytesPerCpuSecond : peaks.gbytes),
  }
}

export const CONVOLUTIONS: ReadonlySet<string> = new Set(['conv2d', 'transposedConv2d'])

/**
 * Share of the multiply-add peak over all convolutions and transposed convolutions, weighted by their FLOPs: the
 * total of their FLOPs over the total of their time, so a layer counts by what it costs.
 */
export function convolutionShare(layers: readonly LayerCost[], peaks: Peaks, software: boolean): Rates {
  const convolutions = layers.filter(({ op }) => CONVOLUTIONS.has(op))
  const sum = (of: (layer: LayerCost) => number): number =>
    convolutions.reduce((total, layer) => total + of(layer), 0)
  const hasGpu = convolutions.every(({ gpuMs }) => gpuMs !== undefined)
  return ratesOf(
    {
      flops: sum(({ flops }) => flops),
      bytes: sum(({ bytes }) => bytes),
      wallMs: sum(({ wallMs }) => wallMs),
      cpuMs: sum(({ cpuMs }) => cpuMs),
      gpuMs: hasGpu ? sum(({ gpuMs }) => gpuMs ?? 0) : undefined,
    },
    peaks,
    software,
  )
}
