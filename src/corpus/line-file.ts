import { appendFile, writeFile } from 'node:fs/promises'
import { outputFailed } from '../platform/node/atomic.js'

/** Text that waits in memory, characters. */
const MOST_HELD = 1_000_000

/** A file with one JSON value a line that is written once, from its beginning to its end. */
export class LineFile {
  #held = ''
  #begun = false

  constructor(private readonly file: string) {}

  /** @throws FaceError OUTPUT_FAILED */
  async add(value: unknown): Promise<void> {
    this.#held += `${JSON.stringify(value)}\n`
    if (this.#held.length >= MOST_HELD) await this.end()
  }

  /** Writes what waits. @throws FaceError OUTPUT_FAILED */
  async end(): Promise<void> {
    try {
      await (this.#begun ? appendFile(this.file, this.#held) : writeFile(this.file, this.#held))
    } catch (cause) {
      throw outputFailed(this.file, cause)
    }
    this.#begun = true
    this.#held = ''
  }
}
