import { EngineError } from '../errors.js'
import { type AdapterCaps, LIMIT_NAMES, readCaps } from '../platform/caps.js'
import {
  type AdapterChoice,
  type AdapterSource,
  capsOfDevice,
  chooseAdapter,
  environment,
  HARDWARE_PACE,
  paced,
  SOFTWARE_PACE,
  turnOfEventLoop,
} from '../platform/index.js'
import { messageOf } from '../realms.js'
import { BufferLedger } from './buffers.js'
import { KernelCache } from './kernel-cache.js'

export type { AdapterChoice } from '../platform/index.js'
export { BufferLedger } from './buffers.js'
export { BufferUsage, MapMode } from './constants.js'

export interface OpenDeviceOptions {
  /** The caller's device; it is used as it is and never destroyed. */
  device?: GPUDevice
  /** Default: the environment variable DEEPFACEFLOW_ADAPTER, else 'auto'. */
  adapter?: AdapterChoice
  /** Folder of the kernel files; the package's own when left out. */
  kernelRoot?: string
  /**
   * False drops the bounds checks that Dawn adds to shaders. Only for measurements: a kernel that then
   * reads or writes outside its buffers touches the process's own memory on a software adapter.
   */
  robustness?: boolean
}

const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query']

interface DeviceParts {
  readonly gpu: GPUDevice
  readonly caps: AdapterCaps
  readonly selection: string
  /** True if the engine opened the device and so may destroy it. */
  readonly owned: boolean
  readonly kernelRoot: string | undefined
}

/** A GPU device with what every plan on it shares: capabilities, buffer accounts, compiled kernels. */
export class EngineDevice {
  readonly gpu: GPUDevice
  readonly caps: AdapterCaps
  /** One printable line: what was taken and why. */
  readonly selection: string
  readonly buffers: BufferLedger
  readonly kernels: KernelCache
  /** Resolves when the device is lost, with code DEVICE_LOST; never because of `dispose()`. */
  readonly lost: Promise<EngineError>
  readonly #owned: boolean
  #disposed = false
  #lostError: EngineError | undefined
  /** The first error that no scope caught and that nobody was told of yet. */
  #uncaptured: EngineError | undefined
  readonly #onUncaptured = (event: Event): void => {
    // On our own device this is the only report; on the caller's, the caller's handlers see it as well.
    if (this.#owned) event.preventDefault()
    const { error } = event as GPUUncapturedErrorEvent
    this.#uncaptured ??= fromGpuError('the device reported an error outside any error scope', error)
  }

