import { join } from 'node:path'
import {
  assembleCorpus,
  type CorpusPlan,
  type CorpusSettings,
  DATASET_FILES,
  type Dataset,
  describeOwner,
  FaceError,
  fetchEntries,
  isStoreAddress,
  sendDataset,
  takeLock,
} from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import type { WorkFlags } from './corpus-options.js'
import type { CorpusPlace } from './corpus-place.js'
import type { WorkSummary } from './corpus-work.js'
import { EXIT } from './exit-codes.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'

/**
 * One process assembles a folder at a time.
 * @returns null if it was interrupted
 * @throws FaceError OUTPUT_FAILED if another one does
 */
export async function assembleLocked(
  context: CliContext,
  set: string,
  plan: CorpusPlan,
  settings: CorpusSettings,
  progress: Progress,
  force: boolean,
): Promise<Dataset | null> {
  const file = join(set, '.deepfaceflow.lock')
  const taken = await takeLock(file)
  if ('heldBy' in taken) {
    const who = describeOwner(taken.heldBy)
    throw new FaceError(
      'OUTPUT_FAILED',
      `${set}: another deepfaceflow assembles the corpus (${who}); wait for it, or remove ${file} if it does not run any more`,
      { file: set, code: 'EBUSY' },
    )
  }
  try {
    const onEntry = (id: string) => progress.step(`assembling ${id}`)
    return await assembleCorpus(set, plan, settings, { signal: context.interrupted, onEntry, force })
  } catch (error) {
    if (context.interrupted.aborted) return null
    throw error
  } finally {
    await taken.lock.release()
  }
}

/**
 * Makes the data set of a corpus wherever it lies: one in object storage is put together on this machine, from all of its entries.
 * @returns null if it was interrupted
 */
export async function assembleAt(
  context: CliContext,
  { set, store }: CorpusPlace,
  plan: CorpusPlan,
  settings: CorpusSettings,
  progress: Progress,
): Promise<Dataset | null> {
  if (store === null) return await assembleLocked(context, set, plan, settings, progress, false)
  const { interrupted: signal } = context
  try {
    await fetchEntries(store, set, plan, { signal, onEntry: (id) => progress.step(`fetching ${id}`) })
  } catch (error) {
    if (signal.aborted) return null
    throw error
  }
  const dataset = await assembleLocked(context, set, plan, settings, progress, false)
  progress.step('sending the data set')
  if (dataset !== null) await sendDataset(store, set, dataset)
  return dataset
}

/** Prints what a run has come to, and ends the command where not all of it is complete. */
export function reportCorpus(
  context: CliContext,
  flags: Pick<WorkFlags, 'json' | 'quiet'>,
  set: string,
  plan: CorpusPlan,
  { computed, skipped, failed, pace, times }: WorkSummary,
  dataset: Dataset | null,
): void {
  const open = plan.count - computed - skipped - failed
  if (flags.json) {
    const { counts = null, splits = null, shards = [] } = dataset ?? {}
    const work = { entries: plan.count, computed, skipped, failed, open, seconds: times.seconds() }
    context.stdout(`${JSON.stringify({ folder: set, ...work, counts, splits, shards: shards.length })}\n`)
  } else if (!flags.quiet) {
    const rest = open > 0 ? `, ${open} not finished (the same command goes on)` : ''
    context.stdout(
      `${plan.count} entries: ${computed} computed, ${skipped} already complete, ${failed} failed${rest}\n`,
    )
    if (pace !== null) context.stdout(`${pace}\n${times.line()}\n`)
    if (dataset !== null) {
      const { counts, shards } = dataset
      context.stdout(
        `${counts.pairs} pairs of ${counts.tracks} tracks in ${shards.length} shards; ${counts.usable_faces} of ${counts.faces} faces passed ` +
          `the filters; look at ${oneLine(isStoreAddress(set) ? `${set}/${DATASET_FILES.report}` : join(set, DATASET_FILES.report))}\n`,
      )
    }
  }
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  if (failed > 0 || (dataset?.counts.failed ?? 0) > 0) throw new ExitRequest(EXIT.partial)
}
