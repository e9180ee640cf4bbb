import { rmdirSync, rmSync } from 'node:fs'
import { lstat, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, parse, resolve } from 'node:path'
import { FaceError } from '../../errors.js'
import { removeAbandoned, temporaryName } from './owner.js'

/** The file system calls of this module, replaceable so that tests can fill the disk. */
export interface FileSystem {
  /** Creates a file that must not exist yet, writes all of `data` and flushes it to the disk. */
  write(path: string, data: Uint8Array): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes a folder and its parents. @returns those that were not there before, outermost first */
  mkdir(path: string): Promise<readonly string[]>
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
  mkdir: makeFolders,
}

/**
 * Makes a folder and its parents. Node's own recursive mkdir never ends below /proc, and on a read-only
 * mount calls the folder missing.
 * @returns the folders that were not there before, outermost first
 */
async function makeFolders(path: string): Promise<string[]> {
  try {
    await mkdir(path)
    return [path]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Something is there, or the system refused before it looked (a read-only mount, a drive's root).
    if (code !== 'ENOENT') {
      await assertFolder(path, error)
      return []
    }
    const parent = dirname(resolve(path))
    if (parent === resolve(path)) throw error
    const made = await makeFolders(parent)
    // Another process may have made it meanwhile.
    return [...made, ...((await makeOne(path)) ? [path] : [])]
  }
}

async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    await assertFolder(path, error)
    return false
  }
}

/** @throws why it was not made if it is no folder: that it is gone where another process took away what was in the way */
async function assertFolder(path: string, error: unknown): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory()) return
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  if (!(await lstat(path)).isDirectory()) throw error
}

/** Files and folders that exist at this moment and must not outlive the process. */
const pending = new Set<string>()

/** From here on a signal that ends the process removes the file, or the folder with all that is in it. */
export function keepPending(path: string): void {
  pending.add(resolve(path))
}

export function dropPending(path: string): void {
  pending.delete(resolve(path))
}

/** Folders that this process made for output, outer ones before those in them: those that hold nothing must not outlive it. */
const madeFolders = new Set<string>()

/**
 * Writes bytes or UTF-8 text to a file so that readers see the old content or the new, never a part: temporary file in the same
 * folder, then rename. The temporary file is gone afterwards, whatever happens.
 * @throws FaceError OUTPUT_FAILED naming the file, the cause and the remedy
 */
export async function writeFileAtomic(
  file: string,
  data: Uint8Array | string,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const temporary = join(dirname(file), temporaryName(basename(file)))
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
 * Sees to it that a file is on the disk; some file systems report a full one only now.
 * @throws FaceError OUTPUT_FAILED
 */
export async function flushFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw outputFailed(path, cause)
  }
}

/**
 * Makes a folder and its parents, and removes what killed processes left unfinished in it.
 * @returns the folders that were not there before, outermost first, for {@link removeIfEmpty}
 * @throws FaceError OUTPUT_FAILED
 */
export async function makeOutputFolder(
  folder: string,
  fs: FileSystem = nodeFileSystem,
): Promise<readonly string[]> {
  assertNoAddress(folder)
  return await againIfGone(async () => {
    try {
      const made = await fs.mkdir(folder)
      for (const path of made) madeFolders.add(resolve(path))
      await removeAbandoned(folder)
      return made
    } catch (cause) {
      throw outputFailed(folder, cause)
    }
  })
}

/**
 * Takes away the folders that a command made and put nothing into: one that is refused leaves nothing new behind.
 * @param made outermost first; those that hold something, and those around them, stay
 */
export async function removeIfEmpty(made: readonly string[]): Promise<void> {
  for (const path of [...made].reverse()) {
    await rmdir(path).catch(() => undefined)
    madeFolders.delete(resolve(path))
  }
}

/** More processes than this do not look at one folder in one moment. */
const TRIES = 20

/**
 * Several commands that start at once look at the same folders, and each takes those away that it made only to look:
 * under another one's feet.
 */
