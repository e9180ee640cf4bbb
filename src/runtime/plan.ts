import { EngineError } from '../errors.js'
import { BufferUsage, MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { PlanSpec } from '../graph/plan.js'
import { printPlan } from '../graph/print-plan.js'
import { abortable } from './abort.js'
import { BufferBindings, type BufferKind } from './bindings.js'
import { Executor } from './executor.js'
import { findOverflow, type Overflow } from './finite-check.js'
import { assertFilled, bytesFor, type Contents, checkedInputs, checkedOutputs } from './input-data.js'
import { Verdicts } from './judgement.js'
import { type Profile, profile } from './profile.js'
import {
  type ComputeOptions,
  checkReadOptions,
  copyOut,
  type PlanOutputs,
  type ReadbackEntry,
  type ReadOptions,
  readbackBytes,
  readbackEntries,
} from './readback.js'
import type { WeightSet } from './weight-set.js'

/** Contents of a plan's inputs: exactly the declared bytes, in arrays of the declared element type or as bytes. */
export type PlanInputs = Readonly<Record<string, ArrayBufferView>>

/** What a plan needs to be (re)built on a device; owned by the engine. */
export interface PlanParts {
  readonly device: EngineDevice
  readonly weights: WeightSet
  /** Made anew where the device can do less or more than the one before. */
  readonly spec: PlanSpec
}

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
  #bindings: BufferBindings | undefined
  readonly #verdicts = new Verdicts()
  /** Of the last run; undefined before the first, when outputs hold nothing. */
  #lastRun: Promise<void> | undefined
  /** What the last run computed, where it left outputs out. */
  #computed: readonly string[] | undefined
  /** Settles with the read before: results are given in the order of the calls. */
  #lastRead: Promise<unknown> = Promise.resolve()
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
    this.#verdicts.clear()
    this.#lastRun = undefined
    this.#spec = parts.spec
    try {
      const executor = await Executor.build(parts.device, parts.spec, parts.weights, onProgress)
      // Disposed meanwhile.
      if (this.#obstacle?.code === 'DISPOSED') executor.dispose()
      else {
        this.#executor = executor
        this.#bindings = new BufferBindings(executor)
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
    this.#writeNow(this.#usable(), new Map([[name, bytesFor(this.spec, name, data, true)]]))
  }

  /**
   * Writes a prefix of an input: pixels of a photo smaller than the buffer holds. Bytes that fill up the last word become 0.
   * @throws EngineError INVALID_ARGUMENT for an unknown input or more bytes than it holds; else as `write`
   */
  writePart(name: string, data: ArrayBufferView): void {
    this.#writeNow(this.#usable(), new Map([[name, bytesFor(this.spec, name, data, false)]]))
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
        ? this.#submit(executor, { contents }).verdict
        : this.#afterExclusive(
            contents,
            async (later, copy) => this.#submit(later, { contents: copy }).verdict,
          )
    return this.#verdicts.judge(verdict)
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
    assertFilled(this.spec, this.#filled)
    executor.encodeElsewhere(encoder)
    this.#lastRun = Promise.resolve()
    this.#computed = undefined
  }

  /**
   * Runs and reads back: inputs are written, the plan and the copies go in one submit, before the call returns. Calls need not
   * wait for each other: results come in the order of the calls, the same as one by one, and up to three at a time take no
   * further memory.
   * @param outputs names of the outputs to read; default all
   * @throws EngineError INVALID_ARGUMENT for wrong inputs, one that was never given, unknown outputs or wrong options;
   * INVALID_BUFFER if a bound buffer was destroyed; DEVICE_LOST if the device is lost before the results arrive; DISPOSED if
   * the plan is; the signal's reason if it is aborted
   */
  async compute(
    inputs: PlanInputs = {},
    outputs?: readonly string[],
    options: ComputeOptions = {},
  ): Promise<PlanOutputs> {
    const executor = this.#usable()
    const entries = this.#checkedRead(outputs, options)
    const contents = this.#checkedInputs(inputs)
    options.signal?.throwIfAborted()
    const computed = options.only === true ? entries.map(({ name }) => name) : undefined
    const run: Run = { contents, ...(computed && { computed }) }
    const results =
      this.#exclusive === undefined
        ? this.#readBack(executor, entries, options, run)
        : this.#afterExclusive(contents, (later, copy) =>
            this.#readBack(later, entries, options, { ...run, contents: copy }),
          )
    return await abortable(results, options.signal)
  }

  /**
   * Reads outputs of the last run.
   * @throws EngineError INVALID_ARGUMENT for unknown outputs, those that the last run left out, and before the first run; else
   * as `compute`; also what the device refused of the last run
   */
  async read(outputs?: readonly string[], options: ReadOptions = {}): Promise<PlanOutputs> {
    const executor = this.#usable()
    const entries = this.#checkedRead(outputs, options)
    const lastRun = this.#lastRun
    if (lastRun === undefined) throw this.#error('INVALID_ARGUMENT', 'nothing to read: it has not run yet')
    const leftOut = entries.find(({ name }) => this.#computed?.includes(name) === false)
    if (leftOut !== undefined) {
      throw this.#error('INVALID_ARGUMENT', `the last run left output "${leftOut.name}" out; ask it for all`)
    }
    options.signal?.throwIfAborted()
    const results = abortable(
      this.#exclusive === undefined
        ? this.#readBack(executor, entries, options)
        : this.#afterExclusive(new Map(), (later) => this.#readBack(later, entries, options)),
      options.signal,
    )
    results.catch(() => undefined)
    try {
      await lastRun
    } catch (error) {
      this.#verdicts.told(error)
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
      assertFilled(this.spec, this.#filled)
      this.#lastRun = Promise.resolve()
      this.#computed = undefined
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
    this.#verdicts.throwUntold()
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

  /** Checks all inputs of a call before anything of it is done. */
  #checkedInputs(inputs: unknown): Contents {
    const contents = checkedInputs(this.spec, inputs)
    assertFilled(this.spec, this.#filled, contents)
    for (const name of contents.keys()) this.#assertWritable(name)
    return contents
  }

  #checkedRead(outputs: unknown, options: ReadOptions): readonly ReadbackEntry[] {
    const entries = readbackEntries(this.spec, checkedOutputs(this.spec, outputs))
    checkReadOptions(`plan "${this.name}"`, entries, options)
    return entries
  }

  /** A buffer of the caller need not take writes. */
  #assertWritable(name: string): void {
    const { usage } = this.#built().input(name)
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

  /** Writes, encodes and submits within scopes. @param run undefined: only the copies of `readback` */
  #submit(
    executor: Executor,
    run: Run | undefined,
    readback?: Readback,
  ): { readonly verdict: Promise<void> } {
    const { device } = executor
    const { verdict } = device.judged(`plan "${this.name}"`, () => {
      const { queue } = device.gpu
      for (const [name, bytes] of run?.contents ?? []) queue.writeBuffer(executor.input(name), 0, bytes)
      const encoder = device.gpu.createCommandEncoder()
      if (run !== undefined) executor.encode(encoder, run.computed)
      for (const { name, offset, copiedBytes } of readback?.entries ?? []) {
        encoder.copyBufferToBuffer(
          executor.output(name),
          0,
          readback?.buffer as GPUBuffer,
          offset,
          copiedBytes,
        )
      }
      queue.submit([encoder.finish()])
    })
    const explained = this.#explained(executor, verdict)
    // Whoever called waits for the same promise, or may leave it.
    explained.catch(() => undefined)
    if (run !== undefined) {
      for (const name of run.contents.keys()) this.#filled.add(name)
      this.#lastRun = explained
      this.#computed = run.computed
    }
    return { verdict: explained }
  }

  /** Submits before it returns; its results come behind those of the reads before. */
  #readBack(
    executor: Executor,
    entries: readonly ReadbackEntry[],
    options: ReadOptions,
    run?: Run,
  ): Promise<PlanOutputs> {
    const results = this.#readBehind(this.#lastRead, executor, entries, options, run)
    this.#lastRead = results.catch(() => undefined)
    return results
  }

  async #readBehind(
    before: Promise<unknown>,
    executor: Executor,
    entries: readonly ReadbackEntry[],
    { into, signal }: ReadOptions,
    run: Run | undefined,
  ): Promise<PlanOutputs> {
    const { device } = executor
    let staging: GPUBuffer | undefined
    try {
      const { result: buffer, verdict: created } = this.#staging(executor)
      staging = buffer
      const { verdict } = this.#submit(executor, run, { entries, buffer })
      const bytes = readbackBytes(entries)
      const mapped = device.wait(`plan "${this.name}": reading`, () =>
        buffer.mapAsync(MapMode.READ, 0, bytes),
      )
      // All have settled before the buffer is handed on; of several errors the first tells most.
      const settled = await Promise.allSettled([created, verdict, mapped])
      const failed = settled.find((result) => result.status === 'rejected')
      await before
      if (failed !== undefined) throw failed.reason
      return copyOut(buffer.getMappedRange(0, bytes), entries, signal?.aborted ? {} : into)
    } catch (error) {
      this.#verdicts.told(error)
      throw this.#interruption(executor) ?? error
    } finally {
      if (staging !== undefined) {
        if (!executor.disposed) staging.unmap()
        executor.giveStaging(staging)
      }
    }
  }

  /** A readback buffer; the verdict is on its allocation where one had to be made. */
  #staging(executor: Executor): { readonly result: GPUBuffer; readonly verdict: Promise<void> } {
    const free = executor.takeStaging()
    if (free !== undefined) return { result: free, verdict: Promise.resolve() }
    return executor.device.judged(`plan "${this.name}": readback`, () => executor.makeStaging())
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

  #bind(kind: BufferKind, name: string, buffer: GPUBuffer): Promise<void> {
    // Not `usable`: to bind another buffer is what mends a refused one.
    const executor = this.#built()
    const bindings = this.#bindings as BufferBindings
    const wasFilled = this.#filled.has(name)
    const { verdict, key } = bindings.bind(kind, name, buffer)
    if (kind === 'input') this.#filled.add(name)
    const settled = this.#explained(executor, verdict).then(
      () => bindings.accept(key, buffer),
      (error) => {
        const isUndone = bindings.refuse(key, buffer)
        if (isUndone && kind === 'input' && !wasFilled) this.#filled.delete(name)
        throw error
      },
    )
    return this.#verdicts.judge(settled, key)
  }
}

/** Inputs of a run, and the outputs that it computes where these are not all. */
interface Run {
  readonly contents: Contents
  readonly computed?: readonly string[]
}

interface Readback {
  readonly entries: readonly ReadbackEntry[]
  readonly buffer: GPUBuffer
}
