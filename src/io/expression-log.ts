import type { ExpressionMemory } from '../expression/types.js'
import { BoundLog, removeFile } from './bound-log.js'
import type { VideoBinding } from './video-binding.js'
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
  #records: readonly ExpressionRecord[] = []
  #hasBegun = false
  #isEmpty = true

  private constructor(
    private readonly log: BoundLog,
    /** Records of the earlier run, before `begin` decides whether they still hold. */
    readonly earlier: readonly ExpressionRecord[],
  ) {}

  /**
   * Reads what an earlier run left; `close` lets go of it.
   * @param out the table
   * @throws FaceError OUTPUT_FAILED, also while another run writes there or where a file of others is in the way
   */
  static async open(out: string): Promise<ExpressionLog> {
    const records: ExpressionRecord[] = []
    const files = { output: out, log: `${out}.unfinished.jsonl`, lock: `${out}.lock` }
    const log = await BoundLog.open(files, (value) => {
      const fits = isRecord(value, records.length)
      if (fits) records.push(value)
      return fits
    })
    return new ExpressionLog(log, records)
  }

  get file(): string {
    return this.log.file
  }

  /** Of the earlier run, where it is gone on with. */
  get records(): readonly ExpressionRecord[] {
    return this.#records
  }

  /**
   * Goes on with an earlier run of the same, else starts anew.
   * @param changed pictures that are not those of the earlier run, in words
   * @returns what a person should know, a sentence each: why it starts anew, where the log is damaged
   * @throws FaceError OUTPUT_FAILED
   */
  async begin(binding: VideoBinding, changed: readonly string[]): Promise<string[]> {
    const reasons = [...this.log.changes(binding), ...changed]
    const notes: string[] = []
    if (reasons.length > 0) {
      await this.log.beginAnew(binding)
      notes.push(`${this.file}: starts anew, because ${reasons.join('; ')}`)
    } else {
      const note = await this.log.begin(binding, this.earlier.length)
      if (note !== null) notes.push(note)
      this.#records = this.earlier
      this.#isEmpty = this.earlier.length === 0
    }
    this.#hasBegun = true
    return notes
  }

  async append(record: ExpressionRecord): Promise<void> {
    await this.log.append(record)
    this.#isEmpty = false
  }

  /** The table is written. */
  async discard(): Promise<void> {
    await removeFile(this.file)
  }

  async close(): Promise<void> {
    try {
      if (this.#hasBegun && this.#isEmpty) await this.discard()
    } finally {
      await this.log.close()
    }
  }
}

function isRecord(value: unknown, frame: number): value is ExpressionRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<ExpressionRecord>
  const { memory } = record
  if (record.frame !== frame || typeof memory !== 'object' || memory === null) return false
  return Number.isFinite(memory.time) && typeof memory.cut === 'boolean' && typeof memory.read === 'object'
}
