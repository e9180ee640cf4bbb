import type { Command } from 'commander'
import {
  type CorpusPlan,
  type CorpusSettings,
  type Dataset,
  FaceError,
  hasFfmpeg,
  packageFacts,
  parseShare,
  planCorpus,
  probeOutputFolder,
  readManifest,
  sendPlan,
  sharePlan,
  writeSettings,
} from '../index.js'
import type { CliContext } from './context.js'
import { addCheckCommands } from './corpus-check.js'
import { assembleAt, reportCorpus } from './corpus-finish.js'
import { addMergeCommand } from './corpus-merge.js'
import {
  addCorpusOptions,
  assemblyOptions,
  type CorpusFlags,
  entryOptions,
  type SetFlags,
} from './corpus-options.js'
import { type CorpusPlace, openPlace } from './corpus-place.js'
import { corpusEngine, serveCorpus, type WorkSummary, workOnEntries } from './corpus-work.js'
import { startProgress } from './progress.js'

export function addCorpusCommand(program: Command, context: CliContext): void {
  const command = program
    .command('corpus')
    .summary('a training set from many videos')
    .description(
      'Finds and follows every face in many videos, folders of frames and pairs of photos, samples pairs of frames, and writes their ' +
        'flow as WebDataset shards with Parquet tables and a report. Started again, it does what is missing. A bad video is reported ' +
        'and does not stop the rest.',
    )
    .argument(
      '<input>',
      'folder, video, pattern in quotes like "videos/**/*.mp4", or manifest: CSV or JSON lines with video, frames, or a and b',
    )
  addCorpusOptions(command).action((input: string, flags: CorpusFlags) =>
    corpusCommand(context, input, flags),
  )
  addCheckCommands(command, context)
  addMergeCommand(command, context)
}

async function corpusCommand(context: CliContext, input: string, flags: CorpusFlags): Promise<void> {
  context.watchesInterrupts()
  if (context.desk !== null) return await serveCorpus(context, context.desk, flags)
  const place = await openPlace(flags.out)
  try {
    await corpusAt(context, input, flags, place)
  } finally {
    await place.close()
  }
}

async function corpusAt(
  context: CliContext,
  input: string,
  flags: CorpusFlags,
  place: CorpusPlace,
): Promise<void> {
  const share = flags.shard === undefined ? null : parseShare(flags.shard, process.env)
  const planBegan = performance.now()
  const { plan: whole, settings } = await prepareCorpus(context, input, flags, place)
  const planned = performance.now() - planBegan
  const plan = share === null ? whole : sharePlan(whole, share)
  await assertFfmpeg(plan)
  const progress = startProgress(context, plan.count, flags.quiet ?? false)
  let work: WorkSummary
  let dataset: Dataset | null = null
  try {
    work = await workOnEntries(context, flags, place, settings, plan, progress, flags.force)
    work.times.add({ plan: planned })
    if (!context.interrupted.aborted && share === null) {
      const began = performance.now()
      dataset = await assembleAt(context, place, plan, settings, progress)
      work.times.add({ assembly: performance.now() - began })
    }
  } finally {
    progress.stop()
  }
  reportCorpus(context, flags, flags.out, plan, work, dataset)
}

/**
 * Writes down which entries a corpus has and what they are computed with.
 * @param accept throws where these settings are not to replace what the folder holds
 */
export async function prepareCorpus(
  context: CliContext,
  input: string,
  flags: SetFlags,
  { set, store }: CorpusPlace,
  accept: (settings: CorpusSettings) => Promise<void> = async () => undefined,
): Promise<{ plan: CorpusPlan; settings: CorpusSettings }> {
  const settings: CorpusSettings = {
    format: 1,
    version: packageFacts().version,
    options: entryOptions(flags),
    engine: await corpusEngine(context, flags),
    assembly: assemblyOptions(flags),
  }
  await accept(settings)
  await probeOutputFolder(set)
  const { root } = flags
  const entries = readManifest(input, { signal: context.interrupted, ...(root !== undefined && { root }) })
  const plan = await planCorpus(set, entries)
  await writeSettings(set, settings)
  if (store !== null) await sendPlan(store, set, plan)
  return { plan, settings }
}

/** Videos need it; said before hours are spent on the rest. @throws FaceError EXTERNAL_TOOL */
async function assertFfmpeg(plan: CorpusPlan): Promise<void> {
  for await (const { kind } of plan.entries()) {
    if (kind !== 'video') continue
    if (await hasFfmpeg()) return
    throw new FaceError(
      'EXTERNAL_TOOL',
      'ffmpeg is not installed, and the corpus has videos; install it, or give folders of frames',
      {
        program: 'ffmpeg',
      },
    )
  }
}
