import { writeSync } from 'node:fs'
import { openDevice } from '../../src/gpu/device.js'
import { kernelId } from '../../src/gpu/kernel-cache.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import { planGraph, type Step } from '../../src/graph/plan.js'
import { KernelSource } from '../../src/platform/node/kernel-source.js'
import { LAYER_NODE, tunableLayers } from '../../src/runtime/tunable.js'
import { definedFlops } from '../lib/executed.js'
import { type NetworkChoice, nodeOf, registeredGraph } from '../lib/networks.js'
import { END_MARK, type PipelineUse, REQUEST_VARIABLE, START_MARK } from './compile.js'

/**
 * Compiles every pipeline of some plans on the adapter of the environment. The driver writes what it made of each to
 * stderr, between marks of ours; stdout gets which steps use which pipeline.
 */
interface Request {
  readonly plans: readonly NetworkChoice[]
  readonly storage: 'f32' | 'f16'
  /** Also what autotuning could choose instead; such pipelines have no uses. */
  readonly candidates: boolean
}

const { plans, storage, candidates } = JSON.parse(process.env[REQUEST_VARIABLE] ?? '') as Request
const device = await openDevice({ adapter: 'hardware' })
const source = new KernelSource()
const pipelines = new Map<string, { step: Step; uses: PipelineUse[] }>()
const options = { schedule: 'hardware', storage } as const
// Variants whose final code is the same share a pipeline.
const codeOf = (step: Step): string => preprocess(step.kernel, step.params, source.load).code
for (const choice of plans) {
  const spec = planGraph(await registeredGraph(choice), device.caps, options)
  const flops = definedFlops(spec.steps)
  for (const [index, step] of spec.steps.entries()) {
    const code = codeOf(step)
    const pipeline = pipelines.get(code) ?? { step, uses: [] }
    pipeline.uses.push({ a: choice.a, step: step.name, flops: flops[index] ?? 0 })
    pipelines.set(code, pipeline)
  }
}
for (const choice of candidates ? plans : []) {
  for (const layer of tunableLayers(await registeredGraph(choice), device.caps, options)) {
    for (const variant of layer.candidates) {
      const { steps } = planGraph(layer.graph, device.caps, {
        ...options,
        variants: { [LAYER_NODE]: variant },
      })
      for (const step of steps) {
        const code = codeOf(step)
        if (nodeOf(step.name) === LAYER_NODE && !pipelines.has(code)) pipelines.set(code, { step, uses: [] })
      }
    }
  }
}
const list = [...pipelines.values()].map(({ step, uses }) => {
  const key = { file: step.kernel, params: step.params }
  const { workgroupSize } = device.kernels.interfaceOf(key)
  return { kernel: step.kernel, variant: step.variant, id: kernelId(key), workgroupSize, uses }
})
writeSync(1, JSON.stringify({ caps: device.caps, pipelines: list }))
for (const [index, { step }] of [...pipelines.values()].entries()) {
  writeSync(2, `\n${START_MARK}${index}\n`)
  await device.kernels.compile([{ file: step.kernel, params: step.params }])
  writeSync(2, `\n${END_MARK}${index}\n`)
}
// The null device cannot be torn down.
process.exit(0)
