import { access, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ReadOptions, ShippedFiles } from '../shipped-files.js'
import { writeFileAtomic } from './atomic.js'
import { temporaryName } from './owner.js'
import { packageFacts } from './package-root.js'

/**
 * Contents of a file. Rejects with Node's error, whose `code` says why, or with the signal's reason.
 * @param path file name or `file:` URL
 */
export async function readBytes(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
  const { signal, onDownload } = options
  signal?.throwIfAborted()
  const bytes = await readFile(fileName(path), { signal })
  onDownload?.({ file: path, loaded: bytes.length, total: bytes.length, local: true })
  return bytes
}

export async function fileExists(path: string): Promise<boolean> {
  try {
    await access(fileName(path))
    return true
  } catch {
    return false
  }
}

/** Writes a file beside its place and renames it, so that a reader never sees a part. Rejects with Node's error. */
export async function replaceFile(path: string, data: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), temporaryName(basename(path)))
  try {
    await writeFile(temporary, data)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Path of a file in the package's `weights`, or in the folder that the caller names. */
export function shippedWeights(name: string, { weightsUrl }: ShippedFiles = {}): string {
  if (weightsUrl === undefined) return join(packageFacts().root, 'weights', name)
  if (typeof weightsUrl === 'function') return String(weightsUrl(name))
  return join(fileName(String(weightsUrl)), name)
}

/** Path of what is stored under a name in a folder of {@link cacheFolder}. */
export function storePath(folder: string, name: string): string {
  return join(folder, name)
}

/** Text stored there; undefined if there is none. Rejects with Node's error. */
export async function readStored(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** @throws FaceError OUTPUT_FAILED */
export async function writeStored(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, text)
}

function fileName(path: string): string {
  return /^file:\/\//i.test(path) ? fileURLToPath(path) : path
}
