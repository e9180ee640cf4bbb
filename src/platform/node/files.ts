import { access, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { temporaryName } from './owner.js'
import { packageFacts } from './package-root.js'

/** Contents of a file. Rejects with Node's error, whose `code` says why. */
export async function readBytes(path: string): Promise<Uint8Array> {
  return await readFile(path)
}

/** Contents of a text file, UTF-8. Rejects with Node's error, whose `code` says why. */
export async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8')
}

export async function fileExists(path: string): Promise<boolean> {
  try {
    await access(path)
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

export function joinPath(folder: string, name: string): string {
  return join(folder, name)
}

/** Path of a file in the package's `weights`. */
export function shippedWeights(name: string): string {
  return join(packageFacts().root, 'weights', name)
}
