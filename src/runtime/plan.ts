import { EngineError } from '../errors.js'
import { BufferUsage, MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { PlanSpec } from '../graph/plan.js'
import { printPlan } from '../graph/print-plan.js'
import { Executor } from './executor.js'
import { findOverflow, type Overflow } from './finite-check.js'
import { inputBytes } from './input-data.js'
import { Judgement } from './judgement.js'
import { type Profile, profile } from './profile.js'
import type { WeightSet } from './weight-set.js'

/** Contents of a plan's inputs: exactly the declared bytes, in arrays of the declared element type or as bytes. */
export type PlanInputs = Readonly<Record<string, ArrayBufferView>>
/** `f32` outputs as Float32Array, all others as bytes. */
export type PlanOutputs = Record<string, Float32Array | Uint8Array>

/** What a plan needs to be (re)built on a device; owned by the engine. */
export interface PlanParts {
  readonly device: EngineDevice
  readonly weights: WeightSet
  /** Made anew where the device can do less or more than the one before. */
  readonly spec: PlanSpec
}

type Contents = ReadonlyMap<string, Uint8Array<ArrayBuffer>>
type Kind = 'input' | 'output'

/**
 * A compiled graph: everything is allocated and recorded, a run only encodes it. Made by `Engine.compile`.
 *
 * Calls may overlap: each is submitted before it returns, in the order of the calls, and has read the caller's arrays by then.
 * After a call that was refused the plan is as it was before.
 */
export class Plan {
  #spec: PlanSpec
  #executor: Executor | undefined
  /** Why there is no executor: disposed, or it could not be built again after a loss. */
  #obstacle: EngineError | undefined
  /** While steps run one by one (`profile`, `assertFinite`), other calls wait. */
  #exclusive: Promise<unknown> | undefined
  /** Inputs whose contents are known, or are the caller's business. */
  readonly #filled = new Set<string>()
  /** Buffers known to work, by kind and name: the plan's own, or the last of the caller that the device accepted. */
  readonly #verified = new Map<string, GPUBuffer>()
  /** What the device refused of a call that nobody waited for; `binding` where a later one of the same name mends it. */
  #untold: { readonly error: EngineError; readonly binding: string | undefined } | undefined
  /** Calls with a verdict so far, and how many of them came before an error of their kind was told. */
  #judged = 0
  #excused = 0
  readonly #lastBound = new Map<string, number>()
  /** Of the last run; undefined before the first, when outputs hold nothing. */
  #lastRun: Promise<void> | undefined
  readonly #onDispose: (plan: Plan) => void

  /** Called by the engine. */
  constructor(spec: PlanSpec, onDispose: (plan: Plan) => void) {
    this.#spec = spec
    this.#onDispose = onDispose
  }

  /** Called by the engine, at compile and after recovery of a lost device. */
  async build(parts: PlanParts, onProgress?: (done: number, total: number) => void): Promise<void> {
    // A caller's buffers belong to the lost device: the plan gets its own until others are bound.
    this.#filled.clear()
    this.#verified.clear()
    this.#untold = undefined
    this.#lastRun = undefined
    this.#spec = parts.spec
    try {
      const executor = await Executor.build(parts.device, parts.spec, parts.weights, onProgress)
      // Disposed meanwhile.
      if (this.#obstacle?.code === 'DISPOSED') executor.dispose()
      else {
        this.#executor = executor
        this.#obstacle = undefined
      }
    } catch (error) {
      if (error instanceof EngineError) this.#obstacle ??= error
      throw error
    }
  }

  get spec(): PlanSpec {
    return this.#spec
  }

  get name(): string {
    return this.#spec.name
  }

  /**
   * Copies data into an input buffer; the next run sees it.
   * @throws EngineError INVALID_ARGUMENT for an unknown input, another byte length than the declared one, or an array of
   * another element type; INVALID_BUFFER if a buffer is bound to it that cannot be written (usage COPY_DST)
   */
  write(name: string, data: ArrayBufferView): void {
    this.#writeNow(this.#usable(), new Map([[name, this.#bytesFor(name, data, true)]]))
  }

  /**
   * Writes a prefix of an input: pixels of a photo smaller than the buffer holds. Bytes that fill up the last word become 0.
   * @throws EngineError INVALID_ARGUMENT for an unknown input or more bytes than it holds; else as `write`
   */
  writePart(name: string, data: ArrayBufferView): void {
    this.#writeNow(this.#usable(), new Map([[name, this.#bytesFor(name, data, false)]]))
  }

  /**
   * Encodes and submits the plan once: one command buffer, no allocation. Results stay on the GPU.
   * @returns settles when the device has accepted the commands (not when they are done); rejects with INVALID_BUFFER if a
   * bound buffer was destroyed. If nobody waits for it, the next call throws that error
   * @throws EngineError INVALID_ARGUMENT for wrong inputs, or one that was never given
   */
  run(inputs: PlanInputs = {}): Promise<void> {
    const executor = this.#usable()
    const contents = this.#checkedInputs(inputs)
    const verdict =
      this.#exclusive === undefined
        ? this.#submit(executor, contents, []).verdict
        : this.#afterExclusive(contents, async (later, copy) => this.#submit(later, copy, []).verdict)
    return this.#judgement(verdict)
  }

  /**
   * Adds the plan to the caller's own command encoder (of the same device).
   * @throws EngineError INVALID_ARGUMENT if an input was never given
   */
  encode(encoder: GPUCommandEncoder): void {
    const executor = this.#usable()
    if (typeof encoder?.beginComputePass !== 'function') {
      throw this.#error('INVALID_ARGUMENT', `encode() takes a GPUCommandEncoder, got ${String(encoder)}`)
    }
    this.#assertFilled([])
    executor.encodeElsewhere(encoder)
    this.#lastRun = Promise.resolve()
  }

  /**
   * Runs and reads back: inputs are written, the plan and the copies go in one submit, before the call returns.
   * @param outputs names of the outputs to read; default all
   * @throws EngineError INVALID_ARGUMENT for wrong inputs, one that was never given, or unknown outputs; INVALID_BUFFER if a
   * bound buffer was destroyed; DEVICE_LOST if the device is lost before the results arrive; DISPOSED if the plan is
   */
  async compute(inputs: PlanInputs = {}, outputs?: readonly string[]): Promise<PlanOutputs> {
    const executor = this.#usable()
    const names = this.#checkedOutputs(outputs)
    const contents = this.#checkedInputs(inputs)
    if (this.#exclusive === undefined) return await this.#readBack(executor, contents, names)
    return await this.#afterExclusive(contents, (later, copy) => this.#readBack(later, copy, names))
  }

  /**
   * Reads outputs of the last run.
   * @throws EngineError INVALID_ARGUMENT for unknown outputs, and before the first run; else as `compute`; also what the
   * device refused of the last run
   */
  async read(outputs?: readonly string[]): Promise<PlanOutputs> {
    const executor = this.#usable()
    const names = this.#checkedOutputs(outputs)
    const lastRun = this.#lastRun
    if (lastRun === undefined) throw this.#error('INVALID_ARGUMENT', 'nothing to read: it has not run yet')
    const results =
      this.#exclusive === undefined
        ? this.#readBack(executor, undefined, names)
        : this.#afterExclusive(new Map(), (later) => this.#readBack(later, undefined, names))
    results.catch(() => undefined)
    try {
      await lastRun
    } catch (error) {
      this.#told(error)
      throw error
    }
    return await results
  }

  /** GPU buffer of an input, for the caller's own writes. */
  inputBuffer(name: string): GPUBuffer {
    const buffer = this.#usable().input(name)
    this.#filled.add(name)
    return buffer
  }

  /** GPU buffer of an output, for zero-copy use by the caller's own kernels. */
  outputBuffer(name: string): GPUBuffer {
    return this.#usable().output(name)
  }

  /**
   * Lets the plan read from the caller's buffer instead of its own. Bind groups are rebuilt here, not in runs.
   * @returns settles when the device has accepted the buffer; rejects with INVALID_BUFFER if it is destroyed or of another
   * device, and the buffer bound before is back. If nobody waits for it, the next call throws that error
   * @throws EngineError INVALID_BUFFER if the buffer is too small or lacks STORAGE
   */
  bindInput(name: string, buffer: GPUBuffer): Promise<void> {
    return this.#bind('input', name, buffer)
  }

  /** As `bindInput`, for a result. Reading it back needs COPY_SRC besides STORAGE. */
  bindOutput(name: string, buffer: GPUBuffer): Promise<void> {
    return this.#bind('output', name, buffer)
  }

  /**
   * Time of each step, from timestamp queries where the adapter has them; says which.
   * @throws EngineError INVALID_ARGUMENT if `runs` is not a whole number of at least 1
   */
  async profile(runs = 5): Promise<Profile> {
    if (!Number.isSafeInteger(runs) || runs < 1) {
      throw this.#error(
        'INVALID_ARGUMENT',
        `profile() takes a whole number of runs >= 1, got ${String(runs)}`,
      )
    }
    return await this.#alone((executor) => profile(executor, runs))
  }

  /**
   * Debug: runs step by step on the present inputs and looks for NaN and Inf.
   * @throws EngineError NUMERIC_OVERFLOW naming the first step that produced one; INVALID_ARGUMENT if an input was never given
   */
  async assertFinite(): Promise<void> {
    const found: Overflow | undefined = await this.#alone((executor) => {
      this.#assertFilled([])
      this.#lastRun = Promise.resolve()
      return findOverflow(executor)
    })
    if (found === undefined) return
    throw new EngineError(
      'NUMERIC_OVERFLOW',
      `plan "${this.name}": step ${found.index} "${found.step}" (${found.kernel}) wrote ${found.value}` +
        (this.spec.storage === 'f16' ? '; compile with storage "f32", f16 ends at 65504' : ''),
      { ...found },
    )
  }

  /** The plan as a table. */
  toString(): string {
    return printPlan(this.spec)
  }

  /** Frees all buffers. Later calls, and reads that are still waiting, throw DISPOSED. */
  dispose(): void {
    if (this.#obstacle?.code === 'DISPOSED') return
    this.release(this.#error('DISPOSED', 'was disposed; compile the graph again'))
    this.#onDispose(this)
  }

  /** Called by the engine: frees device objects, before a rebuild or at disposal. @param why what calls throw until then */
  release(why: EngineError): void {
    if (this.#obstacle?.code !== 'DISPOSED') this.#obstacle = why
    this.#executor?.dispose()
    this.#executor = undefined
  }

  /** @throws EngineError also what the device refused of an earlier call, once, if nobody waited for it */
  #usable(): Executor {
    const executor = this.#built()
    const untold = this.#untold
    this.#untold = undefined
    if (untold) throw untold.error
    return executor
  }

  #built(): Executor {
    if (this.#executor === undefined) throw this.#obstacle ?? this.#error('DISPOSED', 'it is not built')
    this.#executor.device.assertUsable()
    return this.#executor
  }

  #error(code: EngineError['code'], problem: string, details: Record<string, unknown> = {}): EngineError {
    return new EngineError(code, `plan "${this.name}": ${problem}`, details)
  }

  /** @throws EngineError INVALID_ARGUMENT for an unknown input, or data that is not its contents */
  #bytesFor(name: string, data: unknown, exact: boolean): Uint8Array<ArrayBuffer> {
    const facts = this.spec.inputs.get(name)
    if (facts === undefined) {
      const known = [...this.spec.inputs.keys()].join(', ')
      throw this.#error('INVALID_ARGUMENT', `there is no input "${String(name)}"; it has: ${known}`)
    }
    return inputBytes(`plan "${this.name}": input "${name}"`, facts, data, exact)
  }

  /** Checks all inputs of a call before anything of it is done. */
  #checkedInputs(inputs: unknown): Contents {
    if (typeof inputs !== 'object' || inputs === null || ArrayBuffer.isView(inputs)) {
      throw this.#error('INVALID_ARGUMENT', 'inputs are given by name, as in { x: new Float32Array(...) }')
    }
    const contents = new Map(
      Object.entries(inputs).map(([name, data]) => [name, this.#bytesFor(name, data, true)]),
    )
    this.#assertFilled([...contents.keys()])
    for (const name of contents.keys()) this.#assertWritable(name)
    return contents
  }

  /** @throws EngineError INVALID_ARGUMENT for an input that holds nothing yet and is not given now either */
  #assertFilled(given: readonly string[]): void {
    const missing = [...this.spec.inputs.keys()].filter(
      (name) => !this.#filled.has(name) && !given.includes(name),
    )
    if (missing.length === 0) return
    const list = missing.map((name) => `"${name}" (${this.spec.inputs.get(name)?.contents})`).join(', ')
    throw this.#error(
      'INVALID_ARGUMENT',
      `input ${list} was never given; pass it, write() it or bind a buffer`,
      {
        missing,
      },
    )
  }

  #checkedOutputs(outputs: unknown): string[] {
    const known = [...this.spec.outputs.keys()]
    if (outputs === undefined) return known
    if (!Array.isArray(outputs)) {
      throw this.#error('INVALID_ARGUMENT', `outputs are a list of names, as in ['${known[0]}']`)
    }
    const unknown = outputs.find((name) => !known.includes(name))
    if (unknown !== undefined || outputs.includes(undefined)) {
      throw this.#error(
        'INVALID_ARGUMENT',
        `there is no output "${String(unknown)}"; it has: ${known.join(', ')}`,
      )
    }
    return [...new Set<string>(outputs)]
  }

  /** A buffer of the caller need not take writes. */
  #assertWritable(name: string): void {
    const { usage } = this.#executor?.input(name) ?? { usage: BufferUsage.COPY_DST }
    if ((usage & BufferUsage.COPY_DST) !== 0) return
    throw this.#error(
      'INVALID_BUFFER',
      `the buffer bound to input "${name}" lacks the usage COPY_DST, so data cannot be written to it`,
      { name, usage },
    )
  }

  #writeNow(executor: Executor, contents: Contents): void {
    for (const name of contents.keys()) this.#assertWritable(name)
    const { device } = executor
    // A destroyed buffer refuses the write; the run that reads it says so.
    device.judged(`plan "${this.name}": writing`, () => {
      for (const [name, bytes] of contents) device.gpu.queue.writeBuffer(executor.input(name), 0, bytes)
    })
    for (const name of contents.keys()) this.#filled.add(name)
  }

  /** Writes, encodes and submits within scopes. @param contents undefined: only the copies of `staging` */
  #submit(
    executor: Executor,
    contents: Contents | undefined,
    staging: readonly (readonly [string, GPUBuffer])[],
  ): { readonly verdict: Promise<void> } {
    const { device } = executor
    const { verdict } = device.judged(`plan "${this.name}"`, () => {
      const { queue } = device.gpu
      for (const [name, bytes] of contents ?? []) queue.writeBuffer(executor.input(name), 0, bytes)
      const encoder = device.gpu.createCommandEncoder()
      if (contents !== undefined) executor.encode(encoder)
      for (const [name, buffer] of staging) {
        encoder.copyBufferToBuffer(executor.output(name), 0, buffer, 0, buffer.size)
      }
      queue.submit([encoder.finish()])
    })
    const explained = this.#explained(executor, verdict)
    // Whoever called waits for the same promise, or may leave it.
    explained.catch(() => undefined)
    if (contents !== undefined) {
      for (const name of contents.keys()) this.#filled.add(name)
      this.#lastRun = explained
    }
    return { verdict: explained }
  }

  async #readBack(
    executor: Executor,
    contents: Contents | undefined,
    names: readonly string[],
  ): Promise<PlanOutputs> {
    const { device } = executor
    const staging: [string, GPUBuffer][] = []
    try {
      const created = device.judged(`plan "${this.name}": readback`, () => {
        for (const name of names) staging.push([name, executor.takeStaging(name)])
      })
      const { verdict } = this.#submit(executor, contents, staging)
      const maps = staging.map(([name, buffer]) =>
        device.wait(`plan "${this.name}": reading "${name}"`, () => buffer.mapAsync(MapMode.READ)),
      )
      // All have settled before any buffer is handed on; of several errors the first tells most.
      const settled = await Promise.allSettled([created.verdict, verdict, ...maps])
      const failed = settled.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return Object.fromEntries(staging.map(([name, buffer]) => [name, this.#copyOf(name, buffer)]))
    } catch (error) {
      this.#told(error)
      throw this.#interruption(executor) ?? error
    } finally {
      for (const [name, buffer] of staging) {
        if (!executor.disposed) buffer.unmap()
        executor.giveStaging(name, buffer)
      }
    }
  }

  #copyOf(name: string, staging: GPUBuffer): Float32Array | Uint8Array {
    const wanted = this.spec.outputs.get(name)
    const copy = staging.getMappedRange().slice(0, wanted?.bytes ?? 0)
    return wanted?.contents.startsWith('f32') ? new Float32Array(copy) : new Uint8Array(copy)
  }

  /** What came between a call and its result, where the plan was taken down meanwhile. */
  #interruption(executor: Executor): EngineError | undefined {
    if (!executor.disposed) return undefined
    if (this.#obstacle !== undefined) return this.#obstacle
    return this.#error(
      'DEVICE_LOST',
      'it was built anew by recover() before the results arrived; run it again',
    )
  }

  /**
   * Names the bound buffers where the device refuses a submission: the plan's own commands and buffers are in order. A loss
   * of the device is left to the next call, unless somebody waits for results.
   */
  async #explained(executor: Executor, verdict: Promise<void>): Promise<void> {
    try {
      await verdict
    } catch (error) {
      const interruption = this.#interruption(executor)
      if (interruption !== undefined) throw interruption
      if (!(error instanceof EngineError) || error.code !== 'INVALID_ARGUMENT') throw error
      const reason = error.message.replace(/\s+/g, ' ')
      throw new EngineError(
        'INVALID_BUFFER',
        `${reason}; a buffer of the plan was destroyed or is of another device: bind another, or compile again`,
        error.details,
        { cause: error },
      )
    }
  }

  /** The verdict for callers who need not wait: only a refusal counts, a loss shows in whatever they call next. */
  #judgement(verdict: Promise<void>, binding?: string): Judgement {
    const refusals = verdict.catch((error: EngineError) => {
      if (error.code !== 'DEVICE_LOST' && error.code !== 'DISPOSED') throw error
    })
    const turn = ++this.#judged
    if (binding !== undefined) this.#lastBound.set(binding, turn)
    return Judgement.of(
      refusals,
      (error) => {
        if (turn > this.#excused && turn >= (this.#lastBound.get(binding ?? '') ?? 0)) {
          this.#untold ??= { error, binding }
        }
      },
      (error) => this.#told(error),
    )
  }

  /** A caller has got this error; verdicts of earlier calls, still to come, would say the same of the same buffer. */
  #told(error: unknown): void {
    if (!(error instanceof EngineError) || error.code !== 'INVALID_BUFFER') return
    this.#untold = undefined
    this.#excused = this.#judged
  }

  /** Runs a task with the device objects to itself; calls that come meanwhile wait for it. */
  async #alone<T>(task: (executor: Executor) => Promise<T>): Promise<T> {
    this.#usable()
    const before = this.#exclusive
    const turn = (async () => {
      await before
      const executor = this.#usable()
      try {
        return await task(executor)
      } catch (error) {
        throw this.#interruption(executor) ?? error
      }
    })()
    const done = turn.then(
      () => undefined,
      () => undefined,
    )
    this.#exclusive = done
    try {
      return await turn
    } finally {
      if (this.#exclusive === done) this.#exclusive = undefined
    }
  }

  async #afterExclusive<T>(
    contents: Contents,
    task: (executor: Executor, contents: Contents) => Promise<T>,
  ): Promise<T> {
    const copy = new Map([...contents].map(([name, bytes]) => [name, bytes.slice()]))
    const turn = this.#exclusive?.then(() => task(this.#usable(), copy))
    // Later calls come behind this one.
    const done = turn?.then(
      () => undefined,
      () => undefined,
    )
    this.#exclusive = done
    try {
      return (await turn) as T
    } finally {
      if (this.#exclusive === done) this.#exclusive = undefined
    }
  }

  #bind(kind: Kind, name: string, buffer: GPUBuffer): Promise<void> {
    // Not `usable`: to bind another buffer is what mends a refused one.
    const executor = this.#built()
    const old = kind === 'input' ? executor.input(name) : executor.output(name)
    const bytes = (kind === 'input' ? this.spec.inputs : this.spec.outputs).get(name)?.bytes ?? 0
    const needed = BufferUsage.STORAGE | (kind === 'output' ? BufferUsage.COPY_SRC : 0)
    if (typeof buffer?.size !== 'number' || typeof buffer.usage !== 'number') {
      throw this.#error('INVALID_BUFFER', `${kind} "${name}" needs a GPUBuffer, got ${String(buffer)}`, {
        name,
      })
    }
    if (buffer.size < bytes || (buffer.usage & needed) !== needed) {
      throw this.#error(
        'INVALID_BUFFER',
        `${kind} "${name}" needs a buffer of >= ${bytes} bytes with usage STORAGE` +
          `${kind === 'output' ? ' | COPY_SRC' : ''}; got ${buffer.size} bytes, usage 0x${buffer.usage.toString(16)}`,
        { name, bytes, size: buffer.size, usage: buffer.usage },
      )
    }
    const key = `${kind} ${name}`
    if (!this.#verified.has(key)) this.#verified.set(key, old)
    const wasFilled = this.#filled.has(name)
    const { device } = executor
    const { verdict } = device.judged(`plan "${this.name}": binding ${kind} "${name}"`, () => {
      executor.rebind(kind, name, buffer)
      const encoder = device.gpu.createCommandEncoder()
      executor.encodeProbe(encoder, kind, name)
      device.gpu.queue.submit([encoder.finish()])
    })
    if (kind === 'input') this.#filled.add(name)
    if (this.#untold?.binding === key) this.#untold = undefined
    return this.#judgement(
      this.#settleBinding(executor, { kind, name, buffer, key, wasFilled }, verdict),
      key,
    )
  }

  /** Frees what an accepted buffer replaced; puts back what a refused one did. */
  async #settleBinding(
    executor: Executor,
    { kind, name, buffer, key, wasFilled }: Binding,
    verdict: Promise<void>,
  ): Promise<void> {
    const current = (): GPUBuffer => (kind === 'input' ? executor.input(name) : executor.output(name))
    try {
      await this.#explained(executor, verdict)
    } catch (error) {
      const before = this.#verified.get(key)
      if (!executor.disposed && before !== undefined && current() === buffer) {
        executor.device.judged(`plan "${this.name}": binding`, () => executor.rebind(kind, name, before))
        if (kind === 'input' && !wasFilled) this.#filled.delete(name)
      }
      throw error
    }
    const before = this.#verified.get(key)
    if (executor.disposed) return
    this.#verified.set(key, buffer)
    if (before !== undefined && before !== current()) executor.retire(before)
  }
}

interface Binding {
  readonly kind: Kind
  readonly name: string
  readonly buffer: GPUBuffer
  readonly key: string
  readonly wasFilled: boolean
}
