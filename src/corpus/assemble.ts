import { createHash } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import { readJsonLines } from '../io/json-lines.js'
import { provenanceChanges } from '../io/provenance.js'
import { makeOutputFolder, outputFailed, writeFileAtomic } from '../platform/node/atomic.js'
import { temporaryName } from '../platform/node/owner.js'
import { packageFacts } from '../platform/node/package-root.js'
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
import { replaceFolder } from './entry-writer.js'
import { LineFile } from './line-file.js'
import type { CorpusPlan } from './plan.js'
import { writeReport } from './report.js'
import { CorpusFigures } from './report-figures.js'
import type { FrameRow, PairRow } from './rows.js'
import { contentFacts } from './sample-files.js'
import type { CorpusSettings } from './settings.js'
import { SHARDS, type ShardFacts, ShardWriter } from './shard-writer.js'
import { splitOf, WHOLE } from './splits.js'
import { FRAME_COLUMNS, PAIR_COLUMNS, type PairTableRow } from './table-columns.js'
import { TableWriter } from './tables.js'
import { readSamples } from './tar-reader.js'
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
 * other options, weights or versions computed, are left out and counted as open.
 * @throws FaceError INVALID_INPUT naming an entry whose files are damaged (`details.entry`); OUTPUT_FAILED; the signal's reason. The data
 * set that was there before is still there then
 */
export async function assembleCorpus(
  set: string,
  plan: CorpusPlan,
  settings: CorpusSettings,
  options: AssembleOptions = {},
): Promise<Dataset> {
  const digest = await contentDigest(set, plan, settings)
  const there = await readDataset(set)
  if (!options.force && there?.digest === digest) return there
  await makeOutputFolder(set)
  const folder = join(set, temporaryName('assembly'))
  try {
    await mkdir(folder)
  } catch (cause) {
    throw outputFailed(folder, cause)
  }
  const assembly = await Assembly.begin(set, folder, settings)
  try {
    for await (const entry of plan.entries()) {
      options.signal?.throwIfAborted()
      await assembly.add(entry)
      options.onEntry?.(entry.id)
    }
    return await assembly.publish(digest)
  } catch (error) {
    await assembly.abort()
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
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
    await this.#addPairs(entry, place)
  }

  async #addPairs({ id }: CorpusEntry, place: string): Promise<void> {
    const archive = join(place, ENTRY_FILES.samples)
    const samples = readSamples(archive)
    try {
      for await (const { value } of readJsonLines(join(place, ENTRY_FILES.pairs))) {
        const row = value as PairRow
        const sample = await samples.next().catch((cause: unknown) => {
          throw damagedEntry(id, archive, cause)
        })
        if (
          sample.done ||
          sample.value.key !== row.key ||
          contentFacts(sample.value.files).sha256 !== row.sha256
        ) {
          throw damagedEntry(id, archive)
        }
        const { splits, shardBytes } = this.settings.assembly
        const split = splits === null ? WHOLE : splitOf(row, splits)
        const writer = this.#shards.get(split) ?? new ShardWriter(this.folder, split, shardBytes)
        this.#shards.set(split, writer)
        const shard = await writer.add(sample.value)
        await this.pairs.add({ ...row, split, shard })
        this.#totals.pair(row, split)
        this.#figures.pair(row, sample.value)
      }
    } finally {
      await samples.return(undefined)
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
    const dataset: Dataset = { ...unreported, files, run }
    try {
      // From here on until it is written again the folder holds no data set.
      await rm(join(this.set, DATASET_FILES.dataset), { force: true })
      if (shards.length > 0) await replaceFolder(join(this.folder, SHARDS), join(this.set, SHARDS))
      else await rm(join(this.set, SHARDS), { recursive: true, force: true })
      for (const name of Object.keys(files)) await rename(join(this.folder, name), join(this.set, name))
    } catch (cause) {
      throw outputFailed(this.set, cause)
    }
    await writeFileAtomic(join(this.set, DATASET_FILES.dataset), `${JSON.stringify(dataset, null, 1)}\n`)
    return dataset
  }

  async abort(): Promise<void> {
    for (const writer of this.#shards.values()) await writer.abort()
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

function damagedEntry(id: string, file: string, cause?: unknown): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${file}: is damaged; "deepfaceflow corpus repair" computes the entry ${id} again`,
    { file, entry: id },
    { cause },
  )
}
