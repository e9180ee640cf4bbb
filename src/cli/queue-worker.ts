import type { Command } from 'commander'
import {
  type CorpusEntry,
  type CorpusSettings,
  corpusTerms,
  FaceError,
  fetchRecord,
  fetchSettings,
  type ProcessEntry,
  packageFacts,
  readEntryRecord,
  readSettings,
  type WorkEvent,
  whyOpen,
} from '../index.js'
import type { CliContext } from './context.js'
import { engineOf } from './corpus-check.js'
import { addWorkOptions, type WorkFlags } from './corpus-options.js'
import { type CorpusPlace, openPlace } from './corpus-place.js'
import { corpusEngine, crewOf, serveCorpus } from './corpus-work.js'
import { type Progress, startProgress } from './progress.js'
import { addQueueOptions, openQueue, type QueueFlags, seconds } from './queue-options.js'
import { oneLine } from './terminal-text.js'
import { shownBy } from './workbench.js'

interface WorkerFlags extends WorkFlags, QueueFlags {
  readonly out: string
  readonly root?: string
  readonly lease: number
  readonly grace: number
  readonly patience: number
  readonly wait?: boolean
  readonly anyTerms?: boolean
}

export function addWorkerCommand(queue: Command, context: CliContext): void {
  const command = queue
    .command('worker')
    .summary('computes what is in the queue')
    .description(
      'Computes entries of the queue until none is left. Any number of workers may run, on one machine or many. SIGTERM ends a worker: what ' +
        'it is at is finished, or given back when it takes too long.',
    )
    .option('-o, --out <folder>', "the corpus's folder, which all workers share", 'deepfaceflow-corpus')
    .option('--root <folder>', 'folder of the videos, where they lie elsewhere on this machine')
    .option('--lease <s>', 'an entry whose worker is silent for this long goes to another one', seconds, 60)
    .option('--grace <s>', 'after SIGTERM, time to finish what is under way', seconds, 20)
    .option('--patience <s>', 'end when the server is away for this long', seconds, 600)
    .option('--wait', 'stay when the queue is empty')
    .option('--any-terms', 'work also if the queue was filled for another version, other weights or options')
  addQueueOptions(addWorkOptions(command)).action((flags: WorkerFlags) => workerCommand(context, flags))
}

async function workerCommand(context: CliContext, given: WorkerFlags): Promise<void> {
  context.watchesInterrupts()
  const place = await openPlace(given.out)
  try {
    await workAt(context, given, place)
  } finally {
    await place.close()
  }
}

async function workAt(context: CliContext, given: WorkerFlags, place: CorpusPlace): Promise<void> {
  if (place.store !== null) await fetchSettings(place.store, place.set)
  const made = await readSettings(place.set)
  const flags = { ...given, ...engineOf(made, given) }
  if (context.desk !== null) return await serveCorpus(context, context.desk, flags)
  // What is recorded is what computes here, also where it is not what the queue was filled for.
  const settings = { ...made, version: packageFacts().version, engine: await corpusEngine(context, flags) }
  const queue = await openQueue(flags)
  const progress = startProgress(context, 0, flags.quiet ?? false)
  const giveBack = new AbortController()
  const patient = { ...context, interrupted: giveBack.signal }
  // How many entries there will be is not known.
  const crew = await crewOf(patient, flags, Number.POSITIVE_INFINITY, shownBy(progress))
  const process: ProcessEntry<CorpusEntry> = async (queued, signal) => {
    const entry = flags.root === undefined ? queued : { ...queued, root: flags.root }
    // An entry that another worker has now is finished all the same: one of several cannot be stopped alone.
    signal.addEventListener('abort', () => signal.reason === 'give back' && giveBack.abort())
    const record = await finished(place, entry, settings)
    assertUsable(
      record ?? (await crew.run({ set: place.set, store: place.store && place.out, settings, entry })).record,
    )
  }
  try {
    const report = await queue.work(process, {
      terms: flags.anyTerms ? null : corpusTerms(settings),
      signal: context.interrupted,
      lease: flags.lease,
      grace: flags.grace,
      patience: flags.patience,
      waits: flags.wait ?? false,
      concurrency: crew.size,
      onEvent: (event) => tell(progress, event),
    })
    progress.stop()
    if (flags.json) context.stdout(`${JSON.stringify(report)}\n`)
    else if (!flags.quiet) {
      const { done, failed, setAside, givenBack } = report
      context.stdout(
        `${done} entries done, ${failed} attempts failed, ${setAside} set aside, ${givenBack} given back\n`,
      )
    }
  } finally {
    progress.stop()
    await queue.close()
    await crew.close()
  }
}

async function finished(
  { set, store }: CorpusPlace,
  entry: CorpusEntry,
  { options, engine }: CorpusSettings,
) {
  if (store !== null) await fetchRecord(store, set, entry.id)
  return (await whyOpen(set, entry, options, engine)) === null ? await readEntryRecord(set, entry.id) : null
}

/** @throws FaceError of an entry that has a record of its failure: the queue is to know the reason too */
function assertUsable({
  failure,
}: {
  readonly failure: { readonly code: string; readonly message: string } | null
}): void {
  if (failure === null) return
  throw new FaceError(failure.code === 'NO_FACE' ? 'NO_FACE' : 'INVALID_INPUT', failure.message)
}

function tell(progress: Progress, event: WorkEvent): void {
  switch (event.kind) {
    case 'done':
      progress.note(`${event.id}: done in ${event.seconds.toFixed(1)} s`)
      break
    case 'failed':
      progress.note(`${event.id}: failed, tried again later: ${oneLine(event.reason)}`)
      break
    case 'set-aside':
      progress.note(`${event.id}: set aside: ${oneLine(event.reason)}`)
      break
    case 'given-back':
      progress.note(`${event.id}: given back`)
      break
    case 'lost':
      progress.note(`${event.id}: the lease ran out; another worker has it`)
      break
    case 'server':
      progress.note(oneLine(event.text))
  }
}
