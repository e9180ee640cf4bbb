import { cp, mkdir, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { FaceError } from '../errors.js'
import { outputFailed } from '../platform/node/atomic.js'
import { makeFolderUnderWay, type TemporaryFolder } from '../platform/node/temporary-folder.js'
import { currentRecord } from './assemble.js'
import { entryFolder } from './entry.js'
import type { EntryRecord } from './entry-record.js'
import { goToEntry, hasArchive, restoreArchive } from './entry-samples.js'
import { replaceFolder } from './entry-writer.js'
import { type CorpusPlan, openPlan, planCorpus } from './plan.js'
import { type CorpusSettings, readSettings, writeSettings } from './settings.js'
import { ShardSamples } from './shard-samples.js'

/** A corpus whose shares lie in one folder. */
export interface GatheredCorpus {
  readonly plan: CorpusPlan
  readonly settings: CorpusSettings
  /** Entries that were copied. */
  readonly copied: number
}

/** How the gathering of shares is watched and ended. */
export interface GatherOptions {
  readonly signal?: AbortSignal
  /** Called after each entry. */
  readonly onEntry?: (id: string) => void
}

/**
 * Copies the finished entries of a corpus's shares into one folder; `assembleCorpus` makes the data set of them. Each entry is copied as a
 * whole or not at all, and what is there already stays. Of an entry that several shares have, the first one's is taken, but a complete one
 * before one that failed.
 * @param set the folder of the whole; it may be one of the shares', and need not exist
 * @param folders of the shares: what `corpus --shard` wrote, from the same input with the same options
 * @throws FaceError INVALID_INPUT naming a folder that holds no corpus, or another one; OUTPUT_FAILED; the signal's reason
 */
export async function gatherShares(
  set: string,
  folders: readonly string[],
  options: GatherOptions = {},
): Promise<GatheredCorpus> {
  const [first] = folders
  if (first === undefined) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'merge: there are no folders; name those that "corpus --shard" wrote',
    )
  }
  const settings = await readSettings(first)
  const plan = await openPlan(first)
  for (const folder of folders.slice(1)) await assertSameCorpus(folder, first, settings, plan)
  const place = await real(set)
  const shares: string[] = []
  for (const folder of folders) if ((await real(folder)) !== place) shares.push(folder)
  if (shares.length === folders.length) {
    // Nothing of another corpus is mixed in.
    if ((await readSettings(set).catch(() => null)) !== null)
      await assertSameCorpus(set, first, settings, plan)
    await planCorpus(set, plan.entries())
    await writeSettings(set, settings)
  }
  const opened = new Map<string, ShardSamples>()
  const shardsOf = async (share: string) => {
    const shards = opened.get(share) ?? (await ShardSamples.open(share))
    opened.set(share, shards)
    return shards
  }
  try {
    const copied = await copyEntries(set, plan, settings, shares, shardsOf, options)
    return { plan: await openPlan(set), settings, copied }
  } finally {
    for (const shards of opened.values()) await shards.close()
  }
}

async function copyEntries(
  set: string,
  plan: CorpusPlan,
  settings: CorpusSettings,
  shares: readonly string[],
  shardsOf: (share: string) => Promise<ShardSamples>,
  { signal, onEntry }: GatherOptions,
): Promise<number> {
  let copied = 0
  for await (const entry of plan.entries()) {
    signal?.throwIfAborted()
    const own = await currentRecord(set, entry, settings)
    if (own?.status !== 'complete') {
      const found = await finishedIn(shares, (share) => currentRecord(share, entry, settings))
      if (found !== null && (own === null || found.record.status === 'complete')) {
        await copyEntry(found.share, set, entry.id, await shardsOf(found.share))
        copied++
      }
    }
    onEntry?.(entry.id)
  }
  return copied
}

async function finishedIn(
  shares: readonly string[],
  recordIn: (share: string) => Promise<EntryRecord | null>,
): Promise<{ readonly share: string; readonly record: EntryRecord } | null> {
  let failed: { readonly share: string; readonly record: EntryRecord } | null = null
  for (const share of shares) {
    const record = await recordIn(share)
    if (record?.status === 'complete') return { share, record }
    if (record !== null) failed ??= { share, record }
  }
  return failed
}

/** @throws FaceError INVALID_INPUT */
async function assertSameCorpus(
  folder: string,
  first: string,
  settings: CorpusSettings,
  plan: CorpusPlan,
): Promise<void> {
  const other = await openPlan(folder)
  const differs =
    JSON.stringify(await readSettings(folder)) !== JSON.stringify(settings)
      ? 'with other options, weights or another version'
      : other.digest !== plan.digest
        ? `from other entries (${other.count} and ${plan.count})`
        : null
  if (differs === null) return
  throw new FaceError(
    'INVALID_INPUT',
    `${folder}: was made ${differs} than ${first}; merge shares of one corpus, or run "deepfaceflow corpus" for that share again`,
    { folder, first },
  )
}

async function copyEntry(from: string, set: string, id: string, shards: ShardSamples): Promise<void> {
  const place = entryFolder(set, id)
  let under: TemporaryFolder | null = null
  try {
    await mkdir(dirname(place), { recursive: true })
    under = await makeFolderUnderWay(place)
    await cp(entryFolder(from, id), under.path, { recursive: true })
    await goToEntry(shards, id)
    if (!(await hasArchive(from, id))) await restoreArchive(from, id, shards, under.path)
    await replaceFolder(under.path, place)
  } catch (cause) {
    throw cause instanceof FaceError ? cause : outputFailed(place, cause)
  } finally {
    await under?.remove().catch(() => undefined)
  }
}

async function real(folder: string): Promise<string> {
  return await realpath(folder).catch(() => resolve(folder))
}
