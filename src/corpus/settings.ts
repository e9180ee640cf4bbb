import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import { writeFileAtomic } from '../platform/node/atomic.js'
import type { CorpusEngine, CorpusOptions } from './options.js'
import type { Splits } from './splits.js'

/** How finished entries become a data set. None of it changes an entry: other settings assemble the same entries anew. */
export interface AssemblyOptions {
  /** Bytes of a shard. */
  readonly shardBytes: number
  /** Null: all in one. */
  readonly splits: Splits | null
  /** What `dataset.json` says of the rights in the videos, for example `CC-BY-4.0`; null if nothing was said. */
  readonly license: string | null
}

/** Shards of this size are what readers stream well. */
export const DEFAULT_SHARD_BYTES = 1e9

/** What a corpus is made with, in its folder: `repair` and other processes go on by it. */
export interface CorpusSettings {
  readonly format: 1
  /** Of the package. */
  readonly version: string
  readonly options: CorpusOptions
  readonly engine: CorpusEngine
  readonly assembly: AssemblyOptions
}

/** Name of the settings' file in a corpus's folder. */
export const SETTINGS = 'corpus.json'

/** @throws FaceError OUTPUT_FAILED */
export async function writeSettings(set: string, settings: CorpusSettings): Promise<void> {
  await writeFileAtomic(join(set, SETTINGS), `${JSON.stringify(settings, null, 1)}\n`)
}

/** @throws FaceError INVALID_INPUT if the folder holds no corpus */
export async function readSettings(set: string): Promise<CorpusSettings> {
  const file = join(set, SETTINGS)
  try {
    const settings = JSON.parse(await readFile(file, 'utf8')) as CorpusSettings
    const { format, version, options, engine, assembly } = settings
    const isWhole = [options, options.filters, options.gaps, engine.weights, assembly].every(
      (part) => typeof part === 'object' && part !== null,
    )
    if (format === 1 && typeof version === 'string' && isWhole) return settings
  } catch {
    // Said below.
  }
  throw new FaceError(
    'INVALID_INPUT',
    `${file}: is missing or damaged; give a folder that "deepfaceflow corpus" made, or run that again with the input`,
    {
      file,
    },
  )
}
