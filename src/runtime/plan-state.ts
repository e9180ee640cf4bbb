import { EngineError } from '../errors.js'
import { BufferUsage } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { PlanSpec } from '../graph/plan.js'
import { isBuiltIn } from '../realms.js'
import { BufferBindings, type BufferKind } from './bindings.js'
import type { BufferSlice } from './device-data.js'
import { Executor } from './executor.js'
import { assertFilled, type Contents, checkedInputs, checkedOutputs, checkedTargets } from './input-data.js'
import { Verdicts } from './judgement.js'
import {
  checkReadOptions,
  type PlanOutputs,
  type ReadbackEntry,
  type ReadOptions,
  readbackEntries,
} from './readback.js'
import { type Part, type ReadPart, type Run, readParts, submitParts, writeArrays } from './submission.js'
import { Turns } from './turns.js'
import type { WeightSet } from './weight-set.js'

/** What a plan needs to be (re)built on a device; owned by the engine. */
export interface PlanParts {
  readonly device: EngineDevice
  readonly weights: WeightSet
  /** Made anew where the device can do less or more than the one before. */
  readonly spec: PlanSpec
}

/** What a plan is at a moment: device objects, what its inputs hold, what was submitted. Its public face is `Plan`. */
export class PlanState {
  spec: PlanSpec
  #executor: Executor | undefined
  /** Why there is no executor: disposed, or it could not be built again after a loss. */
  #obstacle: EngineError | undefined
  readonly turns = new Turns()
  /** Inputs whose contents are known, or are the caller's business. */
  readonly filled = new Set<string>()
  #bindings: BufferBindings | undefined
  readonly verdicts = new Verdicts()
  /** Of the last run; undefined before the first, when outputs hold nothing. */
  lastRun: Promise<void> | undefined
  /** What the last run computed, where it left outputs out. */
  computed: readonly string[] | undefined
  /** Settles with the read before: results are given in the order of the calls. */
  #lastRead: Promise<unknown> = Promise.resolve()

  constructor(spec: PlanSpec) {
    this.spec = spec
  }

  get name(): string {
    return this.spec.name
  }

  get isDisposed(): boolean {
    return this.#obstacle?.code === 'DISPOSED'
  }

