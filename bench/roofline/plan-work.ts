import { kernelId } from '../../src/gpu/kernel-cache.js'
import type { Graph } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { type PlanOptions, planGraph, type Step } from '../../src/graph/plan.js'
import type { CompiledPipeline, FamilyResult } from '../gpu-compile/compile.js'
import { definedFlops, productFlops } from '../lib/executed.js'
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
 * @param options forced kernels; `node`: its steps only
 */
export function planWork(
  graph: Graph,
  network: string,
  family: FamilyResult,
  storage: 'f32' | 'f16',
  options: Pick<PlanOptions, 'choices' | 'variants'> & { readonly node?: string } = {},
): StepWork[] {
  const { node, ...forced } = options
  const spec = planGraph(graph, family.caps, { schedule: 'hardware', storage, ...forced })
  const bytesOf = (key: string): number => {
    const id = `${network} ${storage} ${key}`
    const bytes = packedBytes.get(id) ?? spec.packed.get(key)?.(ZEROS).byteLength ?? 0
    packedBytes.set(id, bytes)
    return bytes
  }
  const find = pipelineFinder(family.pipelines)
  const defined = definedFlops(spec.steps)
  return spec.steps.flatMap((step, index): StepWork[] => {
    if (node !== undefined && nodeOf(step.name) !== node) return []
    const pipeline = find(step)
    const invocations = pipeline.workgroupSize.reduce((product, size) => product * size, 1)
    const packed = Object.values(step.bindings).flatMap((at) => (at.kind === 'packed' ? [at.key] : []))
    return [
      {
        layer: nodeOf(step.name),
        op: step.op,
        kernel: step.kernel,
        variant: step.variant,
        definedFlops: defined[index] ?? 0,
        // Transforms of a product's operands wait for memory; their own arithmetic is not counted.
        flops: productFlops(step, invocations) ?? defined[index] ?? 0,
        bytes: step.bytes,
        weightBytes: packed.reduce((sum, key) => sum + bytesOf(key), 0),
        workgroups: step.workgroups[0] * step.workgroups[1] * step.workgroups[2],
        invocations,
        loop: loopCost(pipeline),
      },
    ]
  })
}

/**
 * By parameters, else by kernel and variant, else by kernel: plans of other widths and types than were compiled stand on
 * the nearest code.
 * @throws Error for a kernel that was not compiled at all
 */
function pipelineFinder(pipelines: readonly CompiledPipeline[]): (step: Step) => CompiledPipeline {
  const key = (kernel: string, variant: string): string => `${kernel} ${variant}`
  const byId = new Map(pipelines.map((p) => [p.id, p]))
  const byVariant = new Map(pipelines.map((p) => [key(p.kernel, tileOf(p.variant)), p]))
  const byKernel = new Map(pipelines.map((p) => [p.kernel, p]))
  return (step) => {
    const found =
      byId.get(kernelId({ file: step.kernel, params: step.params })) ??
      byVariant.get(key(step.kernel, tileOf(step.variant))) ??
      byKernel.get(step.kernel)
    if (found === undefined) {
      throw new Error(`${step.kernel} was not compiled: run npm run bench:gpu-compile -- --json FILE again`)
    }
    return found
  }
}

/** A variant's name without the number of parts of its sum. */
function tileOf(variant: string): string {
  return variant.replace(/ \/\d+$/, '').replace(/-(whole|split\d+)$/, '')
}

function loopCost(pipeline: CompiledPipeline): LoopCost | undefined {
  const mix = pipeline.loop?.mix
  if (mix === undefined) return undefined
  return {
    multiplyAdds: mix.multiplyAdds,
    vectorInstructions: mix.byClass.valu,
    ldsBytes: mix.ldsBytesPerLane,
    vmemBytes: mix.vmemBytesPerLane,
  }
}
