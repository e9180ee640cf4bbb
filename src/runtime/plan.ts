import { EngineError } from '../errors.js'
import { BufferUsage, MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { PlanSpec } from '../graph/plan.js'
import { printPlan } from '../graph/print-plan.js'
import { isBuiltIn } from '../realms.js'
import { type BoundBuffers, Executor } from './executor.js'
import { findOverflow, type Overflow } from './finite-check.js'
import { type Profile, profile } from './profile.js'
import type { WeightSet } from './weight-set.js'

/** Contents of a plan's inputs: exactly the declared bytes. */
export type PlanInputs = Readonly<Record<string, ArrayBufferView>>
/** `f32` outputs as Float32Array, all others as bytes. */
export type PlanOutputs = Record<string, Float32Array | Uint8Array>

/** What a plan needs to be (re)built on a device; owned by the engine. */
export interface PlanParts {
  readonly device: EngineDevice
  readonly weights: WeightSet
}

/**
 * A compiled graph: everything is allocated and recorded, a run only encodes it. Made by `Engine.compile`.
 * Calls may overlap: reads are queued one behind the other.
 */
export class Plan {
  #executor: Executor | undefined
  #disposed = false
  #queue: Promise<unknown> = Promise.resolve()
  readonly #bound = { inputs: new Map<string, GPUBuffer>(), outputs: new Map<string, GPUBuffer>() }
  readonly #onDispose: (plan: Plan) => void

  /** Called by the engine. */
  constructor(
    readonly spec: PlanSpec,
    onDispose: (plan: Plan) => void,
  ) {
    this.#onDispose = onDispose
  }

  /** Called by the engine, at compile and after recovery of a lost device. */
  async build(parts: PlanParts, onProgress?: (done: number, total: number) => void): Promise<void> {
    // A caller's buffers belong to the lost device: the plan gets its own until others are bound.
    this.#bound.inputs.clear()
    this.#bound.outputs.clear()
    const bound: BoundBuffers = this.#bound
    this.#executor = await Executor.build(parts.device, this.spec, parts.weights, bound, onProgress)
  }

  get name(): string {
    return this.spec.name
  }

  /**
   * Copies data into an input buffer; the next run sees it.
   * @throws EngineError INVALID_ARGUMENT for an unknown input or another byte length than the declared one
   */
  write(name: string, data: ArrayBufferView): void {
    const executor = this.#usable()
    const buffer = executor.input(name)
    const wanted = this.spec.inputs.get(name)
    if (wanted === undefined || data.byteLength !== wanted.bytes) {
      throw new EngineError(
        'INVALID_ARGUMENT',
        `plan "${this.name}": input "${name}" is ${wanted?.contents} (${wanted?.bytes} bytes), got ${data.byteLength} bytes`,
        { input: name, wanted: wanted?.bytes, got: data.byteLength },
      )
    }
    executor.device.gpu.queue.writeBuffer(buffer, 0, withoutSharedMemory(data))
  }

  /**
   * Writes a prefix of an input: pixels of a photo smaller than the buffer holds.
   * @throws EngineError INVALID_ARGUMENT for an unknown input or more bytes than it holds
   */
  writePart(name: string, data: ArrayBufferView): void {
    const executor = this.#usable()
    const buffer = executor.input(name)
    const capacity = this.spec.inputs.get(name)?.bytes ?? 0
    if (data.byteLength > capacity) {
      throw new EngineError(
        'INVALID_ARGUMENT',
        `plan "${this.name}": input "${name}" holds ${capacity} bytes, got ${data.byteLength}`,
        { input: name, capacity, got: data.byteLength },
      )
    }
    executor.device.gpu.queue.writeBuffer(buffer, 0, withoutSharedMemory(data))
  }

  /** Encodes and submits the plan once: one command buffer, no allocation. Results stay on the GPU. */
  run(inputs: PlanInputs = {}): void {
    const executor = this.#usable()
    for (const [name, data] of Object.entries(inputs)) this.write(name, data)
    const encoder = executor.device.gpu.createCommandEncoder()
    executor.encode(encoder)
    executor.device.gpu.queue.submit([encoder.finish()])
  }

  /** Adds the plan to the caller's own command encoder (of the same device). */
  encode(encoder: GPUCommandEncoder): void {
    this.#usable().encode(encoder)
  }

  /**
   * Runs and reads back: inputs are written, the plan and the copies go in one submit.
   * @param outputs names of the outputs to read; default all
   * @throws EngineError DEVICE_LOST if the device is lost before the results arrive
   */
  async compute(inputs: PlanInputs = {}, outputs?: readonly string[]): Promise<PlanOutputs> {
    return await this.#enqueue(async (executor) => {
      for (const [name, data] of Object.entries(inputs)) this.write(name, data)
      return await this.#readBack(executor, outputs, true)
    })
  }

  /** Reads outputs of the last run. */
  async read(outputs?: readonly string[]): Promise<PlanOutputs> {
    return await this.#enqueue((executor) => this.#readBack(executor, outputs, false))
  }

  /** GPU buffer of an input, for the caller's own writes. */
  inputBuffer(name: string): GPUBuffer {
    return this.#usable().input(name)
  }

  /** GPU buffer of an output, for zero-copy use by the caller's own kernels. */
  outputBuffer(name: string): GPUBuffer {
    return this.#usable().output(name)
  }

  /**
   * Lets the plan read from the caller's buffer instead of its own. Bind groups are rebuilt here, not in runs.
   * @throws EngineError INVALID_BUFFER if the buffer is too small or lacks STORAGE
   */
  bindInput(name: string, buffer: GPUBuffer): void {
    this.#bind('input', name, buffer, this.spec.inputs.get(name)?.bytes ?? 0)
  }

  /** As `bindInput`, for a result. Reading it back needs COPY_SRC besides STORAGE. */
  bindOutput(name: string, buffer: GPUBuffer): void {
    this.#bind('output', name, buffer, this.spec.outputs.get(name)?.bytes ?? 0)
  }

  /** Time of each step, from timestamp queries where the adapter has them; says which. */
  async profile(runs = 5): Promise<Profile> {
    return await this.#enqueue((executor) => profile(executor, runs))
  }

  /**
   * Debug: runs step by step on the present inputs and looks for NaN and Inf.
   * @throws EngineError NUMERIC_OVERFLOW naming the first step that produced one
   */
  async assertFinite(): Promise<void> {
    const found: Overflow | undefined = await this.#enqueue((executor) => findOverflow(executor))
    if (found !== undefined) {
      throw new EngineError(
        'NUMERIC_OVERFLOW',
        `plan "${this.name}": step ${found.index} "${found.step}" (${found.kernel}) wrote ${found.value}` +
          (this.spec.storage === 'f16' ? '; compile with storage "f32", f16 ends at 65504' : ''),
        { ...found },
      )
    }
  }

  /** The plan as a table. */
  toString(): string {
    return printPlan(this.spec)
  }

  /** Frees all buffers. Later calls throw DISPOSED. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.release()
    this.#onDispose(this)
  }

  /** Called by the engine: frees device objects, before a rebuild or at disposal. */
  release(): void {
    this.#executor?.dispose()
    this.#executor = undefined
  }

  #usable(): Executor {
    if (this.#disposed || this.#executor === undefined) {
      throw new EngineError('DISPOSED', `plan "${this.name}" was disposed; compile the graph again`)
    }
    this.#executor.device.assertUsable()
    return this.#executor
  }

  async #enqueue<T>(task: (executor: Executor) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => task(this.#usable()))
    this.#queue = turn.catch(() => undefined)
    return await turn
  }

  async #readBack(
    executor: Executor,
    outputs: readonly string[] | undefined,
    run: boolean,
  ): Promise<PlanOutputs> {
    const names = outputs ?? [...this.spec.outputs.keys()]
    const { device } = executor
    const encoder = device.gpu.createCommandEncoder()
    if (run) executor.encode(encoder)
    for (const name of names) {
      const staging = executor.staging(name)
      encoder.copyBufferToBuffer(executor.output(name), 0, staging, 0, staging.size)
    }
    device.gpu.queue.submit([encoder.finish()])
    const results = await Promise.all(names.map((name) => this.#map(executor, name)))
    return Object.fromEntries(results)
  }

  async #map(executor: Executor, name: string): Promise<[string, Float32Array | Uint8Array]> {
    const staging = executor.staging(name)
    const wanted = this.spec.outputs.get(name)
    const bytes = wanted?.bytes ?? 0
    await executor.device.wait(`plan "${this.name}": reading "${name}"`, () => staging.mapAsync(MapMode.READ))
    const copy = staging.getMappedRange().slice(0, bytes)
    staging.unmap()
    return [name, wanted?.contents.startsWith('f32') ? new Float32Array(copy) : new Uint8Array(copy)]
  }

  #bind(kind: 'input' | 'output', name: string, buffer: GPUBuffer, bytes: number): void {
    const executor = this.#usable()
    if (kind === 'input') executor.input(name)
    else executor.output(name)
    const needed = BufferUsage.STORAGE | (kind === 'output' ? BufferUsage.COPY_SRC : 0)
    if (buffer.size < bytes || (buffer.usage & needed) !== needed) {
      throw new EngineError(
        'INVALID_BUFFER',
        `plan "${this.name}": ${kind} "${name}" needs a buffer of >= ${bytes} bytes with usage STORAGE` +
          `${kind === 'output' ? ' | COPY_SRC' : ''}; got ${buffer.size} bytes, usage 0x${buffer.usage.toString(16)}`,
        { name, bytes, size: buffer.size, usage: buffer.usage },
      )
    }
    this.#bound[kind === 'input' ? 'inputs' : 'outputs'].set(name, buffer)
    executor.rebind(kind, name, buffer)
  }
}

/** Dawn's writeBuffer refuses views of shared memory. */
function withoutSharedMemory(data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return isBuiltIn(bytes.buffer, 'ArrayBuffer') ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)
}
