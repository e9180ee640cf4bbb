import { rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { FaceError } from '../../errors.js'
import { readJsonLines } from '../../io/json-lines.js'
import { isUnbroken } from '../../io/seal.js'
import { DATASET_FILES, type Dataset } from '../dataset.js'
import { entryFolder, isEntry } from '../entry.js'
import { ENTRY_FILES, type EntryRecord, readEntryRecord } from '../entry-record.js'
import { LineFile } from '../line-file.js'
import { type CorpusPlan, planCorpus } from '../plan.js'
import { SETTINGS } from '../settings.js'
import type { ObjectStore } from './object-store.js'

/*
 * A corpus in object storage, and its parts in a folder of this machine where they are worked on. Objects have the names of the files. What
 * says that something is complete is put last: an entry's record, the plan, `dataset.json`.
 */

const PLAN = 'plan.jsonl'
/** Of the hash in an object's name: what of one entry must differ. */
const HASH_DIGITS = 16

/** @throws FaceError EXTERNAL_TOOL, OUTPUT_FAILED */
export async function sendPlan(store: ObjectStore, set: string, plan: CorpusPlan): Promise<void> {
  const file = join(set, PLAN)
  const lines = new LineFile(file)
  for await (const entry of plan.entries()) await lines.add(entry)
  await lines.end()
  await store.put(PLAN, { file })
  await store.put(SETTINGS, { file: join(set, SETTINGS) })
}

/**
 * The options of a stored corpus, in the folder.
 * @throws FaceError INVALID_INPUT if the store holds no corpus; EXTERNAL_TOOL, OUTPUT_FAILED
 */
export async function fetchSettings(store: ObjectStore, set: string): Promise<void> {
  if (!(await store.download(SETTINGS, join(set, SETTINGS)))) throw noCorpus(store)
}

/** The plan of a stored corpus, in the folder. @throws as {@link fetchSettings} */
export async function fetchPlan(store: ObjectStore, set: string): Promise<CorpusPlan> {
  const file = join(set, PLAN)
  if (!(await store.download(PLAN, file))) throw noCorpus(store)
  return await planCorpus(
    set,
    (async function* () {
      let line = 0
      for await (const { value } of readJsonLines(file)) {
        line++
        const { root } = (value ?? {}) as { readonly root?: unknown }
        if (!isEntry(value) || typeof root !== 'string') throw damagedPlan(store, line)
        yield { ...value, root }
      }
    })(),
  )
}

/** The record of a finished entry in the folder, or none. @throws FaceError EXTERNAL_TOOL, OUTPUT_FAILED */
export async function fetchRecord(store: ObjectStore, set: string, id: string): Promise<void> {
  const file = join(entryFolder(set, id), ENTRY_FILES.record)
  if (!(await store.download(nameOf(set, id, ENTRY_FILES.record), file))) await rm(file, { force: true })
}

/**
 * Sends a finished entry and takes it out of the folder. Its files have their hashes in their names and its record comes last, so two workers
 * at one entry do not mix theirs.
 * @throws FaceError EXTERNAL_TOOL
 */
export async function sendEntry(store: ObjectStore, set: string, record: EntryRecord): Promise<void> {
  const { id } = record
  const folder = entryFolder(set, id)
  const before = await storedRecord(store, set, id)
  const names = filesOf(set, record)
  for (const [file, name] of names) await store.put(name, { file: join(folder, file) })
  await store.put(nameOf(set, id, ENTRY_FILES.record), { file: join(folder, ENTRY_FILES.record) })
  const kept = new Set(names.values())
  if (before !== null) {
    for (const name of filesOf(set, before).values()) if (!kept.has(name)) await store.remove(name)
  }
  await rm(folder, { recursive: true, force: true })
}

/**
 * All finished entries with what they hold, in the folder.
 * @throws FaceError INVALID_INPUT naming an entry of which a file is missing; EXTERNAL_TOOL, OUTPUT_FAILED; the signal's reason
 */
export async function fetchEntries(
  store: ObjectStore,
  set: string,
  plan: CorpusPlan,
  { signal, onEntry }: { readonly signal?: AbortSignal; readonly onEntry?: (id: string) => void } = {},
): Promise<void> {
  for await (const { id } of plan.entries()) {
    signal?.throwIfAborted()
    onEntry?.(id)
    await fetchRecord(store, set, id)
    const record = await readEntryRecord(set, id)
    if (record === null) continue
    for (const [file, name] of filesOf(set, record)) {
      if (await store.download(name, join(entryFolder(set, id), file))) continue
      const where = `${store.shown}/${nameOf(set, id, ENTRY_FILES.record)}`
      throw new FaceError(
        'INVALID_INPUT',
        `${store.shown}/${name}: is missing; remove ${where}, and compute the entry again`,
        { entry: id },
      )
    }
  }
}

/**
 * Puts a data set in the place of the stored one. Its entries keep their samples, so nothing can be lost on the way.
 * @throws FaceError EXTERNAL_TOOL
 */
export async function sendDataset(store: ObjectStore, set: string, dataset: Dataset): Promise<void> {
  const before = await storedJson<Dataset>(store, DATASET_FILES.dataset)
  await store.remove(DATASET_FILES.dataset)
  const names = [...dataset.shards.map(({ file }) => file), ...Object.keys(dataset.files)]
  for (const name of names) await store.put(name, { file: join(set, name) })
  await store.put(DATASET_FILES.dataset, { file: join(set, DATASET_FILES.dataset) })
  for (const { file } of before?.shards ?? []) if (!names.includes(file)) await store.remove(file)
}

/** Objects of an entry's files, by the names of the files. */
function filesOf(set: string, { id, files }: EntryRecord): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(files).map(([file, { sha256 }]) => [
      file,
      nameOf(set, id, `${sha256.slice(0, HASH_DIGITS)}-${file}`),
    ]),
  )
}

function nameOf(set: string, id: string, file: string): string {
  return relative(set, join(entryFolder(set, id), file))
    .split(sep)
    .join('/')
}

async function storedRecord(store: ObjectStore, set: string, id: string): Promise<EntryRecord | null> {
  const record = await storedJson<EntryRecord>(store, nameOf(set, id, ENTRY_FILES.record))
  return record !== null && isUnbroken(record) ? record : null
}

/** Null also for what is damaged, which is put anew. */
async function storedJson<T>(store: ObjectStore, name: string): Promise<T | null> {
  const bytes = await store.get(name)
  try {
    return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as T)
  } catch {
    return null
  }
}

function damagedPlan(store: ObjectStore, line: number): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${store.shown}/${PLAN}, line ${line}: is damaged; run "deepfaceflow corpus" or "queue fill" with the input again, which plans anew`,
    { store: store.shown, line },
  )
}

function noCorpus(store: ObjectStore): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${store.shown}: holds no corpus; run "deepfaceflow corpus" or "queue fill" with it first`,
    { store: store.shown },
  )
}
