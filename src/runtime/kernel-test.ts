import { EngineError } from '../errors.js'
import type { EngineDevice } from '../gpu/device.js'
import type { Graph } from '../graph/graph.js'
import type { Schedule } from '../graph/op.js'
import { type PlanOptions, scheduleFor } from '../graph/plan.js'
import { cacheFolder, emitWarning } from '../platform/index.js'
import { messageOf } from '../realms.js'
import { BOUNDS, isRefusal, openEntry, randomInputs, resultOf } from './autotune.js'
import { layerSamples } from './layer-reference.js'
import { otherKernels, testKernels } from './op-test.js'
import { disagreement } from './samples.js'
import { choosingLayers, type TunableLayer } from './tunable.js'
import { type Choices, loadChoices, storeChoices, tuningIdentity } from './tuning-cache.js'
import type { WeightSet } from './weight-set.js'

/** How a plan's kernels are held against float64 at first contact with an adapter. */
export interface KernelTestOptions {
  /** Tests software adapters too, whose kernels are tested before each release. Default false. */
  readonly software?: boolean
  /** Folder of the stored verdicts. Default: this version's folder in the user's cache. */
  readonly folder?: string
  /** Kernels that compute wrong, and verdicts that cannot be used or written. Default: a process warning. */
  readonly onWarning?: (message: string) => void
}

const RIGHT = 'right'
/** Of kernels that are the caller's: nothing says what they must give. */
const UNKNOWN = 'unknown'

/**
 * First contact with an adapter: every kernel that a graph's plan would take there, against float64. Convolutions are tested
 * on the layer's own shapes and weights, the rest on small shapes whose results come with the package (`knownResults`). Verdicts are stored by adapter, driver and engine version; what is stored is not tested again.
 * @returns the schedule whose kernels are right: the one planned for, else the other one, with a warning that names the kernel
 * @throws EngineError UNSUPPORTED that names the kernels where neither is right
 */
export async function scheduleThatWorks(
  device: EngineDevice,
  graph: Graph,
  weights: WeightSet,
  planOptions: PlanOptions,
  options: KernelTestOptions,
): Promise<Schedule> {
  const { caps } = device
  const planned = scheduleFor(caps, planOptions)
  if (caps.software && options.software !== true) return planned
  const warn = options.onWarning ?? ((message) => emitWarning(message, 'DEEPFACEFLOW_SELF_TEST'))
  const faults: string[] = []
  for (const schedule of [planned, planned === 'hardware' ? 'software' : 'hardware'] as const) {
    const wrong = await wrongKernels(
      device,
      graph,
      weights,
      { ...planOptions, schedule },
      { ...options, onWarning: warn },
    )
    if (wrong.length === 0) {
      if (faults.length > 0)
        warn(`${caps.name}: ${faults.join('; ')}; kernels of the ${schedule} schedule are taken`)
      return schedule
    }
    faults.push(...wrong)
  }
  throw new EngineError(
    'UNSUPPORTED',
    `adapter "${caps.name}" computes wrong: ${faults.join('; ')}; update its driver, or choose another adapter ('embedded')`,
    { adapter: caps.name, kernels: faults, selfTest: true },
  )
}

/** What is wrong with each kernel that is. */
async function wrongKernels(
  device: EngineDevice,
  graph: Graph,
  weights: WeightSet,
  planOptions: PlanOptions,
  options: KernelTestOptions & { readonly onWarning: (message: string) => void },
): Promise<string[]> {
  const { caps } = device
  const identity = tuningIdentity(caps, scheduleFor(caps, planOptions), planOptions.storage ?? 'f32')
  const folder = options.folder ?? (await cacheFolder())
  const stored = await loadChoices(folder, identity, 'self-test')
  if (stored.warning !== undefined) options.onWarning(stored.warning)
  const verdicts: Record<string, string> = { ...stored.choices }
  const layers = choosingLayers(graph, caps, planOptions)
  const missing = layers.filter((layer) => verdicts[keyOf(layer, planOptions)] === undefined)
  for (const layer of missing) {
    verdicts[keyOf(layer, planOptions)] = (await faultOf(device, layer, weights, planOptions)) ?? RIGHT
  }
  const others = otherKernels(graph, caps, planOptions, layers)
  const untested = [...others.keys()].filter((id) => verdicts[id] === undefined)
  if (untested.length > 0) {
    const faults = await testKernels(device, untested, planOptions)
    for (const id of untested) verdicts[id] = faults.has(id) ? (faults.get(id) ?? RIGHT) : UNKNOWN
  }
  if (missing.length + untested.length > 0) await store(folder, identity, verdicts, options.onWarning)
  const wrong = [
    ...layers.map((layer) => ({ node: layer.nodes[0], verdict: verdicts[keyOf(layer, planOptions)] })),
    ...[...others].map(([id, node]) => ({ node, verdict: verdicts[id] })),
  ].filter(({ verdict }) => verdict !== RIGHT && verdict !== UNKNOWN)
  // One stored result may stand for several kernels.
  const told = new Map(wrong.map(({ node, verdict }) => [verdict, `${verdict} (layer "${node}")`]))
  return [...told.values()]
}

const chosenOf = (layer: TunableLayer, { choices }: PlanOptions): string => {
  const choice = choices?.[layer.key]
  return choice !== undefined && layer.candidates.includes(choice) ? choice : layer.chosen
}

const keyOf = (layer: TunableLayer, options: PlanOptions): string =>
  `${layer.key} = ${chosenOf(layer, options)}`

/** Names the kernel that computes a layer wrong, or cannot; undefined where it is right. */
async function faultOf(
  device: EngineDevice,
  layer: TunableLayer,
  weights: WeightSet,
  planOptions: PlanOptions,
): Promise<string | undefined> {
  const variant = chosenOf(layer, planOptions)
  const inputs = randomInputs(layer.graph)
  const truth = layerSamples(layer.graph, inputs, weights.source)
  if (truth === undefined) return undefined
  try {
    const { executor, steps } = await openEntry(device, layer.graph, weights, planOptions, variant)
    try {
      const problem = disagreement(
        await resultOf(executor, inputs),
        truth,
        BOUNDS[planOptions.storage ?? 'f32'],
      )
      const kernels = [...new Set(steps.map((step) => executor.spec.steps[step]?.kernel))].join(', ')
      return problem && `${kernels} ${variant} ${problem}`
    } finally {
      executor.dispose()
    }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return `${variant}: ${error.message.split('\n')[0]}`
  }
}

async function store(
  folder: string,
  identity: ReturnType<typeof tuningIdentity>,
  verdicts: Choices,
  warn: (message: string) => void,
): Promise<void> {
  try {
    await storeChoices(folder, identity, verdicts, 'self-test')
  } catch (error) {
    warn(`verdicts on kernels were not stored: ${messageOf(error)}`)
  }
}
