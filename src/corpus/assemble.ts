import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readJsonLines } from '../io/json-lines.js'
import { provenanceChanges } from '../io/provenance.js'
import { sealed } from '../io/seal.js'
import { flushFile, makeOutputFolder, writeFileAtomic } from '../platform/node/atomic.js'
import { packageFacts } from '../platform/node/package-root.js'
import { makeFolderUnderWay } from '../platform/node/temporary-folder.js'
import { DATASET_FILES, type Dataset, type EntryLine, readDataset } from './dataset.js'
import { type CorpusEntry, entryFolder } from './entry.js'
import {
  ENTRY_FILES,
  type EntryRecord,
  entryProvenance,
  type FileFacts,
  fileFacts,
  readEntryRecord,
} from './entry-record.js'
import { damagedEntry, dropArchive, goToEntry, keepPassedEntry, samplesOf } from './entry-samples.js'
import { LineFile } from './line-file.js'
import type { CorpusPlan } from './plan.js'
import { finishPublishing, publishDataset } from './publish.js'
import { writeReport } from './report.js'
import { CorpusFigures } from './report-figures.js'
import type { FrameRow } from './rows.js'
import type { CorpusSettings } from './settings.js'
import { ShardSamples } from './shard-samples.js'
import { type ShardFacts, ShardWriter } from './shard-writer.js'
import { splitOf, WHOLE } from './splits.js'
import { FRAME_COLUMNS, PAIR_COLUMNS, type PairTableRow } from './table-columns.js'
import { TableWriter } from './tables.js'
import { Totals } from './totals.js'

/** How an assembly is watched, and whether it is made where nothing has changed. */
export interface AssembleOptions {
  readonly signal?: AbortSignal
  /** Called after each entry. */
  readonly onEntry?: (id: string) => void
  /** Anew, also if the folder holds a data set of the same content. */
  readonly force?: boolean
}

/**
 * Makes the data set of a corpus from its finished entries: shards, tables, report, and `dataset.json`, which is written last. Entries come
 * in the order of the plan, whoever computed them and when: the same entries give the same bytes. Entries that are not finished, or that
 * other options, weights or versions computed, are left out and counted as open. Once the shards hold the samples of an entry, the entry's
 * own are given up; a later assembly takes them from the shards. One process at a time does this in a folder.
 * @throws FaceError INVALID_INPUT naming an entry whose files are damaged (`details.entry`); OUTPUT_FAILED; the signal's reason. The data
 * set that was there before is still there then
 */
export async function assembleCorpus(
  set: string,
  plan: CorpusPlan,
  settings: CorpusSettings,
  options: AssembleOptions = {},
): Promise<Dataset> {
  await makeOutputFolder(set)
  await finishPublishing(set)
  const digest = await contentDigest(set, plan, settings)
  const there = await readDataset(set)
  if (!options.force && there?.digest === digest && (await hasShards(set, there))) {
    await dropArchives(set, plan, settings)
    return there
  }
  const folder = await makeFolderUnderWay(join(set, 'assembly'))
  const assembly = await Assembly.begin(set, folder.path, settings)
  try {
    for await (const entry of plan.entries()) {
      options.signal?.throwIfAborted()
      await assembly.add(entry)
      options.onEntry?.(entry.id)
    }
    const dataset = await assembly.publish(digest)
    // Entries that others have computed again meanwhile keep what they have: the next assembly finds them.
    if ((await contentDigest(set, plan, settings)) === digest) await dropArchives(set, plan, settings)
    return dataset
  } catch (error) {
    await assembly.abort()
    throw error
  } finally {
    await assembly.close()
    await folder.remove().catch(() => undefined)
  }
}

/** The record of an entry if it is the one that settings would compute. */
export async function currentRecord(
  set: string,
  entry: CorpusEntry,
  settings: CorpusSettings,
): Promise<EntryRecord | null> {
  const record = await readEntryRecord(set, entry.id)
  if (record === null || record.group !== entry.group || String(record.names) !== String(entry.names))
    return null
  const expected = entryProvenance(record.provenance.inputs, settings.options, settings.engine)
  return provenanceChanges(record.provenance, expected).length === 0 ? record : null
}

async function contentDigest(set: string, plan: CorpusPlan, settings: CorpusSettings): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([packageFacts().version, plan.digest, settings]))
  for await (const entry of plan.entries()) {
    const record = await currentRecord(set, entry, settings)
    hash.update(
      JSON.stringify([
        entry.id,
        record?.provenance.digest ?? null,
        record?.status ?? null,
        record?.files ?? null,
      ]),
    )
  }
  return hash.digest('hex')
}

/** The shards hold all samples: those of the entries, which would take as much space again, are given up. */
async function dropArchives(set: string, plan: CorpusPlan, settings: CorpusSettings): Promise<void> {
  for await (const entry of plan.entries()) {
    if ((await currentRecord(set, entry, settings)) !== null) await dropArchive(set, entry.id)
  }
}

/** Whether the shards of a data set are there, by their sizes. */
async function hasShards(set: string, { shards }: Dataset): Promise<boolean> {
  for (const { file, bytes } of shards) {
    if ((await stat(join(set, file)).catch(() => null))?.size !== bytes) return false
  }
  return true
}

