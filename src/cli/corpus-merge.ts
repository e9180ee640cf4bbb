import type { Command } from 'commander'
import { fetchEntries, fetchPlan, fetchSettings, gatherShares } from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { assembleAt, reportCorpus } from './corpus-finish.js'
import { assertFolder, type CorpusPlace, openPlace } from './corpus-place.js'
import { EXIT } from './exit-codes.js'
import { addOutputOptions } from './options.js'
import { PhaseTimes } from './phase-times.js'
import { startProgress } from './progress.js'

interface MergeFlags {
  readonly out?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addMergeCommand(corpus: Command, context: CliContext): void {
  const merge = corpus
    .command('merge')
    .summary('joins the shares of a corpus')
    .description(
      'Makes one set of what "corpus --shard" or the workers of a queue computed, in one folder or in several: the same bytes as if one ' +
        'process had done all of it.',
    )
    .argument('<folders...>', 'where shares were computed')
  addOutputOptions(merge).action((folders: string[]) =>
    // -o is an option of corpus itself, whose default is of no use here.
    mergeCommand(context, folders, {
      ...merge.opts<MergeFlags>(),
      ...(corpus.getOptionValueSource('out') === 'cli' && { out: corpus.getOptionValue('out') as string }),
    }),
  )
}

async function mergeCommand(
  context: CliContext,
  folders: readonly string[],
  flags: MergeFlags,
): Promise<void> {
  context.watchesInterrupts()
  const { out = folders[0] as string } = flags
  if (!folders.includes(out)) {
    assertFolder(out, 'shares are joined in a folder; give one with -o, and copy it there')
  }
  const places = new Map<string, CorpusPlace>()
  try {
    for (const name of [out, ...folders]) if (!places.has(name)) places.set(name, await openPlace(name))
    await mergeAt(
      context,
      places.get(out) as CorpusPlace,
      folders.map((name) => places.get(name) as CorpusPlace),
      flags,
    )
  } finally {
    for (const place of places.values()) await place.close()
  }
}

async function mergeAt(
  context: CliContext,
  place: CorpusPlace,
  shares: readonly CorpusPlace[],
  flags: MergeFlags,
): Promise<void> {
  const { set, out } = place
  const progress = startProgress(context, 0, flags.quiet ?? false)
  try {
    for (const share of shares) {
      if (share.store === null) continue
      await fetchSettings(share.store, share.set)
      const stored = await fetchPlan(share.store, share.set)
      // Of the whole itself they are fetched when it is put together.
      if (share !== place) await fetchEntries(share.store, share.set, stored, { signal: context.interrupted })
    }
    const onEntry = (id: string) => progress.step(`gathering ${id}`)
    const { plan, settings } = await gatherShares(
      set,
      shares.map((share) => share.set),
      { signal: context.interrupted, onEntry },
    )
    const dataset = await assembleAt(context, place, plan, settings, progress)
    progress.stop()
    const { complete = 0, failed = 0, open = plan.count } = dataset?.counts ?? {}
    reportCorpus(
      context,
      flags,
      out,
      plan,
      { computed: 0, skipped: complete, failed, pace: null, times: new PhaseTimes() },
      dataset,
    )
    if (open > 0) throw new ExitRequest(EXIT.partial)
  } catch (error) {
    if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
    throw error
  } finally {
    progress.stop()
  }
}
