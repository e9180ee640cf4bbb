import { EngineError } from '../errors.js'
import { type EngineDevice, type OpenDeviceOptions, openDevice } from '../gpu/device.js'
import type { Graph } from '../graph/graph.js'
import type { WeightSource } from '../graph/op.js'
import { type PlanOptions, planGraph } from '../graph/plan.js'
import type { AdapterCaps } from '../platform/caps.js'
import { type AutotuneOptions, autotune } from './autotune.js'
import { Plan } from './plan.js'
import type { Choices } from './tuning-cache.js'
import { NO_WEIGHTS, WeightSet } from './weight-set.js'

export interface EngineOptions extends OpenDeviceOptions {
  /** For all plans that do not say otherwise. Default: kernels by shape alone. */
  readonly autotune?: AutotuneOptions
}

export interface CompileOptions extends PlanOptions {
  /** Kernels by times measured on this adapter; see `AutotuneOptions`. `choices` given beside it come first. */
  readonly autotune?: AutotuneOptions
  /** Source of the graph's weights. Plans compiled with the same object share its buffers on the device. */
  readonly weights?: WeightSource
  /** Pipelines compiled so far, and how many there are. */
  readonly onProgress?: (done: number, total: number) => void
}

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
  readonly #plans = new Map<Plan, WeightSource>()
  #weightSets = new Map<WeightSource, WeightSet>()
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
   * Compiles a graph: fusion, kernel selection, memory plan, pipelines, buffers, bind groups. Nothing is allocated
   * afterwards.
   * @throws EngineError INVALID_WEIGHTS, INVALID_SHADER, UNSUPPORTED, OUT_OF_MEMORY, DEVICE_LOST, DISPOSED
   */
  async compile(graph: Graph, options: CompileOptions = {}): Promise<Plan> {
    this.#assertUsable()
    const weights = options.weights ?? NO_WEIGHTS
    const choices = { ...(await this.#tunedChoices(graph, weights, options)), ...options.choices }
    const spec = planGraph(graph, this.caps, { ...options, choices })
    const plan = new Plan(spec, (disposed) => this.#plans.delete(disposed))
    await plan.build({ device: this.#device, weights: this.#weightSet(weights) }, options.onProgress)
    this.#plans.set(plan, weights)
    return plan
  }

  /**
   * Opens a new device after a loss and rebuilds all plans on it. Contents of buffers are gone; buffers of the
   * caller that were bound must be bound again on the new device.
   * @param device the caller's new device, where the engine runs on a device of the caller
   * @throws EngineError INVALID_ARGUMENT if the lost device was the caller's and no new one is given
   */
  async recover(device?: GPUDevice): Promise<void> {
    if (this.#disposed) throw disposedError()
    if (this.#options.device !== undefined && device === undefined) {
      throw new EngineError(
        'INVALID_ARGUMENT',
        'the engine runs on a device of yours: pass its successor, recover(newDevice)',
      )
    }
    for (const plan of this.#plans.keys()) plan.release()
    this.#device.dispose()
    this.#weightSets = new Map()
    this.#device = await openDevice(device === undefined ? this.#options : { ...this.#options, device })
    for (const [plan, weights] of this.#plans) {
      await plan.build({ device: this.#device, weights: this.#weightSet(weights) })
    }
  }

  /** Frees plans, weights and, unless it is the caller's, the device; the process can then exit by itself. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    for (const plan of [...this.#plans.keys()]) plan.dispose()
    this.#device.dispose()
  }

  async #tunedChoices(graph: Graph, weights: WeightSource, options: CompileOptions): Promise<Choices> {
    const wanted = options.autotune ?? this.#options.autotune
    if (wanted === undefined) return {}
    const turn = this.#tuning.then(() => {
      this.#assertUsable()
      return autotune(this.#device, graph, this.#weightSet(weights), options, wanted)
    })
    this.#tuning = turn.catch(() => undefined)
    return await turn
  }

  #assertUsable(): void {
    if (this.#disposed) throw disposedError()
    this.#device.assertUsable()
  }

  #weightSet(source: WeightSource): WeightSet {
    const known = this.#weightSets.get(source)
    if (known !== undefined) return known
    const set = new WeightSet(source, this.#device)
    this.#weightSets.set(source, set)
    return set
  }
}

function disposedError(): EngineError {
  return new EngineError('DISPOSED', 'the engine was disposed; open a new one with Engine.open()')
}
