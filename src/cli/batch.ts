import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  type BatchSummary,
  checkBatchSummary,
  checkNames,
  claimResultFolder,
  describeOwner,
  earlierResult,
  makeOutputFolder,
  type PairFailure,
  type PairRow,
  type Provenance,
  probeOutputFolder,
  provenanceChanges,
  readPairs,
  removeIfEmpty,
  writeBatchSummary,
} from '../index.js'
import { type CliContext, ExitRequest, type NetworkFacts } from './context.js'
import { type Crew, eachAtATime, JOBS_HELP, type JobsFlag, jobsFlag, planCrew } from './crew.js'
import { describeError, EXIT } from './exit-codes.js'
import { isOfOneItem } from './item-errors.js'
import { addPairOptions, createOptions, type PairFlags } from './options.js'
import { Pace } from './pace.js'
import { WorkerEnded } from './process-crew.js'
import { type Progress, startProgress } from './progress.js'
import { checkPhotos, expectedProvenance, hashPhotos, runPair, wantedFiles } from './run-pair.js'
import { oneLine } from './terminal-text.js'
import { crewAt, SharedEngine, serveAt, shownBy, type TaskEvent, type Workbench } from './workbench.js'

interface BatchFlags extends PairFlags {
  readonly out: string
  readonly jobs: JobsFlag
  readonly force?: boolean
}

/** Between two looks at pairs that other processes work on, ms. */
const POLL_MS = 500

export function addBatchCommand(program: Command, context: CliContext): void {
  const command = program
    .command('batch')
    .summary('many pairs from a CSV table')
    .description(
      'Runs every pair of a CSV table with the columns id, a, b (paths relative to the table) into <out>/<id>/. ' +
        'Started again, it computes what is missing and what other photos, weights, options or versions had computed. ' +
        'Several of them on one table share the work. A bad pair is reported and does not stop the rest.',
    )
    .argument('<table>', 'CSV file with a header line id,a,b')
    .option('-o, --out <folder>', 'where the folders go', 'deepfaceflow-batch')
    .option('--force', 'compute pairs again that are complete')
    .option('--jobs <n>', JOBS_HELP, jobsFlag, 'auto')
  addPairOptions(command).action((table: string, flags: BatchFlags) => batchCommand(context, table, flags))
}

async function batchCommand(context: CliContext, table: string, flags: BatchFlags): Promise<void> {
  context.watchesInterrupts()
  const { desk } = context
  if (desk !== null) {
    const network = await context.describeNetwork(createOptions(flags))
    return await serveAt(desk, new PairBench(context, flags, network, desk.report))
  }
  const pairs = await readPairs(table)
  await probeOutputFolder(flags.out)
  const network = await context.describeNetwork(createOptions(flags))
  await checkBatchSummary(flags.out, (text) => {
    if (!flags.quiet) context.stderr(`${oneLine(text)}\n`)
  })
  const plan = await planCrew(context, flags, pairs.length)
  const made = await makeOutputFolder(flags.out)
  const progress = startProgress(context, pairs.length, flags.quiet ?? false)
  const report = shownBy(progress)
  // A pair is short: those under way are finished, whoever works on them.
  const crew = crewAt<BatchTask, BatchAnswer>(
    plan,
    new AbortController().signal,
    report,
    () => new PairBench(context, flags, network, report),
  )
  const run = new BatchRun(context, crew, progress)
  try {
    await run.work(pairs)
  } catch (error) {
    // What is done is told all the same; the first error is the one to report.
    const told = run.summary(pairs.length)
    if (told.open < pairs.length) await writeBatchSummary(flags.out, pairs, told).catch(() => undefined)
    await removeIfEmpty(made)
    throw error
  } finally {
    progress.stop()
    await run.close()
  }
  const summary = run.summary(pairs.length)
  await writeBatchSummary(flags.out, pairs, summary)
  const { computed, skipped, failed, open } = summary
  if (flags.json) context.stdout(`${JSON.stringify({ ...summary, folder: flags.out })}\n`)
  else if (!flags.quiet) {
    context.stdout(
      `${pairs.length} pairs: ${computed} computed, ${skipped} already complete, ${failed} failed` +
        `${open > 0 ? `, ${open} not reached (the same command goes on)` : ''}; results in ${oneLine(flags.out)}\n`,
    )
    if (plan.size > 1 && computed > plan.size) context.stdout(`${run.throughput()}\n`)
  }
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  if (failed > 0) throw new ExitRequest(EXIT.partial)
}

/** A pair, and whether it is said when another process works on it. */
interface BatchTask {
  readonly pair: PairRow
  readonly saysWho: boolean
}

type BatchAnswer =
  | { readonly outcome: 'computed' | 'skipped' | 'held' }
  | { readonly outcome: 'failed'; readonly failure: PairFailure }

/** A table being worked through. */
class BatchRun {
  #computed = 0
  #skipped = 0
  readonly #failures: PairFailure[] = []
  readonly #pace = new Pace()

  constructor(
    private readonly context: CliContext,
    private readonly crew: Crew<BatchTask, BatchAnswer>,
    private readonly progress: Progress,
  ) {}