/** A data set under way, in a folder of its own. */
class Assembly {
  readonly #shards = new Map<string, ShardWriter>()
  readonly #totals = new Totals()
  readonly #figures: CorpusFigures
  readonly #adapters = new Set<string>()

  private constructor(
    private readonly set: string,
    private readonly folder: string,
    private readonly settings: CorpusSettings,
    private readonly pairs: TableWriter<PairTableRow>,
    private readonly frames: TableWriter<FrameRow>,
    private readonly lines: LineFile,
    /** Samples of the data set that this one takes the place of. */
    private readonly before: ShardSamples,
  ) {
    this.#figures = new CorpusFigures(settings.options)
  }

  static async begin(set: string, folder: string, settings: CorpusSettings): Promise<Assembly> {
    const pairs = await TableWriter.create(join(folder, DATASET_FILES.pairs), PAIR_COLUMNS)
    const frames = await TableWriter.create(join(folder, DATASET_FILES.frames), FRAME_COLUMNS)
    return new Assembly(
      set,
      folder,
      settings,
      pairs,
      frames,
      new LineFile(join(folder, DATASET_FILES.entries)),
      await ShardSamples.open(set),
    )
  }

  async add(entry: CorpusEntry): Promise<void> {
    const record = await currentRecord(this.set, entry, this.settings)
    await this.lines.add(lineOf(entry, record))
    this.#totals.entry(record)
    if (record?.status !== 'complete') return
    this.#adapters.add(record.adapter)
    const place = entryFolder(this.set, entry.id)
    for (const name of [ENTRY_FILES.pairs, ENTRY_FILES.frames]) {
      const facts = await fileFacts(join(place, name))
      if (facts?.sha256 !== record.files[name]?.sha256) throw damagedEntry(entry.id, join(place, name))
    }
    for await (const { value } of readJsonLines(join(place, ENTRY_FILES.frames))) {
      const row = value as FrameRow
      await this.frames.add(row)
      this.#figures.frame(row)
      this.#totals.frame(row)
    }
    await this.#addPairs(entry)
  }

  async #addPairs({ id }: CorpusEntry): Promise<void> {
    await goToEntry(this.before, id, (passed) => keepPassedEntry(this.set, passed, this.before))
    for await (const { row, sample } of samplesOf(this.set, id, this.before)) {
      const { splits, shardBytes } = this.settings.assembly
      const split = splits === null ? WHOLE : splitOf(row, splits)
      const writer = this.#shards.get(split) ?? new ShardWriter(this.folder, split, shardBytes)
      this.#shards.set(split, writer)
      const shard = await writer.add(sample)
      await this.pairs.add({ ...row, split, shard })
      this.#totals.pair(row, split)
      this.#figures.pair(row, sample)
    }
  }

  /** Puts all in its place; `dataset.json` last. */
  async publish(digest: string): Promise<Dataset> {
    const shards: ShardFacts[] = []
    for (const [, writer] of [...this.#shards].sort(([a], [b]) => (a < b ? -1 : 1)))
      shards.push(...(await writer.end()))
    await this.pairs.end()
    await this.frames.end()
    await this.lines.end()
    const { options, engine, assembly } = this.settings
    const unreported = {
      format: 1 as const,
      digest,
      license: assembly.license,
      version: packageFacts().version,
      engine,
      options,
      assembly,
      counts: this.#totals.counts,
      splits: this.#totals.splits(shards),
      flow: {
        type: 'float16' as const,
        shape: [224, 224, 3] as const,
        relative_error: 2 ** -11,
        largest_error: this.#totals.largestError,
      },
      shards,
    }
    await writeReport(this.folder, this.#figures, unreported)
    const { dataset: _, ...others } = DATASET_FILES
    const files: Record<string, FileFacts> = {}
    for (const name of Object.values(others)) {
      const facts = await fileFacts(join(this.folder, name))
      if (facts !== null) files[name] = facts
    }
    const run = { date: new Date().toISOString(), adapters: [...this.#adapters].sort() }
    const dataset: Dataset = { ...sealed({ ...unreported, files }), run }
    await goToEntry(this.before, null, (passed) => keepPassedEntry(this.set, passed, this.before))
    await writeFileAtomic(join(this.folder, DATASET_FILES.dataset), `${JSON.stringify(dataset, null, 1)}\n`)
    for (const name of [...shards.map(({ file }) => file), ...Object.keys(files)])
      await flushFile(join(this.folder, name))
    await publishDataset(this.set, this.folder)
    return dataset
  }

  async abort(): Promise<void> {
    for (const writer of this.#shards.values()) await writer.abort()
  }

  async close(): Promise<void> {
    await this.before.close()
  }
}

function lineOf({ id, kind, names, group }: CorpusEntry, record: EntryRecord | null): EntryLine {
  return {
    id,
    kind,
    paths: names,
    group,
    status: record?.status ?? 'open',
    code: record?.failure?.code ?? null,
    message: record?.failure?.message ?? null,
    counts: record?.counts ?? null,
    damage: record?.damage ?? null,
    digest: record?.provenance.digest ?? null,
    inputs: record?.provenance.inputs ?? null,
  }
}
