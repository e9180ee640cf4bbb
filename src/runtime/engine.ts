import { EngineError } from '../errors.js'
import { checkDevice, type EngineDevice, type OpenDeviceOptions, openDevice } from '../gpu/device.js'
import type { Graph } from '../graph/graph.js'
import type { Schedule, WeightSource } from '../graph/op.js'
import {
  checkPlanArguments,
  PLAN_OPTIONS,
  type PlanOptions,
  type PlanSpec,
  planGraph,
} from '../graph/plan.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import type { AdapterCaps } from '../platform/caps.js'
import { messageOf } from '../realms.js'
import { type AutotuneOptions, autotune } from './autotune.js'
import { copyPicture } from './held-picture.js'
import { type KernelTestOptions, scheduleThatWorks } from './kernel-test.js'
import { Plan } from './plan.js'
import type { Choices } from './tuning-cache.js'
import { NO_WEIGHTS, WeightSet } from './weight-set.js'

/** How {@link Engine.open} opens an engine. */
export interface EngineOptions extends OpenDeviceOptions {
  /** For all plans that do not say otherwise. Default: kernels by shape alone. */
  readonly autotune?: AutotuneOptions
  /**
   * Tests the kernels of each plan's convolutions against float64 before they are used, once per adapter, driver and engine
   * version: see `KernelTestOptions`. Default: none.
   */
  readonly selfTest?: KernelTestOptions
}

/** How {@link Engine.compile} makes a plan of a graph. */
export interface CompileOptions extends PlanOptions {
  /** Kernels by times measured on this adapter; see `AutotuneOptions`. `choices` given beside it come first. */
  readonly autotune?: AutotuneOptions
  /** Source of the graph's weights. Plans compiled with the same object share its buffers on the device. */
  readonly weights?: WeightSource
  /** Pipelines compiled so far, and how many there are. */
  readonly onProgress?: (done: number, total: number) => void
}

/** What an engine holds at this moment. */
export interface EngineStats {
  /** Buffers of the engine that are alive on the device, and their bytes. */
  readonly liveBuffers: number
  readonly liveBytes: number
  readonly peakBytes: number
  readonly plans: number
}

/**
 * The compute engine: one device, the weights on it, the plans compiled for it.
 *
 * A lost device makes running calls reject with DEVICE_LOST; `recover()` opens a new one and rebuilds every plan
 * from the weights kept on the CPU, so that plan objects stay valid.
 */
export class Engine {
  #device: EngineDevice
  #disposed = false
  readonly #options: EngineOptions
  readonly #plans = new Map<Plan, Recipe>()
  /** Of the sources that plans in use or in the making take weights from; `users` counts those. */
  #weightSets = new Map<WeightSource, { readonly set: WeightSet; users: number }>()
  #recovery: Promise<void> | undefined
  /** Plans are tuned one after another: side by side they would time each other. */
  #tuning: Promise<unknown> = Promise.resolve()

  private constructor(device: EngineDevice, options: EngineOptions) {
    this.#device = device
    this.#options = options
  }

