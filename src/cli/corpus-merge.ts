import type { Command } from 'commander'
import { gatherShares } from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { assembleLocked, reportCorpus } from './corpus-finish.js'
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
  const set = flags.out ?? (folders[0] as string)
  const progress = startProgress(context, 0, flags.quiet ?? false)
  try {
    const onEntry = (id: string) => progress.step(`gathering ${id}`)
    const { plan, settings } = await gatherShares(set, folders, { signal: context.interrupted, onEntry })
    const dataset = await assembleLocked(context, set, plan, settings, progress, false)
    progress.stop()
    const { complete = 0, failed = 0, open = plan.count } = dataset?.counts ?? {}
    reportCorpus(
      context,
      flags,
      set,
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
