import { lstat, rm } from 'node:fs/promises'
import { FaceError } from '../errors.js'
import { outputFailed } from '../platform/node/atomic.js'
import { describeOwner, type FolderLock, takeLock } from '../platform/node/folder-lock.js'
import { JsonLines, keepDamaged, readLog } from './json-lines.js'
import { asHead, bindingChanges, headOf, type VideoBinding, type VideoHead } from './video-binding.js'

/** Paths of a log and of what goes with it. */
export interface BoundLogFiles {
  /** What is written, as messages call it. */
  readonly output: string
  readonly log: string
  /** Says which run writes. */
  readonly lock: string
  /** Written after the log: without it they are another's. */
  readonly later?: readonly string[]
}

/** What of an earlier run can be gone on with. */
interface Found {
  readonly head: VideoHead
  /** Bytes of the log that hold it and the values that were taken. */
  readonly end: number
  /** Number of the first damaged line, from 1; null where all whole lines were taken. */
  readonly damagedLine: number | null
}

/**
 * A log whose first line says what the others depend on, so that a run that was interrupted is gone on with by one of the same. One
 * run at a time holds it.
 */
export class BoundLog {
  #lines: JsonLines | undefined

  private constructor(
    readonly file: string,
    private readonly lock: FolderLock,
    private readonly found: Found | null,
  ) {}

  /**
   * Takes hold of the log and reads what an earlier run left; `close` lets it go.
   * @param take gets the values after the first line one by one; at the first that it answers with false, and at a damaged line, the
   * log counts as ended
   * @throws FaceError OUTPUT_FAILED, also while another run holds the log or where a file of others is in the way
   */
  static async open(files: BoundLogFiles, take: (value: unknown) => boolean): Promise<BoundLog> {
    const { output, log, lock: file } = files
    const taken = await takeLock(file)
    if ('heldBy' in taken) {
      throw new FaceError(
        'OUTPUT_FAILED',
        `${output}: another run (${describeOwner(taken.heldBy)}) is writing there; wait for it, choose another place with -o, or ` +
          `delete ${file} if that run is gone`,
        { file: output, lock: file },
      )
    }
    try {
      return new BoundLog(log, taken.lock, await findLog(files, take))
    } catch (error) {
      await taken.lock.release()
      throw error
    }
  }

  /** Whether an earlier run left something. */
  get isFound(): boolean {
    return this.found !== null
  }

  /** A phrase for each thing that an earlier run's values depend on and that is different now. */
  changes(binding: VideoBinding): string[] {
    return this.found === null ? [] : bindingChanges(this.found.head, binding)
  }

  /**
   * Goes on with the earlier run after the last value that was taken; without one starts anew.
   * @param frames that were taken
   * @returns what a person should know of a damaged log, which is kept; null where it is whole
   * @throws FaceError OUTPUT_FAILED
   */
  async begin(binding: VideoBinding, frames: number): Promise<string | null> {
    const { file, found } = this
    if (found === null) {
      this.#lines = await JsonLines.create(file, headOf(binding))
      return null
    }
    const { damagedLine, end } = found
    const note = damagedLine === null ? null : await keepDamaged(file, damagedLine, frames)
    this.#lines = await JsonLines.resume(file, end)
    return note
  }

  /** Starts anew. @throws FaceError OUTPUT_FAILED */
  async beginAnew(binding: VideoBinding): Promise<void> {
    await removeFile(this.file)
    this.#lines = await JsonLines.create(this.file, headOf(binding))
  }

  /** Nothing before it has begun. @throws FaceError OUTPUT_FAILED */
  async append(value: object): Promise<void> {
    await this.#lines?.append(value)
  }

  async close(): Promise<void> {
    await this.lock.release()
  }
}

/** @throws FaceError OUTPUT_FAILED where it is there and cannot be removed */
export async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true }).catch((cause: unknown) => {
    throw outputFailed(file, cause)
  })
}

async function findLog(
  { log, later = [] }: BoundLogFiles,
  take: (value: unknown) => boolean,
): Promise<Found | null> {
  const info = await lstat(log).catch(() => null)
  if (info === null) {
    for (const file of later) if ((await lstat(file).catch(() => null)) !== null) throw foreign(file)
    return null
  }
  if (!info.isFile()) throw foreign(log)
  let head: VideoHead | null = null
  let damagedLine: number | null = null
  let [reached, line] = [0, 0]
  for await (const { value, end } of readLog(log)) {
    line++
    if (head === null) {
      head = asHead(value)
      if (head === null) break
    } else if (value === undefined || !take(value)) {
      damagedLine = line
      break
    }
    reached = end
  }
  if (head === null) throw foreign(log, 1)
  return { head, end: reached, damagedLine }
}

function foreign(file: string, line?: number): FaceError {
  return new FaceError(
    'OUTPUT_FAILED',
    `${file}${line === undefined ? '' : `, line ${line}`}: this command did not write it, or it is damaged or of another version; move it away or ` +
      'choose another place with -o',
    { file },
  )
}
