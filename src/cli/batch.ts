import { rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  type BatchSummary,
  checkBatchSummary,
  checkNames,
  claimResultFolder,
  DeepFaceFlowError,
  describeOwner,
  earlierResult,
  type FaceFlow,
  makeOutputFolder,
  type PairFailure,
  type PairRow,
  type Provenance,
  probeOutputFolder,
  provenanceChanges,
  readPairs,
  writeBatchSummary,
} from '../index.js'
import { type CliContext, ExitRequest, type NetworkFacts } from './context.js'
import { describeError, EXIT } from './exit-codes.js'
import { addPairOptions, createOptions, type PairFlags } from './options.js'
import { type Progress, startProgress } from './progress.js'
import { checkPhotos, expectedProvenance, hashPhotos, runPair, wantedFiles } from './run-pair.js'
import { oneLine } from './terminal-text.js'

interface BatchFlags extends PairFlags {
  readonly out: string
  readonly force?: boolean
}

/** Errors of one pair; all others would meet every later pair too and end the batch. */
const PAIR_ERRORS: ReadonlySet<string> = new Set(['INVALID_INPUT', 'NO_FACE', 'INVALID_ARGUMENT'])
/** Of OUTPUT_FAILED: something is wrong with this pair's folder, not with the disk. */
const FOLDER_ERRORS: ReadonlySet<unknown> = new Set(
  'EEXIST ENOTDIR EISDIR ENAMETOOLONG EACCES EPERM ELOOP ENOTEMPTY'.split(' '),
)

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
  addPairOptions(command).action((table: string, flags: BatchFlags) => batchCommand(context, table, flags))
}

async function batchCommand(context: CliContext, table: string, flags: BatchFlags): Promise<void> {
  context.watchesInterrupts()
  const pairs = await readPairs(table)
  await probeOutputFolder(flags.out)
  const network = await context.describeNetwork(createOptions(flags))
  await checkBatchSummary(flags.out, (text) => {
    if (!flags.quiet) context.stderr(`${oneLine(text)}\n`)
  })
  await makeOutputFolder(flags.out)
  const progress = startProgress(context, pairs.length, flags.quiet ?? false)
  const run = new BatchRun(context, flags, network, progress)
  try {
    await run.work(pairs)
  } catch (error) {
    // What is done is told all the same; the first error is the one to report.
    await writeBatchSummary(flags.out, pairs, run.summary(pairs.length)).catch(() => undefined)
    throw error
  } finally {
    progress.stop()
    run.dispose()
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
  }
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  if (failed > 0) throw new ExitRequest(EXIT.partial)
}

/** One process at work on a table. */
class BatchRun {
  /** Opened for the first pair that needs it, once for the whole run. */
  #faceFlow: FaceFlow | null = null
  #computed = 0
  #skipped = 0
  readonly #failures: PairFailure[] = []

  constructor(
    private readonly context: CliContext,
    private readonly flags: BatchFlags,
    private readonly network: NetworkFacts,
    private readonly progress: Progress,
  ) {}

  /** Every pair once; those that another process works on when it has let go of them. */
  async work(pairs: readonly PairRow[]): Promise<void> {
    let waiting = pairs
    for (let round = 0; waiting.length > 0; round++) {
      if (round > 0) await this.#pause()
      const held: PairRow[] = []
      for (const pair of waiting) {
        if (this.context.interrupted.aborted) return
        this.progress.step(pair.id)
        const isDone = await this.#tryPair(pair, round === 0)
        if (isDone) this.progress.advance()
        else held.push(pair)
      }
      waiting = held
    }
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

  dispose(): void {
    this.#faceFlow?.dispose()
  }

  /** @returns false if another process works on the pair */
  async #tryPair(pair: PairRow, saysWho: boolean): Promise<boolean> {
    try {
      return await this.#pair(pair, saysWho)
    } catch (error) {
      if (!isOfOnePair(error)) throw error
      this.progress.note(`${pair.id}: ${describeError(error, false)}`)
      this.#failures.push({ id: pair.id, code: error.code, message: error.message })
      return true
    }
  }

  async #pair(pair: PairRow, saysWho: boolean): Promise<boolean> {
    const photos = await hashPhotos(pair.a, pair.b)
    const expected = expectedProvenance(photos, this.flags, this.network)
    const folder = join(this.flags.out, pair.id)
    if (!this.flags.force && (await whyAnew(folder, expected, this.flags)) === null) {
      this.#skipped++
      return true
    }
    if (this.#faceFlow === null) await checkPhotos(photos, this.flags)
    const claimed = await claimResultFolder(folder)
    if ('heldBy' in claimed) {
      if (saysWho) {
        this.progress.note(
          `${pair.id}: left to another deepfaceflow (${describeOwner(claimed.heldBy)}; if it does not run any more, ` +
            `remove ${claimed.lockFile})`,
        )
      }
      return false
    }
    try {
      // Another process may have finished it before this one held it.
      const why = this.flags.force ? '' : await whyAnew(folder, expected, this.flags)
      if (why === null) {
        this.#skipped++
        return true
      }
      await checkNames(folder, wantedFiles(this.flags), [pair.a, pair.b])
      if (why !== '') this.progress.note(`${pair.id}: computed anew: ${oneLine(why)}`)
      this.#faceFlow ??= await this.context.open({
        ...createOptions(this.flags),
        onProgress: this.progress.step,
      })
      await runPair(this.#faceFlow, photos, claimed, this.flags, (text) =>
        this.progress.note(`${pair.id}: ${oneLine(text)}`),
      )
      this.#computed++
      return true
    } finally {
      await claimed.release()
      // A pair that failed leaves no empty folder.
      await rmdir(folder).catch(() => undefined)
    }
  }

  async #pause(): Promise<void> {
    await wait(POLL_MS, undefined, { signal: this.context.interrupted }).catch(() => undefined)
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

function isOfOnePair(error: unknown): error is DeepFaceFlowError {
  if (!(error instanceof DeepFaceFlowError)) return false
  return (
    PAIR_ERRORS.has(error.code) || (error.code === 'OUTPUT_FAILED' && FOLDER_ERRORS.has(error.details.code))
  )
}
