import type { Graph } from '../../src/graph/graph.js'
import { planGraph, type Step } from '../../src/graph/plan.js'
import type { WeightSource } from '../../src/ops/op.js'
import type { CompiledPipeline, FamilyResult } from '../gpu-compile/compile.js'
import { nodeOf } from '../lib/networks.js'
import type { LoopCost, Work } from './model.js'

/** A dispatch of a plan as the model takes it, with the layer it belongs to. */
export interface StepWork extends Work {
  readonly layer: string
  readonly op: string
  readonly kernel: string
  readonly variant: string
  /** Of the definition, as reports count them. */
  readonly definedFlops: number
}

/** For sizes of packed weights: packing depends on shapes alone. */
const ZEROS: WeightSource = {
  tensor: (_name, shape) => new Float32Array(shape.reduce((product, size) => product * size, 1)),
}

/** Bytes of packed weights; the same at every resolution, and packing takes seconds at full width. */
const packedBytes = new Map<string, number>()

/**
 * Plans a graph for a family's hardware schedule and joins it with what the family's compiler made of its kernels.
 * @param network names what the weights depend on
 */
export function planWork(
  graph: Graph,
  network: string,
  family: FamilyResult,
  storage: 'f32' | 'f16',
): StepWork[] {
  const spec = planGraph(graph, family.caps, { schedule: 'hardware', storage })
  const bytesOf = (key: string): number => {
    const id = `${network} ${storage} ${key}`
    const bytes = packedBytes.get(id) ?? spec.packed.get(key)?.(ZEROS).byteLength ?? 0
    packedBytes.set(id, bytes)
    return bytes
  }
  const find = pipelineFinder(family.pipelines)
  return spec.steps.map((step): StepWork => {
    const pipeline = find(step)
    const packed = Object.values(step.bindings).flatMap((at) => (at.kind === 'packed' ? [at.key] : []))
    return {
      layer: nodeOf(step.name),
      op: step.op,
      kernel: step.kernel,
      variant: step.variant,
      definedFlops: step.flops,
      flops: executedFlops(step),
      bytes: step.bytes,
      weightBytes: packed.reduce((sum, key) => sum + bytesOf(key), 0),
      workgroups: step.workgroups[0] * step.workgroups[1] * step.workgroups[2],
      invocations: pipeline?.workgroupSize.reduce((product, size) => product * size, 1) ?? 64,
      loop: loopCost(pipeline),
    }
  })
}

/** By kernel and parameters; f16 variants of kernels compiled for f32 stand on the f32 code. */
function pipelineFinder(
  pipelines: readonly CompiledPipeline[],
): (step: Step) => CompiledPipeline | undefined {
  const key = (kernel: string, variant: string): string => `${kernel} ${variant}`
  const byVariant = new Map(pipelines.map((p) => [key(p.kernel, p.variant), p]))
  const byKernel = new Map(pipelines.map((p) => [p.kernel, p]))
  return (step) => byVariant.get(key(step.kernel, step.variant)) ?? byKernel.get(step.kernel)
}

function loopCost(pipeline: CompiledPipeline | undefined): LoopCost | undefined {
  const mix = pipeline?.loop?.mix
  if (mix === undefined) return undefined
  return {
    multiplyAdds: mix.multiplyAdds,
    vectorInstructions: mix.byClass.valu,
    ldsBytes: mix.ldsBytesPerLane,
    vmemBytes: mix.vmemBytesPerLane,
  }
}

/**
 * What a dispatch really computes: convolution tiles include rows past the edge and channels past the last, and
 * Winograd multiplies less than the definition says. Other kernels: the definition.
 */
function executedFlops(step: Step): number {
  const { PX: pixels, COP: planes } = step.params
  if (typeof pixels !== 'number' || typeof planes !== 'number') return step.flops
  const invocations = step.workgroups.reduce((product, size) => product * size, 1) * workgroupOf(step)
  const { tapsX, tapsY, inPlanes, x } = step.uniforms
  const taps = typeof tapsX === 'number' && typeof tapsY === 'number' ? tapsX * tapsY : 1
  const reduced = typeof inPlanes === 'number' ? inPlanes : isView(x) ? (x.planes ?? 0) : 0
  return 2 * invocations * pixels * planes * 4 * taps * reduced * 4
}

function workgroupOf({ params }: Step): number {
  const size = (name: string): number => (typeof params[name] === 'number' ? params[name] : 1)
  return size('WG') * size('WGX') * size('WGY')
}

function isView(value: unknown): value is Readonly<Record<string, number>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
