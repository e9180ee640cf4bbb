import { EngineError } from '../errors.js'
import type { PlanSpec } from '../graph/plan.js'
import { printPlan } from '../graph/print-plan.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import { isBuiltIn } from '../realms.js'
import { abortable } from './abort.js'
import type { BufferSlice, DeviceData } from './device-data.js'
import { findOverflow, type Overflow } from './finite-check.js'
import { assertFilled, bytesFor } from './input-data.js'
import { type PlanParts, PlanState, type ReadMember } from './plan-state.js'
import { type Profile, profile } from './profile.js'
import type { ComputeOptions, PlanOutputs, ReadOptions } from './readback.js'
import { dispatchRun, encodeRun, type ReadPart } from './submission.js'

/**
 * Contents of a plan's inputs: exactly the declared bytes, in arrays of the declared element type or as bytes; or what is on the
 * plan's device already and is copied there. A buffer or slice needs COPY_SRC, offset and row pitch of whole words; a texture, for
 * RGBA8 pixels, TEXTURE_BINDING, the size of the pixels and a format of 8-bit or float colours (those of `-srgb` formats are taken
 * as their bytes are). In browsers also a GPUExternalTexture, for RGBA8 pixels of a size that the graph states: it ends with the task that imported
 * it, so it is given in that task, and what `encode` has added of it is submitted there too.
 */
export type PlanInputs = Readonly<Record<string, ArrayBufferView | DeviceData>>

/**
 * Places on the device that outputs are copied to. A buffer or slice needs COPY_DST; a texture, for maps of one batch entry,
 * STORAGE_BINDING, the size of the map and the format rgba8unorm for RGBA8 pixels, else r32float, rg32float, rgba16float or rgba32float
 * of enough channels: those that the map lacks become 0, alpha 1.
 */
export type PlanTargets = Readonly<Record<string, DeviceData>>

/** What a run takes whose results stay on the device. */
export interface RunOptions {
  readonly to?: PlanTargets
  /** Leaves out the steps that only outputs without a place in `to` need; these hold anything then. Default false. */
  readonly only?: boolean
}

/** A plan's part in {@link Plan.computeTogether}: as the arguments of `Plan.compute`. */
export interface PlanJob extends Pick<ComputeOptions, 'into' | 'only'> {
  readonly plan: Plan
  readonly inputs?: PlanInputs
  readonly outputs?: readonly string[]
}

/**
 * A compiled graph: everything is allocated and recorded, a run only encodes it. Made by `Engine.compile`.
 *
 * Calls may overlap: each is submitted before it returns, in the order of the calls, and has read the caller's arrays by then.
 * After a call that was refused the plan is as it was before.
 */
export class Plan {
  readonly #state: PlanState
  readonly #onDispose: (plan: Plan) => void

  /** Called by the engine. */
  constructor(spec: PlanSpec, onDispose: (plan: Plan) => void) {
    this.#state = new PlanState(spec)
    this.#onDispose = onDispose
  }

  /** Called by the engine, at compile and after recovery of a lost device. */
  async build(parts: PlanParts, onProgress?: (done: number, total: number) => void): Promise<void> {
    await this.#state.build(parts, onProgress)
  }

  /** Called by the engine: frees device objects, before a rebuild or at disposal. @param why what calls throw until then */
  release(why: EngineError): void {
    this.#state.release(why)
  }

  get spec(): PlanSpec {
    return this.#state.spec
  }

  get name(): string {
    return this.#state.name
  }

  /**
   * Copies data into an input buffer; the next run sees it.
   * @throws EngineError INVALID_ARGUMENT for an unknown input, another byte length than the declared one, or an array of
   * another element type; INVALID_BUFFER if a buffer is bound to it that cannot be written (usage COPY_DST)
   */
  write(name: string, data: ArrayBufferView): void {
    this.#state.writeNow(this.#state.usable(), new Map([[name, bytesFor(this.spec, name, data, true)]]))
  }

  /**
   * Writes a prefix of an input: pixels of a photo smaller than the buffer holds. Bytes that fill up the last word become 0.
   * @throws EngineError INVALID_ARGUMENT for an unknown input or more bytes than it holds; else as `write`
   */
  writePart(name: string, data: ArrayBufferView): void {
    this.#state.writeNow(this.#state.usable(), new Map([[name, bytesFor(this.spec, name, data, false)]]))
  }

  /**
   * Encodes and submits the plan once: one command buffer, no allocation. Results stay on the GPU.
   * @returns settles when the device has accepted the commands (not when they are done); rejects with INVALID_BUFFER if a
   * buffer or texture was destroyed or is of another device. If nobody waits for it, the next call throws that error
   * @throws EngineError INVALID_ARGUMENT for wrong inputs or places, or an input that was never given; INVALID_BUFFER for buffers and
   * textures of the caller that lack a usage flag, or whose size, alignment or format does not fit
   */
  run(inputs: PlanInputs = {}, options: RunOptions = {}): Promise<void> {
    const executor = this.#state.usable()
    checkOptionNames(`plan "${this.name}": run()`, options, RUN_OPTIONS, EngineError)
    const run = this.#state.checkedRun(inputs, options)
    return this.#state.run(executor, run)
  }