  /**
   * @throws EngineError NO_ADAPTER if there is none, or not the one asked for (lists what was found)
   */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    checkOptionNames('Engine.open()', options, ENGINE_OPTIONS, EngineError)
    checkAutotune(options.autotune)
    if (options.selfTest !== undefined)
      checkOptionNames('selfTest', options.selfTest, SELF_TEST_OPTIONS, EngineError)
    return new Engine(await openDevice(options), options)
  }

  get device(): GPUDevice {
    return this.#device.gpu
  }

  get caps(): AdapterCaps {
    return this.#device.caps
  }

  /** One printable line: which adapter was taken and why. */
  get selection(): string {
    return this.#device.selection
  }

  get stats(): EngineStats {
    const { liveBuffers, liveBytes, peakBytes } = this.#device.buffers
    return { liveBuffers, liveBytes, peakBytes, plans: this.#plans.size }
  }

  /**
   * Copies a video's picture, which ends with the task that imported it, to a buffer that stays; submitted before this returns.
   * @param external of this engine's device, imported in the present task
   * @param width, height in px; the whole picture is scaled bilinearly to them
   * @returns `pixels`: RGBA8, width x height x 4 bytes in rows without gaps, usage COPY_SRC and STORAGE, the caller's to destroy; `accepted`
   * settles when the device has taken the copy, and rejects with INVALID_BUFFER if the picture had ended or is another device's
   * @throws EngineError INVALID_ARGUMENT for what is no GPUExternalTexture, and for sides that are no whole numbers from 1 to 8192
   */
  copyPicture(
    external: GPUExternalTexture,
    width: number,
    height: number,
  ): { readonly pixels: GPUBuffer; readonly accepted: Promise<void> } {
    this.#assertUsable()
    return copyPicture(this.#device, external, width, height)
  }

  /**
   * Compiles a graph: fusion, kernel selection, memory plan, pipelines, buffers, bind groups. Nothing is allocated
   * afterwards.
   * @throws EngineError INVALID_WEIGHTS, INVALID_SHADER, UNSUPPORTED, OUT_OF_MEMORY, DEVICE_LOST, DISPOSED
   */
  async compile(graph: Graph, options: CompileOptions = {}): Promise<Plan> {
    this.#assertUsable()
    checkOptionNames('compile()', options, COMPILE_OPTIONS, EngineError)
    checkPlanArguments(graph, options)
    checkCompileOptions(options)
    const source = options.weights ?? NO_WEIGHTS
    const device = this.#device
    const weights = this.#takeWeights(source)
    try {
      const wanted = options.autotune ?? this.#options.autotune
      const tuned = await this.#tunedChoices(graph, weights, options, wanted)
      const recipe = await this.#tested({ graph, options, source, tuned }, weights)
      const spec = specOf(recipe, device.caps)
      const plan = new Plan(spec, (disposed) => {
        if (this.#plans.delete(disposed)) this.#releaseWeights(source)
      })
      await plan.build({ device, weights, spec }, options.onProgress)
      if (this.#disposed || device !== this.#device) {
        plan.release(this.#disposed ? disposedError() : rebuiltError(plan))
        throw this.#disposed ? disposedError() : rebuiltError(plan)
      }
      this.#plans.set(plan, recipe)
      return plan
    } catch (error) {
      if (device === this.#device) this.#releaseWeights(source)
      throw error
    }
  }

  /**
   * Opens a new device after a loss and rebuilds all plans on it, planned anew where it can do less or more than the one
   * before. Contents of buffers are gone; buffers of the caller that were bound must be bound again on the new device.
   * A plan that the new device cannot run throws why from then on; the others work.
   * @param device the caller's new device, where the engine runs on a device of the caller
   * @throws EngineError INVALID_ARGUMENT if the lost device was the caller's and no new one is given; NO_ADAPTER; the first
   * error of a plan that could not be rebuilt
   */
  async recover(device?: GPUDevice): Promise<void> {
    if (this.#disposed) throw disposedError()
    if (device !== undefined) checkDevice(device)
    if (this.#options.device !== undefined && device === undefined) {
      throw new EngineError(
        'INVALID_ARGUMENT',
        'the engine runs on a device of yours: pass its successor, recover(newDevice)',
      )
    }
    // Of calls that overlap, the first one recovers for all.
    this.#recovery ??= this.#rebuild(device).finally(() => {
      this.#recovery = undefined
    })
    await this.#recovery
  }

  async #rebuild(device: GPUDevice | undefined): Promise<void> {
    const options = device === undefined ? this.#options : { ...this.#options, device }
    const capsBefore = JSON.stringify(this.caps)
    for (const plan of this.#plans.keys()) {
      plan.release(new EngineError('DEVICE_LOST', `plan "${plan.name}": the device is gone; recover() first`))
    }
    const opened = await openDevice(options)
    this.#device.dispose()
    this.#weightSets = new Map()
    this.#device = opened
    if (this.#disposed) {
      opened.dispose()
      throw disposedError()
    }
    const isSame = JSON.stringify(opened.caps) === capsBefore
    const failures: unknown[] = []
    for (const [plan, recipe] of [...this.#plans]) {
      try {
        const weights = this.#takeWeights(recipe.source)
        const now = isSame ? recipe : await this.#planAnew(recipe, weights)
        await plan.build({ device: opened, weights, spec: specOf(now, opened.caps) })
        this.#plans.set(plan, now)
      } catch (error) {
        plan.release(asEngineError(error))
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Frees plans, weights and, unless it is the caller's, the device; the process can then exit by itself. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    for (const plan of [...this.#plans.keys()]) plan.dispose()
    this.#weightSets.clear()
    this.#device.dispose()
  }

  async #tunedChoices(
    graph: Graph,
    weights: WeightSet,
    options: CompileOptions,
    wanted: AutotuneOptions | undefined,
  ): Promise<Choices> {
    if (wanted === undefined) return {}
    const turn = this.#tuning.then(() => {
      this.#assertUsable()
      return autotune(this.#device, graph, weights, options, wanted)
    })
    this.#tuning = turn.catch(() => undefined)
    return await turn
  }

  /** Times of another adapter say nothing; on the new one only what earlier runs stored is used. */
  async #storedChoices({ graph, options }: Recipe, weights: WeightSet): Promise<Choices> {
    const wanted = options.autotune ?? this.#options.autotune
    return await this.#tunedChoices(graph, weights, options, wanted && { ...wanted, mode: 'cached' })
  }

  /** For a device that can do less or more than the one that the recipe was made for. */
  async #planAnew({ graph, options, source }: Recipe, weights: WeightSet): Promise<Recipe> {
    const recipe = { graph, options, source, tuned: {} }
    return await this.#tested({ ...recipe, tuned: await this.#storedChoices(recipe, weights) }, weights)
  }

  /** With the schedule whose kernels are right here, where that is tested. */
  async #tested(recipe: Recipe, weights: WeightSet): Promise<Recipe> {
    const { selfTest } = this.#options
    if (selfTest === undefined) return recipe
    const options = planOptionsOf(recipe)
    const schedule = await scheduleThatWorks(this.#device, recipe.graph, weights, options, selfTest)
    return { ...recipe, schedule }
  }

  #assertUsable(): void {
    if (this.#disposed) throw disposedError()
    this.#device.assertUsable()
  }

  #takeWeights(source: WeightSource): WeightSet {
    const known = this.#weightSets.get(source) ?? { set: new WeightSet(source, this.#device), users: 0 }
    known.users++
    this.#weightSets.set(source, known)
    return known.set
  }

  /** The last user of a source lets go of it: weights that no plan needs are the caller's to keep. */
  #releaseWeights(source: WeightSource): void {
    const known = this.#weightSets.get(source)
    if (known === undefined) return
    known.users--
    if (known.users === 0) this.#weightSets.delete(source)
  }
}