  constructor(parts: DeviceParts) {
    this.gpu = parts.gpu
    this.caps = parts.caps
    this.selection = parts.selection
    this.#owned = parts.owned
    this.buffers = new BufferLedger(parts.gpu, () => this.assertUsable())
    this.kernels = new KernelCache(this, parts.kernelRoot)
    parts.gpu.addEventListener('uncapturederror', this.#onUncaptured)
    this.lost = new Promise((resolve) => {
      void parts.gpu.lost.then((info) => {
        if (this.#disposed) return
        const why = info.message || info.reason || 'no reason given'
        this.#lostError = new EngineError('DEVICE_LOST', `the GPU device was lost: ${why}`, {
          reason: info.reason,
        })
        resolve(this.#lostError)
      })
    })
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /**
   * @throws EngineError DISPOSED or DEVICE_LOST; or the first error that the device reported outside of
   *   any scope since the last call, once
   */
  assertUsable(): void {
    if (this.#disposed) throw new EngineError('DISPOSED', 'this engine device was disposed')
    if (this.#lostError) throw this.#lostError
    const error = this.#uncaptured
    this.#uncaptured = undefined
    if (error) throw error
  }

  /**
   * Runs `work`, which must do its WebGPU calls before it returns, and waits for the device's verdict on
   * them.
   *
   * @param label names the work in the error
   * @returns what `work` returned
   * @throws EngineError OUT_OF_MEMORY; INVALID_ARGUMENT for a validation error; DEVICE_LOST
   */
  async scoped<T>(label: string, work: () => T): Promise<T> {
    this.assertUsable()
    const filters = ['out-of-memory', 'validation', 'internal'] as const
    for (const filter of filters) this.gpu.pushErrorScope(filter)
    let verdicts: Promise<(GPUError | null)[]>
    let result: T
    try {
      result = work()
    } finally {
      verdicts = Promise.all(filters.map(() => this.wait(label, () => this.gpu.popErrorScope())))
      // If `work` threw, its error is the one to report.
      verdicts.catch(() => {})
    }
    const error = (await verdicts).find((verdict) => verdict !== null)
    if (error) throw fromGpuError(label, error)
    return result
  }

  /**
   * Waits for one asynchronous WebGPU operation (`mapAsync`, `onSubmittedWorkDone`, ...) without keeping a
   * core busy, and turns a rejection into an EngineError.
   *
   * @param start begins the operation; called at once
   * @throws EngineError DEVICE_LOST or DISPOSED if that is why it failed; else INVALID_ARGUMENT
   */
  async wait<T>(label: string, start: () => Promise<T>): Promise<T> {
    try {
      return await paced(this.caps.software ? SOFTWARE_PACE : HARDWARE_PACE, start)
    } catch (cause) {
      if (cause instanceof EngineError) throw cause
      // A loss rejects what is in flight before the device's own `lost` promise has told us.
      await turnOfEventLoop()
      if (this.#disposed || this.#lostError) this.assertUsable()
      const reason = messageOf(cause)
      throw new EngineError('INVALID_ARGUMENT', `${label}: ${reason}`, {}, { cause })
    }
  }

  /**
   * Destroys every buffer of the ledger, and the device unless it is the caller's. May be called again.
   */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.gpu.removeEventListener('uncapturederror', this.#onUncaptured)
    this.buffers.destroyAll()
    if (this.#owned) this.gpu.destroy()
  }
}

function fromGpuError(label: string, error: GPUError): EngineError {
  const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError'
  const message = outOfMemory ? `${label}: the GPU is out of memory` : `${label}: ${error.message}`
  return new EngineError(outOfMemory ? 'OUT_OF_MEMORY' : 'INVALID_ARGUMENT', message, {
    kind: error.constructor.name,
  })
}

const SOURCE_NAMES: Record<AdapterSource, string> = { system: 'system driver', embedded: 'embedded driver' }

/**
 * Opens a device: the caller's, else by `adapter`, else by DEEPFACEFLOW_ADAPTER, else the best there is.
 *
 * @throws EngineError NO_ADAPTER that lists what was found
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<EngineDevice> {
  const { kernelRoot } = options
  if (options.device) {
    const caps = capsOfDevice(options.device)
    const selection = `adapter: ${caps.name} (device of the caller)`
    return new EngineDevice({ gpu: options.device, caps, selection, owned: false, kernelRoot })
  }
  const choice = options.adapter ?? environment('DEEPFACEFLOW_ADAPTER') ?? 'auto'
  const found = await chooseAdapter(choice, { robustness: options.robustness ?? true })
  const { adapter, source, reason } = found
  const features = FEATURES.filter((feature) => adapter.features.has(feature))
  const limits = Object.fromEntries(LIMIT_NAMES.map((limit) => [limit, adapter.limits[limit]]))
  let gpu: GPUDevice
  try {
    gpu = await adapter.requestDevice({ requiredFeatures: features, requiredLimits: limits })
  } catch (cause) {
    const why = messageOf(cause)
    throw new EngineError('NO_ADAPTER', `adapter ${found.caps.name} gives no device: ${why}`, {}, { cause })
  }
  // A device offers only what it was asked for, so caps are read from it; it does not carry adapter facts
  // beyond `adapterInfo`.
  const caps = readCaps(
    { info: adapter.info, features: gpu.features, limits: gpu.limits },
    found.caps.backend,
  )
  const kind = caps.software ? 'software' : 'hardware'
  const selection = `adapter: ${caps.name} (${kind}, ${caps.backend}, ${SOURCE_NAMES[source]}), because ${reason}`
  return new EngineDevice({ gpu, caps, selection, owned: true, kernelRoot })
}
