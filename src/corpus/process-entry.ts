import { stat } from 'node:fs/promises'
import { DeepFaceFlowError, FaceError } from '../errors.js'
import { assertEntry, type CorpusEntry, entryPaths } from './entry.js'
import {
  assertSameInputs,
  type EntryCounts,
  type EntryInputs,
  type EntryRecord,
  entryProvenance,
  hashInputs,
} from './entry-record.js'
import { EntryWriter } from './entry-writer.js'
import type { CorpusOptions } from './options.js'
import { processPhotos } from './process-photos.js'
import { processVideo } from './process-video.js'
import { type EntryContext, timed } from './work.js'

/** Errors that are the entry's own; all others would meet every later one too. */
const ENTRY_ERRORS: ReadonlySet<string> = new Set(['INVALID_INPUT', 'NO_FACE'])

/**
 * Computes one entry: finds and follows every face, chooses pairs, computes their flow, and writes samples and rows into the entry's
 * folder of the corpus. The folder appears at once, complete, or not at all; it has the same content in whatever process it is
 * computed, and in whatever order. Nothing is asked about an earlier result, which is replaced: see `isDone`. Several processes may be
 * at work on one entry; the last one's folder stays. An input that cannot be used gives a record too, with status `failed`.
 * @returns the record
 * @throws FaceError INVALID_INPUT for what is no entry; OUTPUT_FAILED, EXTERNAL_TOOL; EngineError; the signal's reason. What was done before stays
 */
export async function processEntry(
  entry: CorpusEntry,
  options: CorpusOptions,
  context: EntryContext,
): Promise<EntryRecord> {
  context.signal?.throwIfAborted()
  assertEntry(entry, 'the entry')
  const writer = await EntryWriter.begin(context.set, entry.id)
  let inputs: EntryInputs | null = null
  try {
    await assertKind(entry)
    inputs = await timed(context, 'hashing', () => hashInputs(entry))
    return await computed(entry, options, context, writer, inputs)
  } catch (error) {
    await writer.abort()
    context.signal?.throwIfAborted()
    if (!isOfEntry(error)) throw error
    return await failed(entry, options, context, error, inputs)
  }
}

async function computed(
  entry: CorpusEntry,
  options: CorpusOptions,
  context: EntryContext,
  writer: EntryWriter,
  inputs: EntryInputs,
): Promise<EntryRecord> {
  const work = { entry, options, context, writer }
  const { counts, damage } = await (entry.kind === 'pair' ? processPhotos(work) : processVideo(work))
  await timed(context, 'hashing', () => assertSameInputs(entry, inputs))
  context.signal?.throwIfAborted()
  const record = {
    ...factsOf(entry, context),
    status: 'complete' as const,
    failure: null,
    counts,
    damage,
    provenance: entryProvenance(inputs.hashes, options, context.engine),
    inputState: inputs.state,
  }
  return await timed(context, 'writing', () => writer.publish(record))
}

/** @param inputs as they were when the work began: a video that was still being copied is another one when it is whole */
async function failed(
  entry: CorpusEntry,
  options: CorpusOptions,
  context: EntryContext,
  { code, message }: DeepFaceFlowError,
  inputs: EntryInputs | null,
): Promise<EntryRecord> {
  // What cannot be read has no hash: it is tried again by every run.
  const { hashes, state } = inputs ?? { hashes: {}, state: '' }
  const writer = await EntryWriter.begin(context.set, entry.id)
  try {
    return await writer.publish({
      ...factsOf(entry, context),
      status: 'failed',
      failure: { code, message },
      counts: NOTHING,
      damage: null,
      provenance: entryProvenance(hashes, options, context.engine),
      inputState: state,
    })
  } catch (error) {
    await writer.abort()
    throw error
  }
}

/** What is counted where nothing was read. */
export const NOTHING: EntryCounts = { frames: 0, faces: 0, tracks: 0, cuts: 0, pairs: 0, rejected: {} }

function factsOf({ id, kind, names, group }: CorpusEntry, { faceFlow }: EntryContext) {
  return { format: 1 as const, id, kind, names, group, adapter: faceFlow.adapter }
}

function isOfEntry(error: unknown): error is DeepFaceFlowError {
  return error instanceof DeepFaceFlowError && ENTRY_ERRORS.has(error.code)
}

/** @throws FaceError INVALID_INPUT for a folder that is named as a video, or a file that is named as frames */
async function assertKind(entry: CorpusEntry): Promise<void> {
  const [path] = entryPaths(entry) as [string]
  const info = await stat(path).catch(() => null)
  if (entry.kind === 'video' && info?.isDirectory()) {
    throw new FaceError('INVALID_INPUT', `${path}: is a folder, not a video; name it as frames`, {
      file: path,
    })
  }
}