  /**
   * Adds the plan to the caller's own command encoder, or to a compute pass that is open there (of the same device).
   * @param inputs on the device; arrays are given to `write` before
   * @throws EngineError INVALID_ARGUMENT if an input was never given, is an array, or is a buffer where a pass is given, in which
   * there are no copies of buffers; else as `run`
   */
  encode(
    encoder: GPUCommandEncoder | GPUComputePassEncoder,
    inputs: PlanInputs = {},
    options: RunOptions = {},
  ): void {
    const executor = this.#state.usable()
    const isPass = typeof (encoder as GPUComputePassEncoder)?.dispatchWorkgroups === 'function'
    if (!isPass && typeof (encoder as GPUCommandEncoder)?.beginComputePass !== 'function') {
      throw this.#state.error(
        'INVALID_ARGUMENT',
        `encode() takes a GPUCommandEncoder or a GPUComputePassEncoder, got ${String(encoder)}`,
      )
    }
    checkOptionNames(`plan "${this.name}": encode()`, options, RUN_OPTIONS, EngineError)
    const run = this.#state.checkedRun(inputs, options)
    for (const [name, data] of [...run.contents, ...run.targets]) {
      const isArray = isBuiltIn(data, 'Uint8Array')
      if (!isArray && !(isPass && data.kind === 'buffer')) continue
      const remedy = isArray
        ? 'is an array: write() it before, its contents are there when the commands run'
        : 'is a buffer, and a compute pass copies none: bind it, or give the command encoder'
      throw this.#state.error('INVALID_ARGUMENT', `encode(): "${name}" ${remedy}`)
    }
    executor.encodedElsewhere()
    if (isPass) dispatchRun(encoder as GPUComputePassEncoder, executor, run)
    else encodeRun(encoder as GPUCommandEncoder, executor, run)
    this.#state.ran(run, Promise.resolve())
  }

  /**
   * Runs and reads back: inputs are written, the plan and the copies go in one submit, before the call returns. Calls need not
   * wait for each other: results come in the order of the calls, the same as one by one, and up to three at a time take no
   * further memory.
   * @param outputs names of the outputs to read; default all
   * @throws EngineError INVALID_ARGUMENT for wrong inputs, one that was never given, unknown outputs or wrong options;
   * INVALID_BUFFER as `run`; DEVICE_LOST if the device is lost before the results arrive; DISPOSED if the plan is; the signal's
   * reason if it is aborted
   */
  async compute(
    inputs: PlanInputs = {},
    outputs?: readonly string[],
    options: ComputeOptions = {},
  ): Promise<PlanOutputs> {
    checkOptionNames(`plan "${this.name}": compute()`, options, COMPUTE_OPTIONS, EngineError)
    const { into, only, signal } = options
    const job = {
      plan: this,
      inputs,
      ...(outputs !== undefined && { outputs }),
      ...(into !== undefined && { into }),
      ...(only !== undefined && { only }),
    }
    const [results] = await Plan.computeTogether([job], signal === undefined ? {} : { signal })
    return results as PlanOutputs
  }

  /**
   * Runs several plans of one engine and reads them back, in one submission and one wait. They run in the order of the list: an
   * input of a later one may be an output buffer of an earlier one.
   * @returns outputs of each
   * @throws EngineError INVALID_ARGUMENT for a plan that is there twice, or plans of several engines; else as `compute`
   */
  static async computeTogether(
    jobs: readonly PlanJob[],
    { signal }: Pick<ReadOptions, 'signal'> = {},
  ): Promise<PlanOutputs[]> {
    checkJobs(jobs)
    const members = jobs.map(({ plan, inputs = {}, outputs, only, into }): ReadMember => {
      const executor = plan.#state.usable()
      const entries = plan.#state.checkedRead(outputs, {
        ...(into !== undefined && { into }),
        ...(signal !== undefined && { signal }),
      })
      const computed = only === true ? entries.map(({ name }) => name) : undefined
      const run = {
        contents: plan.#state.checkedInputs(inputs),
        targets: new Map(),
        ...(computed && { computed }),
      }
      return { state: plan.#state, part: { executor, run, entries, into, signal } }
    })
    const devices = new Set(members.map(({ part }) => part.executor.device))
    if (devices.size > 1) {
      throw new EngineError('INVALID_ARGUMENT', 'computeTogether(): the plans are of several engines')
    }
    signal?.throwIfAborted()
    return await abortable(PlanState.readBack(members), signal)
  }

  /**
   * Reads outputs of the last run.
   * @throws EngineError INVALID_ARGUMENT for unknown outputs, those that the last run left out, and before the first run; else
   * as `compute`; also what the device refused of the last run
   */
  async read(outputs?: readonly string[], options: ReadOptions = {}): Promise<PlanOutputs> {
    const executor = this.#state.usable()
    checkOptionNames(`plan "${this.name}": read()`, options, READ_OPTIONS, EngineError)
    const entries = this.#state.checkedRead(outputs, options)
    const lastRun = this.#state.lastRun
    if (lastRun === undefined)
      throw this.#state.error('INVALID_ARGUMENT', 'nothing to read: it has not run yet')
    const leftOut = entries.find(({ name }) => this.#state.computed?.includes(name) === false)
    if (leftOut !== undefined) {
      throw this.#state.error(
        'INVALID_ARGUMENT',
        `the last run left output "${leftOut.name}" out; ask it for all`,
      )
    }
    options.signal?.throwIfAborted()
    const part: ReadPart = { executor, entries, into: options.into, signal: options.signal }
    const results = abortable(PlanState.readBack([{ state: this.#state, part }]), options.signal)
    results.catch(() => undefined)
    try {
      await lastRun
    } catch (error) {
      this.#state.verdicts.told(error)
      throw error
    }
    const [outputsOfRun] = await results
    return outputsOfRun as PlanOutputs
  }

  /** GPU buffer of an input, for the caller's own writes. */
  inputBuffer(name: string): GPUBuffer {
    const { buffer } = this.#state.usable().input(name)
    this.#state.filled.add(name)
    return buffer
  }

  /** GPU buffer of an output, for zero-copy use by the caller's own kernels. */
  outputBuffer(name: string): GPUBuffer {
    return this.#state.usable().output(name).buffer
  }

  /**
   * Lets the plan read from the caller's buffer instead of its own. Bind groups are rebuilt here, not in runs.
   * @returns settles when the device has accepted the buffer; rejects with INVALID_BUFFER if it is destroyed or of another
   * device, and the buffer bound before is back. If nobody waits for it, the next call throws that error
   * @param buffer or a slice of one, its offset a multiple of the device's `minStorageBufferOffsetAlignment` (256 at most)
   * @throws EngineError INVALID_BUFFER if the buffer is too small, lacks STORAGE or the offset is not aligned
   */
  bindInput(name: string, buffer: GPUBuffer | BufferSlice): Promise<void> {
    return this.#state.bind('input', name, buffer)
  }

  /** As `bindInput`, for a result. Reading it back needs COPY_SRC besides STORAGE. */
  bindOutput(name: string, buffer: GPUBuffer | BufferSlice): Promise<void> {
    return this.#state.bind('output', name, buffer)
  }

  /**
   * Time of each step, from timestamp queries where the adapter has them; says which.
   * @throws EngineError INVALID_ARGUMENT if `runs` is not a whole number of at least 1
   */
  async profile(runs = 5): Promise<Profile> {
    if (!Number.isSafeInteger(runs) || runs < 1) {
      throw this.#state.error(
        'INVALID_ARGUMENT',
        `profile() takes a whole number of runs >= 1, got ${String(runs)}`,
      )
    }
    return await this.#state.alone((executor) => profile(executor, runs))
  }

  /**
   * Debug: runs step by step on the present inputs and looks for NaN and Inf.
   * @throws EngineError NUMERIC_OVERFLOW naming the first step that produced one; INVALID_ARGUMENT if an input was never given
   */
  async assertFinite(): Promise<void> {
    const found: Overflow | undefined = await this.#state.alone((executor) => {
      assertFilled(this.spec, this.#state.filled)
      this.#state.lastRun = Promise.resolve()
      this.#state.computed = undefined
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
    if (this.#state.isDisposed) return
    this.#state.release(this.#state.error('DISPOSED', 'was disposed; compile the graph again'))
    this.#onDispose(this)
  }
}

const RUN_OPTIONS: OptionNames<RunOptions> = { to: true, only: true }
const READ_OPTIONS: OptionNames<ReadOptions> = { into: true, signal: true }
const COMPUTE_OPTIONS: OptionNames<ComputeOptions> = { ...READ_OPTIONS, only: true }
const JOB_NAMES: OptionNames<PlanJob> = { plan: true, inputs: true, outputs: true, into: true, only: true }

function checkJobs(jobs: readonly PlanJob[]): void {
  const fail = (problem: string): never => {
    throw new EngineError('INVALID_ARGUMENT', `computeTogether(): ${problem}`)
  }
  if (!Array.isArray(jobs) || jobs.length === 0) fail('jobs are a list of { plan, inputs, outputs }')
  for (const job of jobs) checkOptionNames('computeTogether(): a job', job, JOB_NAMES, EngineError)
  const plans = jobs.map(({ plan }) => plan)
  if (!plans.every((plan) => plan instanceof Plan)) fail('each job names a plan of engine.compile()')
  if (new Set(plans).size < plans.length) fail('a plan runs once in a submission; compile the graph twice')
}
