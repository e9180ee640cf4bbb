import type { EngineDevice } from '../gpu/device.js'
import { kernelId } from '../gpu/kernel-cache.js'
import type { Graph } from '../graph/graph.js'
import { type PlanOptions, type PlanSpec, planGraph, type Step } from '../graph/plan.js'
import type { Storage } from '../graph/tensor.js'
import type { AdapterCaps } from '../platform/caps.js'
import { BOUNDS, isRefusal, resultOf } from './autotune.js'
import { Executor } from './executor.js'
import { type KnownResult, knownResults } from './known-results.js'
import { disagreement, type SampleBounds } from './samples.js'
import { choosingLayers, type TunableLayer } from './tunable.js'
import { WeightSet } from './weight-set.js'

const idOf = (step: Step): string => kernelId({ file: step.kernel, params: step.params })
const fileOf = (id: string): string => id.slice(0, id.indexOf('('))

/**
 * The kernels of a graph's plan but for those of layers that choose (which are tested on their own shapes and weights), by
 * `kernelId`, with a node that each computes. Pure.
 * @param layers those, if they are known already
 */
export function otherKernels(
  graph: Graph,
  caps: AdapterCaps,
  planOptions: PlanOptions,
  layers: readonly TunableLayer[] = choosingLayers(graph, caps, planOptions),
): ReadonlyMap<string, string> {
  const chosen = new Set(layers.flatMap(({ nodes }) => nodes))
  const { steps } = planGraph(graph, caps, planOptions)
  const nodeOf = (step: Step): string => step.name.replace(/#\d+$/, '')
  return new Map(steps.filter((step) => !chosen.has(nodeOf(step))).map((step) => [idOf(step), nodeOf(step)]))
}

/** A stored result in a plan, and the kernels that it runs. */
export interface KnownPlan<Known = KnownResult> {
  readonly known: Known
  readonly storage: Storage
  readonly spec: PlanSpec
  readonly ids: ReadonlySet<string>
}

/**
 * Stored results that run these kernels: with the very parameters, else with others of the same file. In plans of f16 storage
 * kernels of f32 tensors stand too, so results are tried in both. Pure.
 */
export function plansThatRun<Known extends { readonly graph: Graph }>(
  wanted: Iterable<string>,
  known: readonly Known[],
  caps: AdapterCaps,
  { schedule, storage = 'f32' }: PlanOptions,
): Map<string, KnownPlan<Known>> {
  const plans = [...new Set<Storage>([storage, 'f32'])].flatMap((type) =>
    known.map((result): KnownPlan<Known> => {
      const spec = planGraph(result.graph, caps, { storage: type, ...(schedule && { schedule }) })
      return { known: result, storage: type, spec, ids: new Set(spec.steps.map(idOf)) }
    }),
  )
  const runs = new Map<string, KnownPlan<Known>>()
  for (const id of wanted) {
    const plan =
      plans.find(({ ids }) => ids.has(id)) ??
      plans.find(({ ids }) => [...ids].some((other) => fileOf(other) === fileOf(id)))
    if (plan !== undefined) runs.set(id, plan)
  }
  return runs
}

/**
 * Holds kernels against stored results of the float64 references on small shapes.
 * @returns what is wrong with each kernel that a result is known of; undefined where it is right
 */
export async function testKernels(
  device: EngineDevice,
  wanted: Iterable<string>,
  planOptions: PlanOptions,
): Promise<Map<string, string | undefined>> {
  const runs = plansThatRun(wanted, await knownResults(), device.caps, planOptions)
  const faults = new Map<KnownPlan, string | undefined>()
  for (const plan of new Set(runs.values())) {
    const files = [...runs].flatMap(([id, runsIt]) => (runsIt === plan ? [fileOf(id)] : []))
    faults.set(plan, await faultOf(device, plan, [...new Set(files)]))
  }
  return new Map([...runs].map(([id, plan]) => [id, faults.get(plan)]))
}

/** @param tested kernels that the result stands for: one of them is wrong where it is */
async function faultOf(
  device: EngineDevice,
  { known, storage, spec }: KnownPlan,
  tested: readonly string[],
): Promise<string | undefined> {
  const named = `${tested.length > 1 ? 'one of ' : ''}${tested.join(', ')}`
  try {
    const executor = await Executor.build(device, spec, new WeightSet(known.weights(), device))
    try {
      const floats = await resultOf(executor, known.inputs())
      const result = known.isPixels ? new Uint8Array(floats.buffer) : floats
      const bounds = storage === 'f16' ? wider(BOUNDS.f16, known.bounds) : known.bounds
      const problem = disagreement(result, known.truth, bounds)
      return problem && `${named} ${problem} ("${known.name}")`
    } finally {
      executor.dispose()
    }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return `${named}: ${error.message.split('\n')[0]}`
  }
}

const wider = (a: SampleBounds, b: SampleBounds): SampleBounds => ({
  nmse: Math.max(a.nmse, b.nmse),
  maxError: Math.max(a.maxError, b.maxError),
})
