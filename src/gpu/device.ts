import { EngineError } from '../errors.js'
import { type AdapterCaps, LIMIT_NAMES, readCaps } from '../platform/caps.js'
import {
  type AdapterChoice,
  type AdapterSource,
  capsOfDevice,
  chooseAdapter,
  environment,
  type FoundAdapter,
  HARDWARE_PACE,
  type InstanceOptions,
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

/** Which GPU device an engine works on. */
export interface OpenDeviceOptions {
  /** The caller's device; it is used as it is and never destroyed. */
  device?: GPUDevice
  /** Default: the environment variable DEEPFACEFLOW_ADAPTER, else 'auto'. */
  adapter?: AdapterChoice
  /** Folder of the kernel files; the package's own when left out. */
  kernelRoot?: string
  /** Which of two GPUs, where a machine has them; a wish. Default: 'high-performance'. */
  powerPreference?: GPUPowerPreference
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
  /** The first error of a device of our own that no scope caught and that nobody was told of yet. */
  #uncaptured: EngineError | undefined
  readonly #onUncaptured = (event: Event): void => {
    event.preventDefault()
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
    // What a caller's device reports is the caller's: every call of ours stands in scopes of its own.
    if (this.#owned) parts.gpu.addEventListener('uncapturederror', this.#onUncaptured)
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
   * @throws EngineError DISPOSED or DEVICE_LOST; on a device of our own, the first error that it reported outside
   *   of any scope since the last call, once
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
    const { result, verdict } = this.judged(label, work)
    await verdict
    return result
  }

  /**
   * As `scoped`, for calls that return before the device's verdict is known.
   *
   * @returns what `work` returned, and a promise that rejects as `scoped` does; it need not be waited for
   * @throws what `work` throws
   */
  judged<T>(label: string, work: () => T): { readonly result: T; readonly verdict: Promise<void> } {
    const filters = ['out-of-memory', 'validation', 'internal'] as const
    for (const filter of filters) this.gpu.pushErrorScope(filter)
    let verdict: Promise<void>
    let result: T
    try {
      result = work()
    } finally {
      verdict = Promise.all(filters.map(() => this.wait(label, () => this.gpu.popErrorScope()))).then(
        (errors) => {
          const error = errors.find((found) => found !== null)
          if (error) throw fromGpuError(label, error)
        },
      )
      // If `work` threw, its error is the one to report.
      verdict.catch(() => {})
    }
    return { result, verdict }
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
    if (this.#owned) this.gpu.removeEventListener('uncapturederror', this.#onUncaptured)
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

/** @throws EngineError INVALID_ARGUMENT for what cannot be a GPUDevice */
export function checkDevice(device: GPUDevice): void {
  // By what the engine calls, not by class: there is more than one implementation of WebGPU.
  const isDevice =
    typeof device?.createBuffer === 'function' &&
    typeof device.pushErrorScope === 'function' &&
    typeof device.queue?.submit === 'function' &&
    typeof device.features?.has === 'function' &&
    typeof device.limits === 'object' &&
    typeof device.lost?.then === 'function'
  if (isDevice) return
  throw new EngineError('INVALID_ARGUMENT', 'device must be a GPUDevice, as adapter.requestDevice() gives it')
}

/** Callers in JavaScript may pass anything. */
function checkOptions(options: OpenDeviceOptions): void {
  const fail = (problem: string): never => {
    throw new EngineError('INVALID_ARGUMENT', problem)
  }
  if (typeof options !== 'object' || options === null) fail(`options are an object, got ${String(options)}`)
  const { device, adapter, kernelRoot, robustness, powerPreference } = options
  // By what the engine calls, not by class: there is more than one implementation of WebGPU.
  const isDevice =
    typeof device?.createBuffer === 'function' &&
    typeof device.pushErrorScope === 'function' &&
    typeof device.queue?.submit === 'function' &&
    typeof device.features?.has === 'function' &&
    typeof device.limits === 'object' &&
    typeof device.lost?.then === 'function'
  if (device !== undefined && !isDevice)
    fail('device must be a GPUDevice, as adapter.requestDevice() gives it')
  if (adapter !== undefined && (typeof adapter !== 'string' || adapter === '')) {
    fail("adapter must be 'auto', 'hardware', 'software', 'embedded' or part of an adapter's name")
  }
  if (kernelRoot !== undefined && typeof kernelRoot !== 'string')
    fail('kernelRoot must be the path of a folder')
  if (powerPreference !== undefined && !['high-performance', 'low-power'].includes(powerPreference))
    fail(`powerPreference is 'high-performance' or 'low-power', got ${String(powerPreference)}`)
  if (robustness !== undefined && typeof robustness !== 'boolean') fail('robustness must be true or false')
}

const SOURCE_NAMES: Record<AdapterSource, string> = {
  system: 'system driver',
  embedded: 'embedded driver',
  browser: 'browser',
}

/** Where the best adapter gives no device, the next kind is tried: a software adapter is slow, but it works. */
const FALLBACKS = ['software', 'embedded'] as const

/** @throws EngineError NO_ADAPTER if the choice, or for 'auto' every kind of adapter, gives no device */
async function openAdapter(
  choice: AdapterChoice,
  options: InstanceOptions,
): Promise<{ found: FoundAdapter; gpu: GPUDevice }> {
  const failures: EngineError[] = []
  const tried = new Set<string>()
  let found: FoundAdapter | undefined = await chooseAdapter(choice, options)
  const fallbacks = choice === 'auto' ? [...FALLBACKS] : []
  for (;;) {
    const id = found && `${found.source} ${found.caps.name}`
    if (found !== undefined && id !== undefined && !tried.has(id)) {
      tried.add(id)
      try {
        const gpu = await requestDevice(found)
        const failed = failures.map(({ message }) => message).join('; ')
        return { found: failed === '' ? found : { ...found, reason: failed }, gpu }
      } catch (error) {
        failures.push(error as EngineError)
      }
    }
    const next = fallbacks.shift()
    if (next === undefined) break
    // What is not there is no reason to give up the others.
    found = await chooseAdapter(next, options).catch(() => undefined)
  }
  const [first] = failures
  const reasons = failures.map(({ message }) => message).join('; ')
  throw new EngineError('NO_ADAPTER', reasons, first?.details, { cause: first })
}

async function requestDevice({ adapter, caps }: FoundAdapter): Promise<GPUDevice> {
  const features = FEATURES.filter((feature) => adapter.features.has(feature))
  const limits = Object.fromEntries(LIMIT_NAMES.map((limit) => [limit, adapter.limits[limit]]))
  try {
    return await adapter.requestDevice({ requiredFeatures: features, requiredLimits: limits })
  } catch (cause) {
    throw new EngineError(
      'NO_ADAPTER',
      `adapter ${caps.name} gives no device: ${messageOf(cause)}`,
      {},
      { cause },
    )
  }
}

/**
 * Opens a device: the caller's, else by `adapter`, else by DEEPFACEFLOW_ADAPTER, else the best there is.
 *
 * @throws EngineError NO_ADAPTER that lists what was found; INVALID_ARGUMENT for options of the wrong type
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<EngineDevice> {
  checkOptions(options)
  const { kernelRoot } = options
  if (options.device) {
    const caps = capsOfDevice(options.device)
    const selection = `adapter: ${caps.name} (device of the caller)`
    return new EngineDevice({ gpu: options.device, caps, selection, owned: false, kernelRoot })
  }
  const choice = options.adapter ?? environment('DEEPFACEFLOW_ADAPTER') ?? 'auto'
  const { found, gpu } = await openAdapter(choice, {
    robustness: options.robustness ?? true,
    powerPreference: options.powerPreference,
  })
  const { adapter, source, reason } = found
  // A device offers only what it was asked for, so caps are read from it; it does not carry adapter facts
  // beyond `adapterInfo`.
  const caps = readCaps(
    { info: adapter.info, features: gpu.features, limits: gpu.limits },
    found.caps.backend,
  )
  const kind = caps.software ? 'software' : 'hardware'
  // A browser does not tell what drives its adapters.
  const facts = new Set([kind, caps.backend, SOURCE_NAMES[source]])
  const selection = `adapter: ${caps.name} (${[...facts].join(', ')}), because ${reason}`
  return new EngineDevice({ gpu, caps, selection, owned: true, kernelRoot })
}
