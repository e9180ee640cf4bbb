import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { FaceError } from '../errors.js'
import { findFrameFiles } from '../io/frame-files.js'
import { computedBy, type Provenance, provenanceChanges, withDigest } from '../io/provenance.js'
import { isUnbroken } from '../io/seal.js'
import { sha256Now } from '../platform/node/hash.js'
import { assertUnchanged, type HashedFile, hashFile } from '../platform/node/hashed-file.js'
import type { VideoDamage } from '../platform/node/video-frame.js'
import { type CorpusEntry, entryFolder, entryPaths } from './entry.js'
import type { CorpusEngine, CorpusOptions } from './options.js'

/** Names in the folder of a finished entry. */
export const ENTRY_FILES = {
  /** `EntryRecord`; the folder appears at once with all files, so it says that the entry is complete. */
  record: 'entry.json',
  /** The samples in a tar archive, in the order of their rows. */
  samples: 'samples.tar',
  /** A row of the table of pairs a line, without what assembly adds (shard, split). */
  pairs: 'pairs.jsonl',
  /** A row of the table of frames a line. */
  frames: 'frames.jsonl',
} as const

/** A file as it was written. */
export interface FileFacts {
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** What is counted of an entry. */
export interface EntryCounts {
  /** Pictures that were read. */
  readonly frames: number
  /** Faces in them, one a frame and track. */
  readonly faces: number
  readonly tracks: number
  readonly cuts: number
  readonly pairs: number
  /** Faces that a filter, or pairs that a limit or check left out, by its name; one may be left out for several. */
  readonly rejected: Readonly<Record<string, number>>
}

/** What a finished entry's `entry.json` holds. */
export interface EntryRecord {
  readonly format: 1
  readonly id: string
  readonly kind: CorpusEntry['kind']
  readonly names: readonly string[]
  readonly group: string
  /** `failed`: the input cannot be used, and would fail again. */
  readonly status: 'complete' | 'failed'
  readonly failure: { readonly code: string; readonly message: string } | null
  readonly counts: EntryCounts
  /** What of a video file could not be read; what could be read is in the samples. */
  readonly damage: VideoDamage | null
  /** What computed it; equal digests have equal content. */
  readonly provenance: Provenance & { readonly digest: string }
  /** Sizes and times of change of the inputs: while they are the same, their hashes are believed. */
  readonly inputState: string
  readonly adapter: string
  readonly files: Readonly<Record<string, FileFacts>>
  /** SHA-256 over the JSON of all else, hex: a record that was changed is none. */
  readonly seal: string
}

/** The inputs of an entry as they are now. */
export interface EntryInputs {
  /** SHA-256 by what it is of. */
  readonly hashes: Readonly<Record<string, string>>
  /** See `EntryRecord.inputState`. */
  readonly state: string
  readonly files: readonly HashedFile[]
}

/**
 * What an entry is computed by now.
 * @param hashes SHA-256 of its inputs
 */
export function entryProvenance(
  hashes: Readonly<Record<string, string>>,
  options: CorpusOptions,
  { weights, depthSource, refinement, extent }: CorpusEngine,
): Provenance & { readonly digest: string } {
  return withDigest({
    ...computedBy(weights),
    options: { ...options, filters: { ...options.filters }, depthSource, refinement, extent },
    inputs: hashes,
  })
}

/**
 * Reads the inputs' bytes: files and folders that were copied or touched are the same inputs.
 * @throws FaceError INVALID_INPUT naming what is missing or of another kind
 */
export async function hashInputs(entry: CorpusEntry): Promise<EntryInputs> {
  const state = await inputState(entry)
  const files: HashedFile[] = []
  for (const file of await inputFiles(entry)) files.push(await hashFile(file))
  if (entry.kind === 'frames') {
    const [folder] = entryPaths(entry) as [string]
    const listing = files.map(({ file, sha256 }) => `${relative(folder, file)}\n${sha256}\n`)
    return { hashes: { 'the frames': sha256Now(listing) }, state, files }
  }
  const called = entry.kind === 'video' ? ['the video'] : ['photo A', 'photo B']
  return { hashes: Object.fromEntries(files.map(({ sha256 }, i) => [called[i], sha256])), state, files }
}

/**
 * What was computed meanwhile would be labelled with hashes of other bytes.
 * @throws FaceError INVALID_INPUT where an input was written, or a picture came or went, since they were hashed
 */
export async function assertSameInputs(entry: CorpusEntry, { files }: EntryInputs): Promise<void> {
  for (const hashed of files) await assertUnchanged(hashed)
  const now = await inputFiles(entry)
  if (now.length === files.length && now.every((file, i) => file === files[i]?.file)) return
  const [folder = ''] = entryPaths(entry)
  throw new FaceError(
    'INVALID_INPUT',
    `${folder}: has other pictures than when the work on it began; start again`,
    {
      file: folder,
    },
  )
}

async function inputFiles(entry: CorpusEntry): Promise<readonly string[]> {
  const paths = entryPaths(entry)
  return entry.kind === 'frames' ? await pictures(paths[0] as string) : paths
}

/** @throws FaceError INVALID_INPUT */
async function pictures(folder: string): Promise<readonly string[]> {
  const found = await findFrameFiles(folder)
  if (found.kind === 'pictures') return found.files
  throw new FaceError('INVALID_INPUT', `${folder}: is a file, not a folder of frames; name it as a video`, {
    file: folder,
  })
}

async function inputState(entry: CorpusEntry): Promise<string> {
  const states: string[] = []
  for (const file of await inputFiles(entry)) {
    const info = await stat(file).catch((cause: NodeJS.ErrnoException) => {
      throw new FaceError(
        'INVALID_INPUT',
        `${file}: cannot be read (${cause.code}); check the path`,
        { file },
        { cause },
      )
    })
    states.push(`${info.size} ${info.mtimeMs}`)
  }
  return sha256Now([states.join('\n')])
}

/** The record of a finished entry; null where there is none, or it is damaged. */
export async function readEntryRecord(set: string, id: string): Promise<EntryRecord | null> {
  try {
    const text = await readFile(join(entryFolder(set, id), ENTRY_FILES.record), 'utf8')
    const record = JSON.parse(text) as EntryRecord | null
    return record?.format === 1 && record.id === id && isUnbroken(record) ? record : null
  } catch {
    return null
  }
}

/**
 * Whether a corpus's folder holds the entry as these options, this engine and these weights would compute it from its inputs as they
 * are now.
 * @returns null if it does; else why it is computed, empty where nothing was there
 */
export async function whyOpen(
  set: string,
  entry: CorpusEntry,
  options: CorpusOptions,
  engine: CorpusEngine,
): Promise<string | null> {
  const record = await readEntryRecord(set, entry.id)
  if (record === null) return ''
  if (record.group !== entry.group || String(record.names) !== String(entry.names))
    return 'its names are others'
  let hashes = record.provenance.inputs
  try {
    if ((await inputState(entry)) !== record.inputState) ({ hashes } = await hashInputs(entry))
  } catch (error) {
    // An input that is gone cannot be computed anew either.
    if (error instanceof FaceError) return record.status === 'failed' ? error.message : null
    throw error
  }
  const changes = provenanceChanges(record.provenance, entryProvenance(hashes, options, engine))
  return changes.length > 0 ? changes.join('; ') : null
}

/** {@link whyOpen} as a yes or no. */
export async function isDone(
  set: string,
  entry: CorpusEntry,
  options: CorpusOptions,
  engine: CorpusEngine,
): Promise<boolean> {
  return (await whyOpen(set, entry, options, engine)) === null
}

/** Size and SHA-256 of a file, read as a stream; null where it cannot be read. */
export async function fileFacts(file: string): Promise<FileFacts | null> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const part of createReadStream(file)) {
      hash.update(part as Uint8Array)
      bytes += (part as Uint8Array).length
    }
  } catch {
    return null
  }
  return { bytes, sha256: hash.digest('hex') }
}
