import { FaceError, isStoreAddress, makeTemporaryFolder, type ObjectStore, S3Store } from '../index.js'

/** Where a corpus is worked on. */
export interface CorpusPlace {
  /** As it was named. */
  readonly out: string
  /** The corpus's folder; for one in object storage a folder of this machine, for what is under way. */
  readonly set: string
  /** Null for a folder. */
  readonly store: ObjectStore | null
  close(): Promise<void>
}

/** @throws FaceError INVALID_ARGUMENT, EXTERNAL_TOOL, MISSING_DEPENDENCY: see `S3Store.open` */
export async function openPlace(out: string): Promise<CorpusPlace> {
  const store = await openStore(out)
  if (store === null) return { out, set: out, store, close: async () => undefined }
  const folder = makeTemporaryFolder('deepfaceflow-corpus-')
  return { out, set: folder.path, store, close: () => folder.remove() }
}

/** Null for a folder. */
export async function openStore(out: string): Promise<ObjectStore | null> {
  return isStoreAddress(out) ? await S3Store.open(out, process.env) : null
}

/** @throws FaceError INVALID_ARGUMENT for object storage */
export function assertFolder(out: string, why: string): void {
  if (!isStoreAddress(out)) return
  throw new FaceError('INVALID_ARGUMENT', `${out}: ${why}`, { address: out })
}
