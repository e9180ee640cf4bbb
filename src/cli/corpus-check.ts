import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import {
  type CorpusCheck,
  type CorpusSettings,
  entryFolder,
  FaceError,
  openPlan,
  packageFacts,
  readSettings,
  SHIPPED_NETWORKS,
  verifyCorpus,
} from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { assembleLocked, reportCorpus } from './corpus-finish.js'
import { addWorkOptions, type WorkFlags } from './corpus-options.js'
import { assertFolder, openPlace } from './corpus-place.js'
import { corpusEngine, serveCorpus, workOnEntries } from './corpus-work.js'
import { EXIT } from './exit-codes.js'
import { addOutputOptions, type EngineFlags } from './options.js'
import { startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'

/** All of it is read, much of it twice. */
const NOT_STORED =
  'verify and repair work on folders; "deepfaceflow corpus merge" with -o makes one of what is stored, or mount the bucket'

interface CheckFlags {
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addCheckCommands(corpus: Command, context: CliContext): void {
  const verify = corpus
    .command('verify')
    .summary('checks a corpus')
    .description(
      'Checks every shard, hash and row of a corpus, and says what is missing or damaged. Changes nothing.',
    )
    .argument('<folder>', 'what corpus wrote')
  addOutputOptions(verify).action((set: string) => verifyCommand(context, set, verify.optsWithGlobals()))
  const repair = corpus
    .command('repair')
    .summary('mends a corpus')
    .description(
      'Checks a corpus as verify does, computes the entries again whose files are missing or damaged, and makes shards and tables anew if ' +
        'they need it.',
    )
    .argument('<folder>', 'what corpus wrote')
  addWorkOptions(repair).action((set: string) => repairCommand(context, set, repair.optsWithGlobals()))
}

async function verifyCommand(context: CliContext, set: string, flags: CheckFlags): Promise<void> {
  context.watchesInterrupts()
  assertFolder(set, NOT_STORED)
  const check = await checked(context, set, flags)
  const { problems, shards, samples, entries } = check
  if (flags.json) context.stdout(`${JSON.stringify({ folder: set, shards, samples, entries, problems })}\n`)
  else if (!flags.quiet) {
    context.stdout(
      `${shards} shards with ${samples} good samples, ${entries} entries: ${problems.length === 0 ? 'all as it was written' : `${problems.length} problems; "deepfaceflow corpus repair ${oneLine(set)}" mends them`}\n`,
    )
  }
  if (problems.length > 0) throw new ExitRequest(EXIT.partial)
}

/** Checks a corpus and prints what is wrong with it, a line each. */
async function checked(context: CliContext, set: string, flags: CheckFlags): Promise<CorpusCheck> {
  const progress = startProgress(context, 0, flags.quiet ?? false)
  try {
    const check = await verifyCorpus(set, { signal: context.interrupted, onStep: progress.step })
    for (const { of, name, what } of check.problems) progress.note(oneLine(`${of} ${name} ${what}`))
    return check
  } catch (error) {
    if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
    throw error
  } finally {
    progress.stop()
  }
}

async function repairCommand(context: CliContext, set: string, given: WorkFlags): Promise<void> {
  context.watchesInterrupts()
  assertFolder(set, NOT_STORED)
  const settings = await readSettings(set)
  const flags = { ...given, ...engineOf(settings, given) }
  if (context.desk !== null) return await serveCorpus(context, context.desk, flags)
  await assertSameEngine(context, set, settings, flags)
  const { problems } = await checked(context, set, flags)
  for (const { of, name } of problems) {
    if (of === 'entry') await rm(entryFolder(set, name), { recursive: true, force: true })
  }
  const plan = await openPlan(set)
  const progress = startProgress(context, plan.count, flags.quiet ?? false)
  try {
    const work = await workOnEntries(context, flags, await openPlace(set), settings, plan, progress)
    const force = problems.some(({ of }) => of !== 'entry')
    const dataset = context.interrupted.aborted
      ? null
      : await assembleLocked(context, set, plan, settings, progress, force)
    progress.stop()
    reportCorpus(context, flags, set, plan, work, dataset)
  } finally {
    progress.stop()
  }
}

/** The weights by the name that the package has for them, unless others are named. */
export function engineOf({ engine }: CorpusSettings, { weights }: EngineFlags) {
  const { refinement, extent, depthSource: depth } = engine
  const { name } = engine.weights
  const shipped = (SHIPPED_NETWORKS as readonly string[]).includes(name) ? { weights: name } : {}
  return { refinement, depth, extent, ...(weights === undefined ? shipped : { weights }) }
}

/** What is computed again must be what was there. @throws FaceError INVALID_ARGUMENT */
async function assertSameEngine(
  context: CliContext,
  set: string,
  { engine, version }: CorpusSettings,
  flags: WorkFlags,
): Promise<void> {
  const now = await corpusEngine(context, flags)
  const here = packageFacts().version
  if (version !== here) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${set}: was made by version ${version}, this is ${here}; install that one, or run "deepfaceflow corpus" to compute all of it anew`,
      { version },
    )
  }
  if (now.weights.hash === engine.weights.hash && now.weights.depthHash === engine.weights.depthHash) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${set}: was made with the weights ${engine.weights.name} ${engine.weights.hash.slice(0, 12)}, these are ${now.weights.name} ` +
      `${now.weights.hash.slice(0, 12)}; name the file with --weights`,
    { hash: engine.weights.hash },
  )
}
