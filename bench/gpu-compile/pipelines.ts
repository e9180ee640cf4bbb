import { kernelId } from '../../src/gpu/kernel-cache.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import { reflectKernel } from '../../src/gpu/shader/reflect.js'
import { planGraph, type Step } from '../../src/graph/plan.js'
import type { AdapterCaps } from '../../src/platform/caps.js'
import { KernelSource } from '../../src/platform/node/kernel-source.js'
import { LAYER_NODE, tunableLayers } from '../../src/runtime/tunable.js'
import { definedFlops } from '../lib/executed.js'
import { type NetworkChoice, nodeOf, registeredGraph } from '../lib/networks.js'

/** A step of a plan that runs on a pipeline. */
export interface PipelineUse {
  /** Width multiplier of the plan. */
  readonly a: number
  readonly step: string
  readonly flops: number
}

export interface PipelineInfo {
  readonly kernel: string
  readonly variant: string
  readonly id: string
  readonly workgroupSize: readonly [number, number, number]
  readonly uses: readonly PipelineUse[]
}

/** A pipeline to compile. */
export interface PipelineSource {
  readonly info: PipelineInfo
  readonly step: Step
  /** WGSL after preprocessing. */
  readonly code: string
}

/**
 * Distinct pipelines of the hardware schedule of some plans.
 * @param candidates also what autotuning could choose instead; such pipelines have no uses
 */
export async function pipelinesOf(
  plans: readonly NetworkChoice[],
  caps: AdapterCaps,
  storage: 'f32' | 'f16',
  candidates: boolean,
): Promise<PipelineSource[]> {
  const source = new KernelSource()
  const options = { schedule: 'hardware', storage } as const
  // Variants whose final code is the same share a pipeline.
  const pipelines = new Map<string, { step: Step; uses: PipelineUse[] }>()
  const codeOf = (step: Step): string => preprocess(step.kernel, step.params, source.load).code
  for (const choice of plans) {
    const spec = planGraph(await registeredGraph(choice), caps, options)
    const flops = definedFlops(spec.steps)
    for (const [index, step] of spec.steps.entries()) {
      const code = codeOf(step)
      const pipeline = pipelines.get(code) ?? { step, uses: [] }
      pipeline.uses.push({ a: choice.a, step: step.name, flops: flops[index] ?? 0 })
      pipelines.set(code, pipeline)
    }
  }
  // Kernels that only plans of f16 storage have: the model of those stands on them.
  for (const choice of caps.f16 ? plans : []) {
    const { steps } = planGraph(await registeredGraph(choice), caps, { ...options, storage: 'f16' })
    const known = new Set([...pipelines.values()].map(({ step }) => step.kernel))
    for (const step of steps) if (!known.has(step.kernel)) pipelines.set(codeOf(step), { step, uses: [] })
  }
  for (const choice of candidates ? plans : []) {
    for (const layer of tunableLayers(await registeredGraph(choice), caps, options)) {
      for (const variant of layer.candidates) {
        const { steps } = planGraph(layer.graph, caps, { ...options, variants: { [LAYER_NODE]: variant } })
        for (const step of steps) {
          const code = codeOf(step)
          if (nodeOf(step.name) === LAYER_NODE && !pipelines.has(code))
            pipelines.set(code, { step, uses: [] })
        }
      }
    }
  }
  return [...pipelines].map(([code, { step, uses }]) => {
    const { workgroupSize } = reflectKernel(preprocess(step.kernel, step.params, source.load))
    const id = kernelId({ file: step.kernel, params: step.params })
    return { info: { kernel: step.kernel, variant: step.variant, id, workgroupSize, uses }, step, code }
  })
}
