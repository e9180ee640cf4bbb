import type { Command } from 'commander'
import { corpusTerms, type QueueStatus, type SetAside } from '../index.js'
import type { CliContext } from './context.js'
import { prepareCorpus } from './corpus.js'
import { addSetOptions, type SetFlags } from './corpus-options.js'
import { type CorpusPlace, openPlace } from './corpus-place.js'
import { addEngineOptions, addOutputOptions, positiveInteger } from './options.js'
import { startProgress } from './progress.js'
import { addQueueOptions, openQueue, type QueueFlags, seconds } from './queue-options.js'
import { addWorkerCommand } from './queue-worker.js'
import { oneLine } from './terminal-text.js'

interface FillFlags extends SetFlags, QueueFlags {
  readonly attempts: number
  readonly backoff: number
  readonly again?: boolean
}

/** Entries that were set aside, of which `status` shows so many. */
const SHOWN = 20

export function addQueueCommand(program: Command, context: CliContext): void {
  const queue = program
    .command('queue')
    .summary('a corpus on many machines')
    .description(
      'A queue of the entries of a corpus on a Redis or Valkey server, for workers on any number of machines that share the folder ' +
        'of the corpus. Needs the packages bullmq and ioredis.',
    )
  const fill = queue
    .command('fill')
    .summary('puts the entries of a corpus into the queue')
    .description(
      'Plans a corpus as "corpus" does and queues its entries. Those that are in the queue or done stay as they are, so filling again, or ' +
        'from two places, doubles nothing. "corpus merge" makes the data set when the workers are done.',
    )
    .argument('<input>', 'folder, video, pattern or manifest, as for corpus')
    .option('--attempts <n>', 'attempts before an entry is set aside', positiveInteger, 4)
    .option(
      '--backoff <s>',
      'pause before the second attempt; twice as long before each further one',
      seconds,
      10,
    )
    .option('--again', 'try entries anew that were set aside')
  addSetOptions(addQueueOptions(addOutputOptions(addEngineOptions(fill)))).action(
    (input: string, flags: FillFlags) => fillCommand(context, input, flags),
  )
  addWorkerCommand(queue, context)
  const status = queue
    .command('status')
    .description('How far a queue is, how fast, and what was set aside and why.')
  addQueueOptions(addOutputOptions(status)).action((flags: QueueFlags) => statusCommand(context, flags))
  const drain = queue
    .command('drain')
    .description('Takes out of a queue what no worker has begun; workers finish what they are at, and end.')
    .option('--all', 'also forget what is done or was set aside, and what the queue was filled for')
  addQueueOptions(addOutputOptions(drain)).action((flags: QueueFlags & { all?: boolean }) =>
    drainCommand(context, flags),
  )
}

async function fillCommand(context: CliContext, input: string, flags: FillFlags): Promise<void> {
  context.watchesInterrupts()
  const place = await openPlace(flags.out)
  try {
    await fillAt(context, input, flags, place)
  } finally {
    await place.close()
  }
}

async function fillAt(
  context: CliContext,
  input: string,
  flags: FillFlags,
  place: CorpusPlace,
): Promise<void> {
  const queue = await openQueue(flags)
  const progress = startProgress(context, 0, flags.quiet ?? false)
  try {
    const { plan, settings } = await prepareCorpus(context, input, flags, place, (wanted) =>
      queue.assertTerms(corpusTerms(wanted)),
    )
    if (flags.again) await queue.remove('set-aside')
    const read = await queue.fill(plan.entries(), corpusTerms(settings), {
      attempts: flags.attempts,
      backoff: flags.backoff,
      signal: context.interrupted,
      onProgress: (count) => progress.step(`${count} of ${plan.count} entries`),
    })
    progress.stop()
    const status = await queue.status()
    if (flags.json) context.stdout(`${JSON.stringify({ folder: flags.out, read, ...status })}\n`)
    else if (!flags.quiet) context.stdout(`${read} entries of ${oneLine(flags.out)}\n${describe(status)}`)
  } finally {
    progress.stop()
    await queue.close()
  }
}

async function statusCommand(context: CliContext, flags: QueueFlags): Promise<void> {
  const queue = await openQueue(flags)
  try {
    const status = await queue.status()
    const setAside = await queue.setAside(flags.json ? status.setAside : SHOWN)
    if (flags.json) context.stdout(`${JSON.stringify({ ...status, entriesSetAside: setAside })}\n`)
    else if (!flags.quiet) context.stdout(describe(status) + listed(setAside, status.setAside))
  } finally {
    await queue.close()
  }
}

async function drainCommand(
  context: CliContext,
  flags: QueueFlags & { readonly all?: boolean },
): Promise<void> {
  const queue = await openQueue(flags)
  try {
    const removed = await queue.remove(flags.all ? 'all' : 'waiting')
    if (flags.json) context.stdout(`${JSON.stringify({ removed, ...(await queue.status()) })}\n`)
    else if (!flags.quiet) context.stdout(`${removed} entries taken out\n${describe(await queue.status())}`)
  } finally {
    await queue.close()
  }
}

function describe({
  waiting,
  active,
  retrying,
  done,
  setAside,
  workers,
  perMinute,
  secondsLeft,
}: QueueStatus): string {
  const counts = `${waiting} waiting, ${active} under way, ${retrying} to be tried again, ${done} done, ${setAside} set aside\n`
  const left = secondsLeft === null || secondsLeft === 0 ? '' : `, about ${duration(secondsLeft)} left`
  const crew = workers === null ? '' : `${workers} worker processes, `
  return `${counts}${crew}${perMinute.toFixed(1)} entries a minute${left}\n`
}

function listed(setAside: readonly SetAside[], count: number): string {
  const lines = setAside.map(
    ({ id, reason, attempts }) =>
      `${id} (${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}): ${oneLine(reason)}\n`,
  )
  const more = count > setAside.length ? `and ${count - setAside.length} more; --json lists all\n` : ''
  return lines.join('') + more
}

function duration(seconds: number): string {
  const minutes = Math.ceil(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
