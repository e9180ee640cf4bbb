import {
  type CorpusEngine,
  type CorpusEntry,
  type CorpusPlan,
  type CorpusSettings,
  DEFAULT_REFINEMENT,
  EngineError,
  type EntryRecord,
  type FaceFlow,
  fetchRecord,
  type ObjectStore,
  processEntry,
  readEntryRecord,
  sendEntry,
  type WorkPhase,
  whyOpen,
} from '../index.js'
import type { CliContext, WorkerDesk } from './context.js'
import type { WorkFlags } from './corpus-options.js'
import { type CorpusPlace, openStore } from './corpus-place.js'
import { type Crew, eachAtATime, planCrew } from './crew.js'
import { createOptions, type EngineFlags } from './options.js'
import { Pace } from './pace.js'
import { PhaseTimes } from './phase-times.js'
import { isCutOff, runTwice } from './process-crew.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { crewAt, SharedEngine, serveAt, shownBy, type TaskEvent, type Workbench } from './workbench.js'

/** What entries of a corpus are worked on for. */
export interface CorpusTask {
  readonly set: string
  /** Where finished entries go from there: the address of a store; null: they stay. */
  readonly store: string | null
  readonly settings: CorpusSettings
  readonly entry: CorpusEntry
}

/** What working on a corpus's entries has come to. */
export interface WorkSummary {
  readonly computed: number
  readonly skipped: number
  readonly failed: number
  /** Pairs a minute and memory, in words; null where nothing was computed. */
  readonly pace: string | null
  /** Of all processes together. */
  readonly times: PhaseTimes
}

/** What a worker answers. */
export interface CorpusAnswer {
  readonly record: EntryRecord
  readonly times: Partial<Record<WorkPhase, number>>
}

/** What computes entries by these flags. */
export async function corpusEngine(context: CliContext, flags: EngineFlags): Promise<CorpusEngine> {
  const { weights, depthSource, extent } = await context.describeNetwork(createOptions(flags))
  const { name, hash, depthHash } = weights
  return {
    weights: { name, hash, depthHash },
    depthSource,
    extent,
    refinement: flags.refinement ?? DEFAULT_REFINEMENT,
  }
}

/**
 * Computes the entries that are not finished, several at a time. One that fails is reported and stops nothing.
 * @param force also those that are finished
 * @throws what would meet every entry: a full disk, a device that is lost twice
 */
export async function workOnEntries(
  context: CliContext,
  flags: WorkFlags,
  { set, store, out }: CorpusPlace,
  settings: CorpusSettings,
  { count: tasks, entries }: Pick<CorpusPlan, 'count' | 'entries'>,
  progress: Progress,
  force = false,
): Promise<WorkSummary> {
  const crew = await crewOf(context, flags, tasks, shownBy(progress))
  const count = { computed: 0, skipped: 0, failed: 0 }
  const pace = new Pace()
  const times = new PhaseTimes()
  try {
    await eachAtATime(entries(), crew.size, async (entry) => {
      if (context.interrupted.aborted) return
      if (store !== null) await fetchRecord(store, set, entry.id)
      const why = await whyOpen(set, entry, settings.options, settings.engine)
      if (why === null && !force) {
        const failure = (await readEntryRecord(set, entry.id))?.failure ?? null
        if (failure !== null) progress.note(`${entry.id}: failed before: ${oneLine(failure.message)}`)
        count[failure === null ? 'skipped' : 'failed']++
        return progress.pass()
      }
      if (why) progress.note(`${entry.id}: computed anew: ${oneLine(why)}`)
      const answer = await runEntry(context, crew, { set, store: store && out, settings, entry }, progress)
      if (answer === null) {
        if (context.interrupted.aborted) return
        count.failed++
      } else {
        const { record } = answer
        times.add(answer.times)
        count[record.status === 'failed' ? 'failed' : 'computed']++
        pace.done(record.counts.pairs, crew.memory())
      }
      progress.advance()
    })
  } finally {
    await crew.close()
  }
  return { ...count, times, pace: count.computed === 0 ? null : pace.line('pairs', crew.size) }
}

/** @returns null where the process that worked on it has ended twice, or was told to give up */
async function runEntry(
  context: CliContext,
  crew: Crew<CorpusTask, CorpusAnswer>,
  task: CorpusTask,
  progress: Progress,
): Promise<CorpusAnswer | null> {
  const { id } = task.entry
  try {
    const answer = await runTwice(crew, task, context.interrupted)
    const { failure } = answer.record
    if (failure) progress.note(`${id}: ${oneLine(failure.message)}`)
    return answer
  } catch (error) {
    if (context.interrupted.aborted) return null
    if (!isCutOff(error)) throw error
    progress.note(`${id}: left out: ${error.message}, twice; run again with --jobs 1 to see why`)
    return null
  }
}

/** Those who compute entries by these flags. */
export async function crewOf(
  context: CliContext,
  flags: WorkFlags,
  tasks: number,
  report: (event: TaskEvent) => void,
): Promise<Crew<CorpusTask, CorpusAnswer>> {
  const plan = await planCrew(context, flags, tasks)
  return crewAt(plan, context.interrupted, report, () => new EntryBench(context, flags, report))
}

/** A worker: entries come from the process that started it. */
export async function serveCorpus(context: CliContext, desk: WorkerDesk, flags: WorkFlags): Promise<void> {
  await serveAt(desk, new EntryBench(context, flags, desk.report))
}

/** Where this process works on entries. */
class EntryBench implements Workbench<CorpusTask, CorpusAnswer> {
  readonly #engine: SharedEngine
  /** Opened for the first entry that goes there. */
  #store: Promise<ObjectStore | null> | null = null

  constructor(
    private readonly context: CliContext,
    flags: EngineFlags,
    private readonly report: (event: TaskEvent) => void,
  ) {
    this.#engine = new SharedEngine(context, flags, report)
  }

  /** A device that is lost is opened again, once for an entry. */
  async take(task: CorpusTask): Promise<CorpusAnswer> {
    const faceFlow = this.#engine.open()
    try {
      return await this.#compute(task, await faceFlow)
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'DEVICE_LOST') throw error
      this.#note(task.entry, 'the device was lost; opened again')
      // Of several that work on it, the first opens another one.
      if (this.#engine.open() === faceFlow) await this.close()
      return await this.#compute(task, await this.#engine.open())
    }
  }

  async close(): Promise<void> {
    await this.#engine.close()
  }

  async #compute({ set, store, settings, entry }: CorpusTask, faceFlow: FaceFlow): Promise<CorpusAnswer> {
    let frames = 0
    const times: Partial<Record<WorkPhase, number>> = {}
    const record = await processEntry(entry, settings.options, {
      set,
      faceFlow,
      engine: settings.engine,
      signal: this.context.interrupted,
      onNote: (text) => this.#note(entry, text),
      onFrame: () => this.report({ kind: 'step', text: `${entry.id} frame ${++frames}` }),
      onTime: (phase, ms) => {
        times[phase] = (times[phase] ?? 0) + ms
      },
    })
    if (store !== null) {
      this.#store ??= openStore(store)
      const opened = await this.#store
      if (opened !== null) await sendEntry(opened, set, record)
    }
    return { record, times }
  }

  #note({ id }: CorpusEntry, text: string): void {
    this.report({ kind: 'note', text: `${id}: ${oneLine(text)}` })
  }
}
