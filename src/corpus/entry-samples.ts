import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import { readJsonLines } from '../io/json-lines.js'
import { flushFile, makeOutputFolder, outputFailed } from '../platform/node/atomic.js'
import { temporaryName } from '../platform/node/owner.js'
import { compareIds, entryFolder } from './entry.js'
import { ENTRY_FILES, readEntryRecord } from './entry-record.js'
import type { PairRow } from './rows.js'
import { contentFacts } from './sample-files.js'
import type { ShardSamples } from './shard-samples.js'
import { readSamples, type StoredSample } from './tar-reader.js'
import { TarWriter } from './tar-writer.js'

/*
 * Where the samples of a finished entry are: in its own archive until the data set holds them in its shards, from then on only there. At each
 * moment an entry whose record is there has them in at least one of the two.
 */

/** A sample of an entry, and its row. */
export interface EntrySample {
  readonly row: PairRow
  readonly sample: StoredSample
}

/** Whether an entry has its samples in an archive of its own. */
export async function hasArchive(set: string, id: string): Promise<boolean> {
  return await stat(archiveOf(set, id)).then(
    () => true,
    () => false,
  )
}

/** Gives the archive of an entry up, whose samples the shards hold. @throws FaceError OUTPUT_FAILED */
export async function dropArchive(set: string, id: string): Promise<void> {
  const archive = archiveOf(set, id)
  await rm(archive, { force: true }).catch((cause: unknown) => {
    throw outputFailed(archive, cause)
  })
}

/**
 * The samples of a finished entry in the order of its rows.
 * @param shards of the folder, whose next samples are of this entry or a later one
 * @throws FaceError INVALID_INPUT (`details.entry`) where one is missing or is not what was written
 */
export async function* samplesOf(set: string, id: string, shards: ShardSamples): AsyncGenerator<EntrySample> {
  const archive = archiveOf(set, id)
  const own = (await hasArchive(set, id)) ? readSamples(archive) : null
  const next = async (key: string) =>
    own === null ? await shards.take(key) : ((await own.next()).value ?? null)
  try {
    for await (const { value } of readJsonLines(join(entryFolder(set, id), ENTRY_FILES.pairs))) {
      const row = value as PairRow
      const sample = await next(row.key).catch((cause: unknown) => {
        throw damagedEntry(id, archive, cause)
      })
      if (sample === null || sample.key !== row.key || contentFacts(sample.files).sha256 !== row.sha256) {
        throw damagedEntry(id, own === null ? `${join(set, 'shards')}, sample ${row.key}` : archive)
      }
      yield { row, sample }
    }
  } finally {
    await own?.return(undefined)
  }
}

/**
 * Goes to an entry in the shards.
 * @param id null: to their end
 * @param onPassed told of each entry that is gone past, whose samples come next
 */
export async function goToEntry(
  shards: ShardSamples,
  id: string | null,
  onPassed: (id: string) => Promise<void> = async () => undefined,
): Promise<void> {
  for (;;) {
    const passed = shards.nextId
    if (passed === null || (id !== null && compareIds(passed, id) >= 0)) return
    await onPassed(passed)
    await shards.skip(passed)
  }
}

/**
 * Gives an entry an archive of its own again, of the samples that come next in the shards: the same bytes as before.
 * @param into folder of the entry, or of its copy
 * @throws FaceError INVALID_INPUT where a sample is missing or damaged; OUTPUT_FAILED
 */
export async function restoreArchive(
  set: string,
  id: string,
  shards: ShardSamples,
  into = entryFolder(set, id),
): Promise<void> {
  // Also takes away what killed processes left.
  await makeOutputFolder(into)
  const under = join(into, temporaryName(ENTRY_FILES.samples))
  const tar = new TarWriter(under)
  try {
    for await (const { sample } of samplesOf(set, id, shards)) {
      for (const { extension, bytes } of sample.files) await tar.add(`${sample.key}.${extension}`, bytes)
    }
    await tar.end()
    await flushFile(under)
    await rename(under, join(into, ENTRY_FILES.samples)).catch((cause: unknown) => {
      throw outputFailed(into, cause)
    })
  } catch (error) {
    await tar.abort()
    await rm(under, { force: true }).catch(() => undefined)
    throw error
  }
}

/**
 * Keeps what an entry has, though the data set that takes the place of the present one leaves it out: of other options, say, or of videos
 * that are not in the plan any more. What is damaged has to be computed again.
 * @throws FaceError OUTPUT_FAILED
 */
export async function keepPassedEntry(set: string, id: string, shards: ShardSamples): Promise<void> {
  if ((await readEntryRecord(set, id)) === null || (await hasArchive(set, id))) return
  try {
    await restoreArchive(set, id, shards)
  } catch (error) {
    if (!(error instanceof FaceError) || error.code !== 'INVALID_INPUT') throw error
    await rm(entryFolder(set, id), { recursive: true, force: true })
  }
}

export function damagedEntry(id: string, file: string, cause?: unknown): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${file}: is missing or damaged; "deepfaceflow corpus repair" computes the entry ${id} again`,
    { file, entry: id },
    { cause },
  )
}

function archiveOf(set: string, id: string): string {
  return join(entryFolder(set, id), ENTRY_FILES.samples)
}
