import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  DeepFaceFlowError,
  type FaceFlow,
  makeOutputFolder,
  type PairRow,
  productFiles,
  RESULT_FILE,
  readPairs,
  writeFileAtomic,
} from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { describeError, EXIT } from './exit-codes.js'
import { addPairOptions, createOptions, type PairFlags } from './options.js'
import { type Progress, startProgress } from './progress.js'
import { runPair } from './run-pair.js'

interface BatchFlags extends PairFlags {
  readonly out: string
  readonly force?: boolean
}

/** Errors of one pair; all others would meet every later pair too and end the batch. */
const PAIR_ERRORS: ReadonlySet<string> = new Set(['INVALID_INPUT', 'NO_FACE', 'INVALID_ARGUMENT'])

interface Failure {
  readonly id: string
  readonly code: string
  readonly message: string
}

export function addBatchCommand(program: Command, context: CliContext): void {
  const command = program
    .command('batch')
    .summary('many pairs from a CSV table')
    .description(
      'Runs every pair of a CSV table with the columns id, a, b (paths relative to the table) into <out>/<id>/. ' +
        'Started again, it skips the pairs that are complete. A bad pair is reported and does not stop the rest.',
    )
    .argument('<table>', 'CSV file with a header line id,a,b')
    .option('-o, --out <folder>', 'where the folders go', 'deepfaceflow-batch')
    .option('--force', 'compute pairs again that are complete')
  addPairOptions(command).action((table: string, flags: BatchFlags) => batchCommand(context, table, flags))
}

async function batchCommand(context: CliContext, table: string, flags: BatchFlags): Promise<void> {
  context.watchesInterrupts()
  const pairs = await readPairs(table)
  await makeOutputFolder(flags.out)
  const progress = startProgress(context, pairs.length, flags.quiet ?? false)
  const failures: Failure[] = []
  let computed = 0
  let skipped = 0
  // Opened for the first pair that needs it, once for the whole run.
  let faceFlow: FaceFlow | null = null
  try {
    for (const pair of pairs) {
      if (context.interrupted.aborted) break
      progress.step(pair.id)
      if (!flags.force && (await isComplete(join(flags.out, pair.id), pair, flags))) skipped++
      else {
        faceFlow ??= await context.open({ ...createOptions(flags), onProgress: progress.step })
        const failure = await runOne(faceFlow, pair, flags, progress)
        if (failure) failures.push(failure)
        else computed++
      }
      progress.advance()
    }
  } finally {
    progress.stop()
    faceFlow?.dispose()
  }
  const open = pairs.length - computed - skipped - failures.length
  const summary = { pairs: pairs.length, computed, skipped, failed: failures.length, open, failures }
  await writeFileAtomic(join(flags.out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
  if (flags.json) context.stdout(`${JSON.stringify({ ...summary, folder: flags.out })}\n`)
  else if (!flags.quiet) {
    context.stdout(
      `${pairs.length} pairs: ${computed} computed, ${skipped} already complete, ${failures.length} failed` +
        `${open > 0 ? `, ${open} not reached (the same command goes on)` : ''}; results in ${flags.out}\n`,
    )
  }
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  if (failures.length > 0) throw new ExitRequest(EXIT.partial)
}

async function runOne(
  faceFlow: FaceFlow,
  pair: PairRow,
  flags: BatchFlags,
  progress: Progress,
): Promise<Failure | null> {
  try {
    await runPair(faceFlow, pair.a, pair.b, join(flags.out, pair.id), flags)
    return null
  } catch (error) {
    if (!(error instanceof DeepFaceFlowError) || !PAIR_ERRORS.has(error.code)) throw error
    progress.note(`${pair.id}: ${describeError(error, false)}`)
    return { id: pair.id, code: error.code, message: error.message }
  }
}

/** Whether the folder holds the finished result of these very photos, with the files asked for. */
async function isComplete(folder: string, pair: PairRow, flags: BatchFlags): Promise<boolean> {
  let result: { inputs?: { a?: string; b?: string; registered?: boolean }; files?: string[] }
  try {
    result = JSON.parse(await readFile(join(folder, RESULT_FILE), 'utf8'))
  } catch {
    // No result yet, or not one of ours: computed again.
    return false
  }
  const { inputs, files = [] } = result
  const { only, photoSpace = false } = flags
  return (
    inputs?.a === pair.a &&
    inputs.b === pair.b &&
    inputs.registered === (flags.registered ?? false) &&
    productFiles({ photoSpace, ...(only && { only }) }, flags.backward).every((name) => files.includes(name))
  )
}
