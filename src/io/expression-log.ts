import { lstat, rm } from 'node:fs/promises'
import { FaceError } from '../errors.js'
import type { ExpressionMemory } from '../expression/types.js'
import { outputFailed } from '../platform/node/atomic.js'
import { describeOwner, type FolderLock, takeLock } from '../platform/node/folder-lock.js'
import { JsonLines, readJsonLines } from './json-lines.js'
import { asHead, bindingChanges, headOf, type VideoBinding, type VideoHead } from './video-binding.js'
import type { FrameFacts } from './video-record.js'

/** One line of the log after the first: what was read of a frame. */
export type ExpressionRecord = FrameFacts & {
  readonly memory: ExpressionMemory
  /** Why there is no expression. */
  readonly message?: string
}

/**
 * What was read of a video so far, beside the table that is written when all is: a run that was interrupted is gone on with. One run
 * at a time writes.
 */
export class ExpressionLog {
  #log: JsonLines | undefined
  #records: readonly ExpressionRecord[] = []
  #isEmpty = true

  private constructor(
    readonly file: string,
    private readonly lock: FolderLock,
    private readonly found: Found | null,
  ) {}

  /**
   * Reads what an earlier run left; `close` lets go of it.
   * @param out the table
   * @throws FaceError OUTPUT_FAILED, also while another run writes there or where a file of others is in the way
   */
  static async open(out: string): Promise<ExpressionLog> {
    const [file, lockFile] = [`${out}.unfinished.jsonl`, `${out}.lock`]
    const taken = await takeLock(lockFile)
    if ('heldBy' in taken) {
      throw new FaceError(
        'OUTPUT_FAILED',
        `${out}: another run (${describeOwner(taken.heldBy)}) is writing it; wait for it, choose another name with -o, or delete ` +
          `${lockFile} if that run is gone`,
        { file: out, lock: lockFile },
      )
    }
    try {
      return new ExpressionLog(file, taken.lock, await readLog(file))
    } catch (error) {
      await taken.lock.release()
      throw error
    }
  }

  /** Of the earlier run, before `begin` decides whether they still hold. */
  get earlier(): readonly ExpressionRecord[] {
    return this.found?.records ?? []
  }

  /** Of the earlier run, where it is gone on with. */
  get records(): readonly ExpressionRecord[] {
    return this.#records
  }

  /**
   * Goes on with an earlier run of the same, else starts anew.
   * @param changed pictures that are not those of the earlier run, in words
   * @returns why it starts anew; null where it does not
   * @throws FaceError OUTPUT_FAILED
   */
  async begin(binding: VideoBinding, changed: readonly string[]): Promise<string | null> {
    const { file, found } = this
    const reasons = found === null ? [] : [...bindingChanges(found.head, binding), ...changed]
    if (found !== null && reasons.length === 0) {
      this.#log = await JsonLines.resume(file, found.end)
      this.#records = found.records
      this.#isEmpty = found.records.length === 0
      return null
    }
    await this.discard()
    this.#log = await JsonLines.create(file, headOf(binding))
    return reasons.length === 0 ? null : `starts anew, because ${reasons.join('; ')}`
  }

  async append(record: ExpressionRecord): Promise<void> {
    await this.#log?.append(record)
    this.#isEmpty = false
  }

  /** The table is written. */
  async discard(): Promise<void> {
    await rm(this.file, { force: true }).catch((cause: unknown) => {
      throw outputFailed(this.file, cause)
    })
  }

  async close(): Promise<void> {
    if (this.#log !== undefined && this.#isEmpty) await this.discard()
    await this.lock.release()
  }
}

/** What of an earlier run can be gone on with. */
interface Found {
  readonly head: VideoHead
  readonly records: readonly ExpressionRecord[]
  /** Bytes of the log that hold them. */
  readonly end: number
}

async function readLog(file: string): Promise<Found | null> {
  const info = await lstat(file).catch(() => null)
  if (info === null) return null
  let head: VideoHead | null = null
  const records: ExpressionRecord[] = []
  let reached = 0
  if (info.isFile()) {
    for await (const { value, end } of readJsonLines(file)) {
      if (head === null) {
        head = asHead(value)
        if (head === null) break
      } else if (isRecord(value, records.length)) {
        records.push(value)
      } else {
        // What follows a damaged line is read again.
        break
      }
      reached = end
    }
  }
  if (head === null) {
    throw new FaceError(
      'OUTPUT_FAILED',
      `${file}: this command did not write it or can no longer read it; delete it or choose another name with -o`,
      { file },
    )
  }
  return { head, records, end: reached }
}

function isRecord(value: unknown, frame: number): value is ExpressionRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<ExpressionRecord>
  const { memory } = record
  if (record.frame !== frame || typeof memory !== 'object' || memory === null) return false
  return Number.isFinite(memory.time) && typeof memory.cut === 'boolean' && typeof memory.read === 'object'
}