const ENGINE_OPTIONS: OptionNames<EngineOptions> = {
  device: true,
  adapter: true,
  powerPreference: true,
  kernelRoot: true,
  robustness: true,
  autotune: true,
  selfTest: true,
}
const COMPILE_OPTIONS: OptionNames<CompileOptions> = {
  ...PLAN_OPTIONS,
  autotune: true,
  weights: true,
  onProgress: true,
}
const AUTOTUNE_OPTIONS: OptionNames<AutotuneOptions> = {
  mode: true,
  software: true,
  folder: true,
  onLayer: true,
  onWarning: true,
}
const SELF_TEST_OPTIONS: OptionNames<KernelTestOptions> = { software: true, folder: true, onWarning: true }

/** What a plan is made from, on whatever device. */
interface Recipe {
  readonly graph: Graph
  readonly options: CompileOptions
  readonly source: WeightSource
  readonly tuned: Choices
  /** Found by the self-test, if there was one. */
  readonly schedule?: Schedule
}

function planOptionsOf({ options, tuned, schedule }: Recipe): PlanOptions {
  const { autotune: _, weights: __, onProgress: ___, ...plan } = options
  return { ...plan, ...(schedule && { schedule }), choices: { ...tuned, ...options.choices } }
}

function specOf(recipe: Recipe, caps: AdapterCaps): PlanSpec {
  return planGraph(recipe.graph, caps, planOptionsOf(recipe))
}

function disposedError(): EngineError {
  return new EngineError('DISPOSED', 'the engine was disposed; open a new one with Engine.open()')
}

function rebuiltError(plan: Plan): EngineError {
  return new EngineError(
    'DEVICE_LOST',
    `plan "${plan.name}": the device was replaced by recover() while it was compiled; compile it again`,
  )
}

function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  const reason = messageOf(error)
  return new EngineError(
    'INVALID_WEIGHTS',
    `the source of the weights failed: ${reason}`,
    {},
    { cause: error },
  )
}

/** What `checkPlanArguments` leaves over. */
function checkCompileOptions(options: CompileOptions): void {
  const fail = (problem: string): never => {
    throw new EngineError('INVALID_ARGUMENT', `compile(): ${problem}`)
  }
  const { autotune: tuning, onProgress } = options
  if (onProgress !== undefined && typeof onProgress !== 'function') fail('onProgress is a function')
  checkAutotune(tuning)
}

function checkAutotune(tuning: AutotuneOptions | undefined): void {
  if (tuning === undefined) return
  checkOptionNames('autotune', tuning, AUTOTUNE_OPTIONS, EngineError)
  if (tuning.mode === undefined || tuning.mode === 'measure' || tuning.mode === 'cached') return
  throw new EngineError(
    'INVALID_ARGUMENT',
    `autotune mode is 'measure' or 'cached', got ${String(tuning.mode)}`,
  )
}
