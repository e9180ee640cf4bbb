import { lstat, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FaceError } from '../errors.js'
import {
  againIfGone,
  type FileSystem,
  makeOutputFolder,
  nodeFileSystem,
  outputFailed,
  removeIfEmpty,
  setAside,
  writeFileAtomic,
} from '../platform/node/atomic.js'
import {
  describeOwner,
  type FolderLock,
  type LockOwner,
  lockHolder,
  takeLock,
} from '../platform/node/folder-lock.js'
import { RESULT_FILE } from './product-list.js'

/*
 * The folder of one result. It may be used again, and it may hold files of others: only what a record of ours
 * lists is replaced or removed. result.json is that record; it says that a folder is complete, so while files
 * are being written a second one stands in for it and survives a kill.
 */

const UNFINISHED_FILE = '.deepfaceflow-unfinished.json'
const LOCK_FILE = '.deepfaceflow.lock'

/** What an earlier run left in a folder. */
export interface EarlierResult {
  /** Names that its records list. */
  readonly owned: ReadonlySet<string>
  /** result.json, if it is one of ours. */
  readonly result: Readonly<Record<string, unknown>> | null
  /** True if a file result.json is there that none of our versions wrote, or that is damaged. */
  readonly isDamaged: boolean
}

/**
 * @param known names that a result can have: a record that lists others is not believed about them
 * @throws FaceError OUTPUT_FAILED if the folder cannot be looked into
 */
export async function readEarlierResult(folder: string, known: ReadonlySet<string>): Promise<EarlierResult> {
  const [result, unfinished] = [
    await readRecord(join(folder, RESULT_FILE)),
    await readRecord(join(folder, UNFINISHED_FILE)),
  ]
  const listed = [...(result?.files ?? []), ...(unfinished?.files ?? [])]
  return {
    owned: new Set(listed.filter((name) => known.has(name))),
    result: result?.json ?? null,
    isDamaged: result !== null && result.json === null,
  }
}

/**
 * @param names files that are to be written
 * @throws FaceError OUTPUT_FAILED naming a file that no record lists
 */
export async function assertNothingForeign(
  folder: string,
  names: readonly string[],
  { owned, isDamaged }: EarlierResult,
): Promise<void> {
  for (const name of names) {
    const file = join(folder, name)
    const info = await lstat(file).catch(() => null)
    if (info === null) continue
    if (info.isDirectory()) throw outputFailed(file, Object.assign(new Error(), { code: 'EISDIR' }))
    // A result.json without meaning is set aside, not overwritten.
    if (owned.has(name) || (name === RESULT_FILE && isDamaged)) continue
    const why = isDamaged
      ? `${RESULT_FILE} there is damaged and lists no files`
      : `no ${RESULT_FILE} lists it`
    throw new FaceError(
      'OUTPUT_FAILED',
      `${file}: is not a file of an earlier result (${why}) and is not overwritten; move it or choose another ` +
        'folder with -o',
      { file, code: 'EEXIST' },
    )
  }
}

/**
 * A result may be computed from what an earlier one wrote (its registered frames), but not in the same folder.
 * @param inputs files that must still be there afterwards
 * @throws FaceError OUTPUT_FAILED naming one that would be replaced or removed
 */
export async function assertKeepsInputs(
  folder: string,
  inputs: readonly string[],
  { owned }: EarlierResult,
): Promise<void> {
  const place = await realpath(folder).catch(() => null)
  for (const input of inputs) {
    const file = await realpath(input).catch(() => null)
    if (file === null || dirname(file) !== place || !owned.has(basename(file))) continue
    throw new FaceError(
      'OUTPUT_FAILED',
      `${input}: belongs to the earlier result in the output folder, which the new one would replace; choose another ` +
        'folder with -o',
      { file: input, code: 'EEXIST' },
    )
  }
}

/** A folder while this process, and no other, writes a result into it. */
export class ResultFolder {
  private constructor(
    readonly path: string,
    private readonly known: ReadonlySet<string>,
    private readonly lock: FolderLock,
    private readonly fs: FileSystem,
    private readonly made: readonly string[],
  ) {}

  /** True while a record of unfinished files would list none that is there. */
  #isEmpty = false

