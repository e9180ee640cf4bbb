import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import { isUnbroken } from '../io/seal.js'
import { DATASET_FILES, type Dataset, readDataset } from './dataset.js'
import { entryFolder } from './entry.js'
import { ENTRY_FILES, fileFacts, readEntryRecord } from './entry-record.js'
import { goToEntry, hasArchive, samplesOf } from './entry-samples.js'
import { openPlan } from './plan.js'
import { contentFacts } from './sample-files.js'
import { readSettings, SETTINGS } from './settings.js'
import { ShardSamples } from './shard-samples.js'
import { SHARDS, type ShardFacts } from './shard-writer.js'
import type { PairTableRow } from './table-columns.js'
import { readTable } from './table-reader.js'
import { readSamples } from './tar-reader.js'

/** Something in a corpus's folder that is not as it was written. */
export interface CorpusProblem {
  /** `entry`: the finished work of an entry; all others are made from it. */
  readonly of: 'dataset' | 'shard' | 'sample' | 'table' | 'entry'
  /** File below the corpus's folder, name of a sample, or id of an entry. */
  readonly name: string
  /** In words: `is missing`. */
  readonly what: string
}

/** What a check found. */
export interface CorpusCheck {
  readonly problems: readonly CorpusProblem[]
  readonly shards: number
  readonly samples: number
  readonly entries: number
}

type Found = (of: CorpusProblem['of'], name: string, what: string) => void
type ExpectedSample = Pick<PairTableRow, 'key' | 'sha256'>

/**
 * Checks a corpus's folder: size and hash of every shard and table, every sample of every shard against its row, the counts of the
 * tables, and of every finished entry its files, and its samples wherever they are. Changes nothing.
 * @throws FaceError INVALID_INPUT if the folder holds no corpus; the signal's reason
 */
export async function verifyCorpus(
  set: string,
  options: { readonly signal?: AbortSignal; readonly onStep?: (name: string) => void } = {},
): Promise<CorpusCheck> {
  const plan = await openPlan(set)
  const problems: CorpusProblem[] = []
  const found: Found = (of, name, what) => problems.push({ of, name, what })
  const step = (name: string) => {
    options.signal?.throwIfAborted()
    options.onStep?.(name)
  }
  const dataset = await readDataset(set)
  if (dataset === null || !isAsWritten(dataset))
    found('dataset', DATASET_FILES.dataset, 'is missing or damaged')
  // A program may do without.
  if ((await fileFacts(join(set, SETTINGS))) !== null) {
    await readSettings(set).catch(() => found('dataset', SETTINGS, 'is damaged'))
  }
  let entries = 0
  const shards = await ShardSamples.open(set)
  try {
    for await (const entry of plan.entries()) {
      step(entry.id)
      entries++
      await checkEntry(set, entry.id, shards, found)
    }
  } finally {
    await shards.close()
  }
  const samples = dataset === null ? 0 : await checkDataset(set, dataset, found, step)
  return { problems, shards: dataset?.shards.length ?? 0, samples, entries }
}

function isAsWritten({ run: _, ...rest }: Dataset): boolean {
  return isUnbroken(rest)
}

async function checkEntry(set: string, id: string, shards: ShardSamples, found: Found): Promise<void> {
  const record = await readEntryRecord(set, id)
  if (record === null) return found('entry', id, `is not computed, or its ${ENTRY_FILES.record} is damaged`)
  let hasRows = true
  for (const [name, written] of Object.entries(record.files)) {
    if (name === ENTRY_FILES.samples && !(await hasArchive(set, id))) continue
    const facts = await fileFacts(join(entryFolder(set, id), name))
    if (facts?.sha256 === written.sha256) continue
    found('entry', id, facts === null ? `has lost its ${name}` : `has a damaged ${name}`)
    if (name === ENTRY_FILES.pairs) hasRows = false
  }
  if (!hasRows || (await hasArchive(set, id))) return
  await goToEntry(shards, id)
  try {
    for await (const _ of samplesOf(set, id, shards));
  } catch (error) {
    if (!(error instanceof FaceError) || error.code !== 'INVALID_INPUT') throw error
    found('entry', id, 'has samples that the shards do not hold as they were written')
  }
}