  /** Called by the engine, at compile and after recovery of a lost device. */
  async build(parts: PlanParts, onProgress?: (done: number, total: number) => void): Promise<void> {
    // A caller's buffers belong to the lost device: the plan gets its own until others are bound.
    this.filled.clear()
    this.verdicts.clear()
    this.lastRun = undefined
    this.spec = parts.spec
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

  /** Called by the engine: frees device objects, before a rebuild or at disposal. @param why what calls throw until then */
  release(why: EngineError): void {
    if (this.#obstacle?.code !== 'DISPOSED') this.#obstacle = why
    this.#executor?.dispose()
    this.#executor = undefined
  }

  /** @throws EngineError also what the device refused of an earlier call, once, if nobody waited for it */
  usable(): Executor {
    const executor = this.built()
    this.verdicts.throwUntold()
    return executor
  }

  built(): Executor {
    if (this.#executor === undefined) throw this.#obstacle ?? this.error('DISPOSED', 'it is not built')
    this.#executor.device.assertUsable()
    return this.#executor
  }

  error(code: EngineError['code'], problem: string, details: Record<string, unknown> = {}): EngineError {
    return new EngineError(code, `plan "${this.name}": ${problem}`, details)
  }

  /** Checks all inputs of a call before anything of it is done. */
  checkedInputs(inputs: unknown): Contents {
    const contents = checkedInputs(this.spec, inputs)
    assertFilled(this.spec, this.filled, contents)
    for (const [name, data] of contents)
      if (!('texture' in data || 'external' in data)) this.#assertWritable(name)
    return contents
  }

  checkedRead(outputs: unknown, options: ReadOptions): readonly ReadbackEntry[] {
    const entries = readbackEntries(this.spec, checkedOutputs(this.spec, outputs))
    checkReadOptions(`plan "${this.name}"`, entries, options)
    return entries
  }

  checkedRun(inputs: unknown, { to, only }: { readonly to?: unknown; readonly only?: boolean }): Run {
    const targets = checkedTargets(this.spec, to)
    const contents = this.checkedInputs(inputs)
    return { contents, targets, ...(only === true && { computed: [...targets.keys()] }) }
  }

  /** A buffer of the caller need not take writes. */
  #assertWritable(name: string): void {
    const { usage } = this.built().input(name).buffer
    if ((usage & BufferUsage.COPY_DST) !== 0) return
    throw this.error(
      'INVALID_BUFFER',
      `the buffer bound to input "${name}" lacks the usage COPY_DST, so data cannot be written to it`,
      { name, usage },
    )
  }

  writeNow(executor: Executor, contents: Contents): void {
    for (const name of contents.keys()) this.#assertWritable(name)
    const { device } = executor
    // A destroyed buffer refuses the write; the run that reads it says so.
    device.judged(`plan "${this.name}": writing`, () => writeArrays(executor, contents))
    for (const name of contents.keys()) this.filled.add(name)
  }

  /** Submits a run before it returns, unless the plan is not free. */
  run(executor: Executor, run: Run): Promise<void> {
    const submit = (own: Executor, of: Run): Promise<void> => {
      const part = { executor: own, run: of, entries: [] }
      const verdict = explained([{ state: this, part }], submitParts(`plan "${this.name}"`, [part]).verdict)
      this.ran(of, verdict)
      return verdict
    }
    const later = this.turns.isFree ? undefined : kept(run)
    const verdict =
      later === undefined
        ? submit(executor, run)
        : Turns.after([this.turns], () => submit(this.usable(), later))
    // Whoever called waits for the same promise, or may leave it.
    verdict.catch(() => undefined)
    return this.verdicts.judge(verdict)
  }

  /** Takes note of what was submitted. */
  ran(run: Run, verdict: Promise<void>): void {
    for (const name of run.contents.keys()) this.filled.add(name)
    this.lastRun = verdict
    this.computed = run.computed
  }

  /** Submits before it returns, unless a plan is not free; results come behind those of the reads before. */
  static readBack(members: readonly ReadMember[]): Promise<PlanOutputs[]> {
    const turns = members.map(({ state }) => state.turns)
    if (turns.every(({ isFree }) => isFree)) return PlanState.#readNow(members)
    const later = members.map(({ state, part: { run, ...part } }) => ({
      state,
      part: { ...part, ...(run && { run: kept(run) }) },
    }))
    return Turns.after(turns, () =>
      PlanState.#readNow(
        later.map(({ state, part }) => ({ state, part: { ...part, executor: state.usable() } })),
      ),
    )
  }

  static #readNow(members: readonly ReadMember[]): Promise<PlanOutputs[]> {
    const states = members.map(({ state }) => state)
    const label = states.map(({ name }) => `plan "${name}"`).join(', ')
    const before = Promise.all(states.map((state) => state.#lastRead))
    const results = readParts(
      label,
      members.map(({ part }) => part),
      before,
      (verdict) => explained(members, verdict),
      (verdict) => {
        // Whoever called waits for the results.
        verdict.catch(() => undefined)
        for (const { state, part } of members) if (part.run !== undefined) state.ran(part.run, verdict)
      },
    ).catch((error: unknown) => {
      for (const state of states) state.verdicts.told(error)
      throw interruptionOf(members) ?? error
    })
    for (const state of states) state.#lastRead = results.catch(() => undefined)
    return results
  }

  /** Called by the submission: what came between a call and its result, where the plan was taken down meanwhile. */
  interruption(executor: Executor): EngineError | undefined {
    if (!executor.disposed) return undefined
    if (this.#obstacle !== undefined) return this.#obstacle
    return this.error(
      'DEVICE_LOST',
      'it was built anew by recover() before the results arrived; run it again',
    )
  }

  /** Runs a task with the device objects to itself; calls that come meanwhile wait for it. */
  async alone<T>(task: (executor: Executor) => Promise<T>): Promise<T> {
    this.usable()
    return await Turns.after([this.turns], async () => {
      const executor = this.usable()
      try {
        return await task(executor)
      } catch (error) {
        throw this.interruption(executor) ?? error
      }
    })
  }

  bind(kind: BufferKind, name: string, given: GPUBuffer | BufferSlice): Promise<void> {
    // Not `usable`: to bind another buffer is what mends a refused one.
    const executor = this.built()
    const bindings = this.#bindings as BufferBindings
    const wasFilled = this.filled.has(name)
    const { verdict, key, region } = bindings.bind(kind, name, given)
    if (kind === 'input') this.filled.add(name)
    const settled = explained([{ state: this, part: { executor } }], verdict).then(
      () => bindings.accept(key, region),
      (error) => {
        const isUndone = bindings.refuse(key, region)
        if (isUndone && kind === 'input' && !wasFilled) this.filled.delete(name)
        throw error
      },
    )
    return this.verdicts.judge(settled, key)
  }
}

/** A plan with its part in a submission that is read back. */
export interface ReadMember {
  readonly state: PlanState
  readonly part: ReadPart
}

interface Member {
  readonly state: PlanState
  readonly part: Pick<Part, 'executor'>
}

function interruptionOf(members: readonly Member[]): EngineError | undefined {
  for (const { state, part } of members) {
    const interruption = state.interruption(part.executor)
    if (interruption !== undefined) return interruption
  }
  return undefined
}

/**
 * Names the bound buffers where the device refuses a submission: the plan's own commands and buffers are in order. A loss
 * of the device is left to the next call, unless somebody waits for results.
 */
async function explained(members: readonly Member[], verdict: Promise<void>): Promise<void> {
  try {
    await verdict
  } catch (error) {
    const interruption = interruptionOf(members)
    if (interruption !== undefined) throw interruption
    if (!(error instanceof EngineError) || error.code !== 'INVALID_ARGUMENT') throw error
    const reason = error.message.replace(/\s+/g, ' ')
    throw new EngineError(
      'INVALID_BUFFER',
      `${reason}; a buffer or texture was destroyed or is of another device (bind another, or compile again), or a GPUExternalTexture was given after the task that imported it`,
      error.details,
      { cause: error },
    )
  }
}

/** A run whose arrays the caller may change before it begins. */
function kept(run: Run): Run {
  const contents = [...run.contents].map(
    ([name, data]) => [name, isBuiltIn(data, 'Uint8Array') ? data.slice() : data] as const,
  )
  return { ...run, contents: new Map(contents) }
}