  /** Every pair once; those that another process works on when it has let go of them. */
  async work(pairs: readonly PairRow[]): Promise<void> {
    let waiting = pairs
    for (let round = 0; waiting.length > 0; round++) {
      if (round > 0) await this.#pause()
      const held: PairRow[] = []
      await eachAtATime(waiting, this.crew.size, async (pair) => {
        if (this.context.interrupted.aborted) return
        const answer = await this.#run({ pair, saysWho: round === 0 })
        if (answer.outcome === 'held') held.push(pair)
        else if (answer.outcome === 'skipped') this.progress.pass()
        else this.progress.advance()
      })
      if (this.context.interrupted.aborted) return
      waiting = held
    }
  }

  async #run(task: BatchTask): Promise<BatchAnswer> {
    this.progress.step(task.pair.id)
    const answer = await this.crew.run(task).catch((error: unknown): BatchAnswer => {
      if (!(error instanceof WorkerEnded)) throw error
      const message = `${error.message}; run again with --jobs 1 to see why`
      this.progress.note(`${task.pair.id}: ${message}`)
      return { outcome: 'failed', failure: { id: task.pair.id, code: 'DEVICE_LOST', message } }
    })
    if (answer.outcome === 'failed') this.#failures.push(answer.failure)
    if (answer.outcome === 'skipped') this.#skipped++
    if (answer.outcome === 'computed') {
      this.#computed++
      this.#pace.done(1, this.crew.memory())
    }
    return answer
  }

  summary(pairs: number): BatchSummary {
    const failed = this.#failures.length
    return {
      pairs,
      computed: this.#computed,
      skipped: this.#skipped,
      failed,
      open: pairs - this.#computed - this.#skipped - failed,
      failures: this.#failures,
    }
  }

  throughput(): string {
    return this.#pace.line('pairs', this.crew.size)
  }

  async close(): Promise<void> {
    await this.crew.close()
  }

  async #pause(): Promise<void> {
    await wait(POLL_MS, undefined, { signal: this.context.interrupted }).catch(() => undefined)
  }
}

/** Where this process works on pairs. */
class PairBench implements Workbench<BatchTask, BatchAnswer> {
  readonly #engine: SharedEngine

  constructor(
    context: CliContext,
    private readonly flags: BatchFlags,
    private readonly network: NetworkFacts,
    private readonly report: (event: TaskEvent) => void,
  ) {
    this.#engine = new SharedEngine(context, flags, report)
  }

  async take({ pair, saysWho }: BatchTask): Promise<BatchAnswer> {
    try {
      return { outcome: await this.#pair(pair, saysWho) }
    } catch (error) {
      if (!isOfOneItem(error)) throw error
      this.#note(`${pair.id}: ${describeError(error, false)}`)
      return { outcome: 'failed', failure: { id: pair.id, code: error.code, message: error.message } }
    }
  }

  async close(): Promise<void> {
    await this.#engine.close()
  }

  async #pair(pair: PairRow, saysWho: boolean): Promise<'computed' | 'skipped' | 'held'> {
    const photos = await hashPhotos(pair.a, pair.b)
    const expected = expectedProvenance(photos, this.flags, this.network)
    const folder = join(this.flags.out, pair.id)
    if (!this.flags.force && (await whyAnew(folder, expected, this.flags)) === null) return 'skipped'
    if (!this.#engine.isOpen) await checkPhotos(photos, this.flags)
    const claimed = await claimResultFolder(folder)
    if ('heldBy' in claimed) {
      if (saysWho) {
        this.#note(
          `${pair.id}: left to another deepfaceflow (${describeOwner(claimed.heldBy)}; if it does not run any more, ` +
            `remove ${claimed.lockFile})`,
        )
      }
      return 'held'
    }
    try {
      // Another process may have finished it before this one held it.
      const why = this.flags.force ? '' : await whyAnew(folder, expected, this.flags)
      if (why === null) return 'skipped'
      await checkNames(folder, wantedFiles(this.flags), [pair.a, pair.b])
      if (why !== '') this.#note(`${pair.id}: computed anew: ${oneLine(why)}`)
      const faceFlow = await this.#engine.open()
      await runPair(faceFlow, photos, claimed, this.flags, (text) =>
        this.#note(`${pair.id}: ${oneLine(text)}`),
      )
      return 'computed'
    } finally {
      // A pair that failed leaves no folder that was not there before.
      await claimed.release()
    }
  }

  #note(text: string): void {
    this.report({ kind: 'note', text })
  }
}

/**
 * Whether a folder holds the finished result that this command line would compute now.
 * @returns null if it does; else why it is computed anew, empty where nothing was there
 */
async function whyAnew(folder: string, expected: Provenance, flags: BatchFlags): Promise<string | null> {
  const { result } = await earlierResult(folder)
  if (result === null) return ''
  const changes = provenanceChanges(result.provenance, expected)
  if (changes.length > 0) return changes.join('; ')
  const listed = result.files as readonly unknown[]
  for (const name of wantedFiles(flags)) {
    if (!listed.includes(name)) return `${name} is asked for now`
    const info = await stat(join(folder, name)).catch(() => null)
    if (!info?.isFile()) return `${name} is gone`
  }
  return null
}