/** @returns number of samples that are as they were written */
async function checkDataset(
  set: string,
  dataset: Dataset,
  found: Found,
  step: (name: string) => void,
): Promise<number> {
  for (const [name, written] of Object.entries(dataset.files)) {
    step(name)
    const facts = await fileFacts(join(set, name))
    if (facts === null) found('table', name, 'is missing')
    else if (facts.sha256 !== written.sha256) found('table', name, 'is damaged')
  }
  const open = new Map(dataset.shards.map((shard) => [shard.file, shard]))
  const expected = new Map<string, ExpectedSample[]>()
  let good = 0
  let rows = 0
  const check = async (shard: ShardFacts, samples: readonly ExpectedSample[] | null) => {
    step(shard.file)
    open.delete(shard.file)
    expected.delete(shard.file)
    good += await checkShard(set, shard, samples, found)
  }
  try {
    const table = join(set, DATASET_FILES.pairs)
    for await (const row of readTable<PairTableRow>(table, ['key', 'shard', 'sha256'])) {
      rows++
      const shard = open.get(row.shard)
      if (shard === undefined) {
        found(
          'table',
          DATASET_FILES.pairs,
          `names the sample ${row.key} in ${row.shard}, which has no room for it`,
        )
        continue
      }
      const samples = expected.get(row.shard) ?? []
      samples.push(row)
      expected.set(row.shard, samples)
      // A shard is read once all of its rows are known: at most one of each split waits.
      if (samples.length === shard.samples) await check(shard, samples)
    }
    if (rows !== dataset.counts.pairs) {
      found('table', DATASET_FILES.pairs, `has ${rows} rows, should have ${dataset.counts.pairs}`)
    }
  } catch (error) {
    // Already said by its hash; shards are then checked by theirs.
    if (!(error instanceof FaceError)) throw error
  }
  for (const shard of [...open.values()]) await check(shard, expected.get(shard.file) ?? null)
  // Loaders take what lies in the folder.
  const listed = new Set(dataset.shards.map(({ file }) => file))
  for (const name of (await readdir(join(set, SHARDS)).catch(() => [])).sort()) {
    const file = `${SHARDS}/${name}`
    if (!listed.has(file)) found('shard', file, 'is not of this data set')
  }
  return good
}

/** @param expected its rows in order; null if they are not known */
async function checkShard(
  set: string,
  { file, sha256, samples }: ShardFacts,
  expected: readonly ExpectedSample[] | null,
  found: Found,
): Promise<number> {
  const path = join(set, file)
  if (expected === null) {
    const facts = await fileFacts(path)
    if (facts?.sha256 === sha256) return samples
    found('shard', file, facts === null ? 'is missing' : 'is damaged')
    return 0
  }
  if ((await fileFacts(path)) === null) {
    found('shard', file, `is missing, with its ${samples} samples`)
    return 0
  }
  const hash = createHash('sha256')
  const wanted = new Map(expected.map((row) => [row.key, row.sha256]))
  let good = 0
  let broken = false
  try {
    for await (const { key, files } of readSamples(path, (part) => hash.update(part))) {
      const written = wanted.get(key)
      wanted.delete(key)
      if (written === undefined) found('sample', key, `stands in ${file} without a row`)
      else if (contentFacts(files).sha256 === written) good++
      else found('sample', key, `is damaged in ${file}`)
    }
  } catch (error) {
    if (!(error instanceof FaceError)) throw error
    broken = true
  }
  for (const key of wanted.keys()) found('sample', key, `is missing from ${file}`)
  if (broken || hash.digest('hex') !== sha256) found('shard', file, 'is damaged')
  return good
}
