import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FaceError } from '../../errors.js'

/** The file system calls of this module, replaceable so that tests can fill the disk. */
export interface FileSystem {
  /** Creates a file that must not exist yet, writes all of `data` and flushes it to the disk. */
  write(path: string, data: Uint8Array): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  mkdir(path: string): Promise<void>
}

export const nodeFileSystem: FileSystem = {
  async write(path, data) {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(data)
      // Some file systems report a full disk only now.
      await file.sync()
    } finally {
      await file.close()
    }
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  async mkdir(path) {
    await mkdir(path, { recursive: true })
  },
}

/** Files that exist at this moment and must not outlive the process. */
const pending = new Set<string>()

/** From here on a signal that ends the process removes the file. */
export function keepPending(file: string): void {
  pending.add(resolve(file))
}

export function dropPending(file: string): void {
  pending.delete(resolve(file))
}

/**
 * Writes a file so that readers see the old content or the new, never a part: temporary file in the same
 * folder, then rename. The temporary file is gone afterwards, whatever happens.
 * @throws FaceError OUTPUT_FAILED naming the file, the cause and the remedy
 */
export async function writeFileAtomic(
  file: string,
  data: Uint8Array | string,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  keepPending(temporary)
  try {
    await fs.write(temporary, bytes)
    await fs.rename(temporary, file)
  } catch (cause) {
    // The write's failure is what the caller must hear about, not one of the clean-up.
    await fs.remove(temporary).catch(() => undefined)
    throw outputFailed(file, cause)
  } finally {
    dropPending(temporary)
  }
}

/**
 * Makes a folder and its parents.
 * @throws FaceError OUTPUT_FAILED
 */
export async function makeOutputFolder(folder: string, fs: FileSystem = nodeFileSystem): Promise<void> {
  try {
    await fs.mkdir(folder)
  } catch (cause) {
    throw outputFailed(folder, cause)
  }
}

/**
 * Removes the temporary files of writes under way, and locks. For signal handlers, hence synchronous: the process is
 * about to end and no write will finish.
 */
export function removePendingFiles(): void {
  for (const file of pending) rmSync(file, { force: true })
  pending.clear()
}

/** Turns a failure to write into OUTPUT_FAILED with what the person can do. */
export function outputFailed(file: string, cause: unknown): FaceError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  const [what, remedy] = explain(code)
  return new FaceError('OUTPUT_FAILED', `${file}: ${what} (${code}); ${remedy}`, { file, code }, { cause })
}

function explain(code: string): [what: string, remedy: string] {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return ['the disk is full', 'free some space or choose another folder with -o']
    case 'EFBIG':
      return ['the file would exceed the size limit', 'raise the limit or choose another folder with -o']
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return ['not writable', 'choose another folder with -o or change its permissions']
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return ['something else is in the way', 'choose another folder with -o']
    case 'ENOENT':
      return ['the folder does not exist', 'create it or choose another one with -o']
    default:
      return ['cannot be written', 'choose another folder with -o']
  }
}