  /**
   * Makes the folder and takes its lock.
   * @param known names that a result can have
   * @returns the folder, or the process that holds it
   * @throws FaceError OUTPUT_FAILED
   */
  static async claim(
    path: string,
    known: ReadonlySet<string>,
    fs: FileSystem = nodeFileSystem,
  ): Promise<ResultFolder | { readonly heldBy: LockOwner; readonly lockFile: string }> {
    const lockFile = join(path, LOCK_FILE)
    const answer = await againIfGone(async () => {
      const made = await makeOutputFolder(path, fs)
      return { ...(await takeLock(lockFile)), made }
    })
    if ('heldBy' in answer) return { heldBy: answer.heldBy, lockFile }
    return new ResultFolder(path, known, answer.lock, fs, answer.made)
  }

  /**
   * Makes way for a new result: from here on the earlier one is no longer complete, and what it listed and
   * the new one does not is gone. Nothing else is touched.
   * @param names files that will be written
   * @param onNote told what was set aside, a sentence
   * @throws FaceError OUTPUT_FAILED; then nothing has changed, or the earlier files are still listed
   */
  async begin(names: readonly string[], onNote: (text: string) => void): Promise<void> {
    const earlier = await readEarlierResult(this.path, this.known)
    await assertNothingForeign(this.path, names, earlier)
    if (earlier.isDamaged) onNote(await setAside(this.path, RESULT_FILE))
    const files = [...new Set([...earlier.owned, ...names])]
    this.#isEmpty = earlier.owned.size === 0
    await this.#write(UNFINISHED_FILE, `${JSON.stringify({ format: 1, files })}\n`)
    await this.#remove(RESULT_FILE)
    for (const name of earlier.owned) if (!names.includes(name)) await this.#remove(name)
  }

  /** Writes a file of the result. @throws FaceError OUTPUT_FAILED */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    await this.#write(name, content)
    this.#isEmpty = false
  }

  /** All files are written: result.json is the record now. */
  async finish(): Promise<void> {
    await this.#remove(UNFINISHED_FILE)
  }

  /**
   * Gives the folder back; it stays marked as unfinished if files were begun and not finished, and one that was made for it is taken away
   * again where none were.
   */
  async release(): Promise<void> {
    try {
      if (this.#isEmpty) await this.#remove(UNFINISHED_FILE)
    } finally {
      await this.lock.release()
      await removeIfEmpty(this.made)
    }
  }

  async #write(name: string, content: Uint8Array | string): Promise<void> {
    await writeFileAtomic(join(this.path, name), content, this.fs)
  }

  async #remove(name: string): Promise<void> {
    const file = join(this.path, name)
    await this.fs.remove(file).catch((cause: unknown) => {
      throw outputFailed(file, cause)
    })
  }
}

/** @throws FaceError OUTPUT_FAILED if another process works in the folder */
export async function assertNotHeld(folder: string): Promise<void> {
  const lockFile = join(folder, LOCK_FILE)
  const holder = await lockHolder(lockFile)
  if (holder !== null) throw folderIsHeld(folder, holder, lockFile)
}

/** The error for a folder that another process works in. */
export function folderIsHeld(folder: string, heldBy: LockOwner, lockFile: string): FaceError {
  return new FaceError(
    'OUTPUT_FAILED',
    `${folder}: another deepfaceflow writes there (${describeOwner(heldBy)}); wait for it, choose another folder with -o, ` +
      `or remove ${lockFile} if it does not run any more`,
    { file: folder, code: 'EBUSY' },
  )
}

/** Null: there is no such file. `json` null: it is no record of ours. */
async function readRecord(
  file: string,
): Promise<{ json: Readonly<Record<string, unknown>> | null; files: readonly string[] } | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // ENOTDIR: there is no such folder, which is for those to say who want to make it.
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw outputFailed(file, cause)
  }
  try {
    const json = JSON.parse(text) as { format?: unknown; files?: unknown } | null
    const files = Array.isArray(json?.files) ? json.files : null
    if (json === null || json.format !== 1 || files === null) return { json: null, files: [] }
    return { json: json as Record<string, unknown>, files: files.filter((name) => typeof name === 'string') }
  } catch {
    return { json: null, files: [] }
  }
}
