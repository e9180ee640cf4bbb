import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { VideoDamage } from '../platform/node/video-frame.js'
import type { EntryCounts, FileFacts } from './entry-record.js'
import type { CorpusEngine, CorpusOptions } from './options.js'
import type { AssemblyOptions } from './settings.js'
import type { ShardFacts } from './shard-writer.js'

/** Names in a corpus's folder. */
export const DATASET_FILES = {
  /** `Dataset`; written last, so that it says that the rest is complete. */
  dataset: 'dataset.json',
  pairs: 'pairs.parquet',
  frames: 'frames.parquet',
  /** An `EntryLine` a line. */
  entries: 'entries.jsonl',
  report: 'report.html',
  picture: 'report.png',
} as const

/** What `entries.jsonl` says of an entry. */
export interface EntryLine {
  readonly id: string
  readonly kind: string
  readonly paths: readonly string[]
  readonly group: string
  /** `open`: not computed yet, or by other options, weights or version. */
  readonly status: 'complete' | 'failed' | 'open'
  readonly code: string | null
  readonly message: string | null
  readonly counts: EntryCounts | null
  /** What of a video file could not be read. */
  readonly damage: VideoDamage | null
  /** Digest of what computed it. */
  readonly digest: string | null
  /** SHA-256 of its inputs. */
  readonly inputs: Readonly<Record<string, string>> | null
}

/** What `dataset.json` holds. */
export interface Dataset {
  readonly format: 1
  /** Of everything that decides the content: equal digests have equal shards and tables. */
  readonly digest: string
  readonly license: string | null
  readonly version: string
  readonly engine: CorpusEngine
  readonly options: CorpusOptions
  readonly assembly: AssemblyOptions
  readonly counts: EntryCounts & {
    readonly entries: number
    readonly complete: number
    readonly failed: number
    readonly open: number
    /** Frames with at least one face that passed the filters, one a face. */
    readonly usable_faces: number
  }
  readonly splits: Readonly<Record<string, { readonly pairs: number; readonly shards: number }>>
  readonly flow: {
    readonly type: 'float16'
    readonly shape: readonly [224, 224, 3]
    /** Of a component v: |v| times this is the largest rounding error. */
    readonly relative_error: number
    /** Largest rounding error in this corpus, template px. */
    readonly largest_error: number
  }
  readonly shards: readonly ShardFacts[]
  /** The other files, by name. */
  readonly files: Readonly<Record<string, FileFacts>>
  /** SHA-256 over the JSON of all before it, hex. */
  readonly seal: string
  /** What differs from run to run. */
  readonly run: { readonly date: string; readonly adapters: readonly string[] }
}

/** The record of a corpus's folder; null where there is none. */
export async function readDataset(set: string): Promise<Dataset | null> {
  try {
    const dataset = JSON.parse(await readFile(join(set, DATASET_FILES.dataset), 'utf8')) as Dataset
    return dataset.format === 1 && Array.isArray(dataset.shards) ? dataset : null
  } catch {
    return null
  }
}
