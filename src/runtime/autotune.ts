import { EngineError } from '../errors.js'
import { MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { Graph } from '../graph/graph.js'
import { type PlanOptions, planGraph, scheduleFor } from '../graph/plan.js'
import { cacheFolder, emitWarning } from '../platform/index.js'
import { messageOf } from '../realms.js'
import { quickest, timeContestants } from './contest.js'
import { Executor } from './executor.js'
import { layerSamples } from './layer-reference.js'
import { type ClockSource, PassClock } from './pass-clock.js'
import { disagreement } from './samples.js'
import { LAYER_NODE, LAYER_OUTPUT, type TunableLayer, tunableLayers } from './tunable.js'
import { type Choices, loadChoices, storeChoices, tuningIdentity } from './tuning-cache.js'
import type { WeightSet } from './weight-set.js'

/** Whether and how kernels are chosen by their times on this adapter. */
export interface AutotuneOptions {
  /** `measure` (default) times the layers that no earlier run has timed; `cached` only uses what earlier runs found. */
  readonly mode?: 'measure' | 'cached'
  /** Times on software adapters too: minutes, for kernels that were chosen by such times. Default false. */
  readonly software?: boolean
  /** Folder of the stored choices. Default: this version's folder in the user's cache. */
  readonly folder?: string
  /** Called after each layer that was timed. */
  readonly onLayer?: (timing: LayerTiming) => void
  /** Stored choices that cannot be used or written. Default: a process warning. */
  readonly onWarning?: (message: string) => void
}

/** How the variants of a layer did. */
export interface LayerTiming {
  /** `KernelChoice.key`, and the nodes of the graph that it stands for. */
  readonly key: string
  readonly nodes: readonly string[]
  /** What is taken without timing. */
  readonly byDefault: string
  readonly chosen: string
  /** Median milliseconds of one execution, by variant. */
  readonly ms: Readonly<Record<string, number>>
  /** Variants that cannot run here or compute something else, with the reason. */
  readonly rejected: Readonly<Record<string, string>>
  readonly clock: ClockSource
}

/**
 * Choices of kernels for a graph: those stored, and with `measure` those that are missing, timed and stored.
 * @throws EngineError DEVICE_LOST, INVALID_WEIGHTS; UNSUPPORTED where every kernel of a layer computes wrong
 */
export async function autotune(
  device: EngineDevice,
  graph: Graph,
  weights: WeightSet,
  planOptions: PlanOptions,
  options: AutotuneOptions,
): Promise<Choices> {
  const warn = options.onWarning ?? ((message) => emitWarning(message, 'DEEPFACEFLOW_AUTOTUNE'))
  const { caps } = device
  const identity = tuningIdentity(caps, scheduleFor(caps, planOptions), planOptions.storage ?? 'f32')
  const folder = options.folder ?? (await cacheFolder())
  const stored = await loadChoices(folder, identity)
  if (stored.warning !== undefined) warn(stored.warning)
  if (options.mode === 'cached') return stored.choices
  if (caps.software && options.software !== true) {
    warn(
      `${caps.name} runs on the processor: its kernels are not timed unless software adapters are asked for`,
    )
    return stored.choices
  }
  const missing = tunableLayers(graph, caps, planOptions).filter(({ key, candidates }) => {
    const known = stored.choices[key]
    return known === undefined || !candidates.includes(known)
  })
  const choices: Record<string, string> = { ...stored.choices }
  for (const layer of missing) {
    const timing = await timeLayer(device, layer, weights, planOptions)
    const fault = timing.rejected[timing.byDefault]
    if (timing.chosen in timing.rejected) {
      throw new EngineError(
        'UNSUPPORTED',
        `adapter "${caps.name}" has no kernel that computes layer "${layer.nodes[0]}" right: ${fault}; choose another adapter`,
        { adapter: caps.name, rejected: timing.rejected },
      )
    }
    if (fault !== undefined) {
      warn(
        `${caps.name}: ${timing.byDefault} ${fault} (layer "${layer.nodes[0]}"); ${timing.chosen} is taken`,
      )
    }
    choices[layer.key] = timing.chosen
    options.onLayer?.(timing)
  }
  if (missing.length === 0 && stored.warning === undefined) return choices
  try {
    await storeChoices(folder, identity, choices)
  } catch (error) {
    warn(`choices of kernels were not stored: ${messageOf(error)}`)
  }
  return choices
}

const CONTEST = {
  'timestamp query': { longEnoughMs: 1, rounds: 9 },
  // A submission and the wait for it take up to some tenths of a millisecond.
  'wall time': { longEnoughMs: 20, rounds: 7 },
  // Nothing there runs faster when it is warm.
  software: { longEnoughMs: 2, rounds: 3 },
} as const

/** Compiles, checks and times every candidate of a layer. */
async function timeLayer(
  device: EngineDevice,
  layer: TunableLayer,
  weights: WeightSet,
  planOptions: PlanOptions,
): Promise<LayerTiming> {
  const rejected: Record<string, string> = {}
  const entries: Entry[] = []
  const clock = new PassClock(device)
  try {
    const inputs = randomInputs(layer.graph)
    const names = [layer.chosen, ...layer.candidates.filter((name) => name !== layer.chosen)]
    // The default is no better known on this adapter than the others.
    const truth = layerSamples(layer.graph, inputs, weights.source)
    const bounds = BOUNDS[planOptions.storage ?? 'f32']
    for (const name of names) {
      try {
        const entry = await openEntry(device, layer.graph, weights, planOptions, name)
        entries.push(entry)
        const difference = truth && disagreement(await resultOf(entry.executor, inputs), truth, bounds)
        if (difference === undefined) continue
        rejected[name] = difference
      } catch (error) {
        if (!isRefusal(error)) throw error
        rejected[name] = error.message.split('\n')[0] ?? error.code
      }
    }
    const contestants = entries
      .filter(({ name }) => !(name in rejected))
      .map(({ name, executor, steps }) => ({
        name,
        run: (repeats: number) => clock.time(executor, steps, repeats),
      }))
    const times = await timeContestants(contestants, {
      ...CONTEST[device.caps.software ? 'software' : clock.source],
      stepMs: () => clock.stepMs,
    })
    return {
      key: layer.key,
      nodes: layer.nodes,
      byDefault: layer.chosen,
      chosen: quickest(times, layer.chosen),
      ms: Object.fromEntries(times),
      rejected,
      clock: clock.source,
    }
  } finally {
    for (const { executor } of entries) executor.dispose()
    clock.dispose()
  }
}

interface Entry {
  readonly name: string
  readonly executor: Executor
  /** Steps of the layer itself, without the ones that bring its inputs and outputs into form. */
  readonly steps: readonly number[]
}

export async function openEntry(
  device: EngineDevice,
  graph: Graph,
  weights: WeightSet,
  { storage, schedule }: PlanOptions,
  name: string,
): Promise<Entry> {
  const spec = planGraph(graph, device.caps, {
    ...(storage && { storage }),
    ...(schedule && { schedule }),
    variants: { [LAYER_NODE]: name },
  })
  const own = new RegExp(`^${LAYER_NODE}(#\\d+)?$`)
  const steps = spec.steps.flatMap((step, index) => (own.test(step.name) ? [index] : []))
  return { name, steps, executor: await Executor.build(device, spec, weights) }
}

/** What a driver may refuse of one variant while it runs others. */
export function isRefusal(error: unknown): error is EngineError {
  return (
    error instanceof EngineError && ['INVALID_SHADER', 'UNSUPPORTED', 'OUT_OF_MEMORY'].includes(error.code)
  )
}

/** Values in -1..1, the same for every candidate. */
export function randomInputs(graph: Graph): Map<string, Float32Array<ArrayBuffer>> {
  let state = 0x9e3779b9
  const next = (): number => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x7f4a7c15
    return ((state >>> 8) & 0xffffff) / 2 ** 23 - 1
  }
  return new Map(
    graph.inputs.map(({ name, value }) => {
      const type = graph.types[value]
      const length = type?.kind === 'raw' ? type.bytes / 4 : 0
      return [name, Float32Array.from({ length }, next)]
    }),
  )
}

export async function resultOf(
  executor: Executor,
  inputs: ReadonlyMap<string, Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>,
): Promise<Float32Array<ArrayBuffer>> {
  const { device } = executor
  const staging = executor.takeStaging() ?? executor.makeStaging()
  const output = executor.output(LAYER_OUTPUT).buffer
  await device.scoped(`autotune "${executor.spec.name}"`, () => {
    for (const [name, data] of inputs) device.gpu.queue.writeBuffer(executor.input(name).buffer, 0, data)
    const encoder = device.gpu.createCommandEncoder()
    executor.encode(encoder)
    encoder.copyBufferToBuffer(output, 0, staging, 0, output.size)
    device.gpu.queue.submit([encoder.finish()])
  })
  await device.wait(`autotune "${executor.spec.name}"`, () => staging.mapAsync(MapMode.READ))
  const copy = new Float32Array(staging.getMappedRange().slice(0, output.size))
  staging.unmap()
  executor.giveStaging(staging)
  return copy
}

/** The bounds that every op is tested within, by the plan's storage. */
export const BOUNDS = {
  f32: { nmse: 1e-10, maxError: 1e-4 },
  f16: { nmse: 1e-5, maxError: 0.05 },
} as const