export async function againIfGone<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await work()
    } catch (error) {
      if (left === 1 || (error as FaceError).details?.code !== 'ENOENT') throw error
    }
  }
}

/**
 * Finds out whether files can be written into a folder, before hours are spent on them: makes it, writes a
 * byte, and takes both away again.
 * @throws FaceError OUTPUT_FAILED
 */
export async function probeOutputFolder(folder: string): Promise<void> {
  assertNoAddress(folder)
  await againIfGone(() => probeOnce(folder, 'deepfaceflow-probe', folder))
}

/**
 * As {@link probeOutputFolder}, of one file: what is written on the way to it has a longer name, which the file system may not take.
 * @throws FaceError OUTPUT_FAILED
 */
export async function probeOutputFile(file: string): Promise<void> {
  assertNoAddress(file)
  await againIfGone(() => probeOnce(dirname(file), basename(file), file))
}

/** No folder called "s3:" is made. */
function assertNoAddress(folder: string): void {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(folder)) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${folder}: is an address, not a folder; corpora can go to s3://bucket/prefix, all else to a folder`,
    { file: folder },
  )
}

async function probeOnce(folder: string, name: string, output: string): Promise<void> {
  let made: readonly string[]
  try {
    made = await makeFolders(folder)
  } catch (cause) {
    throw outputFailed(folder, cause)
  }
  const probe = join(folder, temporaryName(name))
  keepPending(probe)
  try {
    await nodeFileSystem.write(probe, Uint8Array.of(0))
  } catch (cause) {
    throw outputFailed(output, cause)
  } finally {
    await rm(probe, { force: true }).catch(() => undefined)
    dropPending(probe)
    // Somebody may have put a file there meanwhile; then they stay.
    await removeIfEmpty(made)
  }
}

/**
 * Gives a damaged record, or a file that took its name, another name: what stands in it may be worth something.
 * @returns a sentence that says so
 * @throws FaceError OUTPUT_FAILED
 */
export async function setAside(folder: string, name: string): Promise<string> {
  const from = join(folder, name)
  const { name: stem, ext } = parse(name)
  for (let number = 1; ; number++) {
    const to = join(folder, `${stem}.damaged-${number}${ext}`)
    if (await exists(to)) continue
    await rename(from, to).catch((cause: unknown) => {
      throw outputFailed(from, cause)
    })
    return `${from}: is damaged or not of this command; kept as ${to}`
  }
}

async function exists(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    () => false,
  )
}

/**
 * Removes the temporary files and folders of work under way, locks, and the output folders that were made and hold nothing. For the end of the
 * process, also by a signal, hence synchronous: no write will finish.
 */
export function removePendingFiles(): void {
  for (const path of pending) {
    try {
      // A write under way in another thread may put a file into a folder while that is emptied.
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // What cannot be removed must not keep the others.
    }
  }
  pending.clear()
  for (const path of [...madeFolders].reverse()) {
    try {
      rmdirSync(path)
    } catch {
      // It holds something, or is gone.
    }
  }
  madeFolders.clear()
}

/** Turns a failure to write into OUTPUT_FAILED with what the person can do. */
export function outputFailed(file: string, cause: unknown): FaceError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  if (file === '') {
    const message = `the output folder has an empty name (${code}); choose one with -o`
    return new FaceError('OUTPUT_FAILED', message, { file, code }, { cause })
  }
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
    case 'EROFS':
      return ['the file system is read-only', 'choose another folder with -o']
    case 'EACCES':
    case 'EPERM':
      return ['not writable', 'choose another folder with -o or change its permissions']
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return ['something else is in the way', 'choose another folder with -o']
    case 'ENAMETOOLONG':
      return ['the name is too long for this file system', 'choose a shorter one']
    case 'ENOENT':
      return ['the folder does not exist', 'create it or choose another one with -o']
    default:
      return ['cannot be written', 'choose another folder with -o']
  }
}
