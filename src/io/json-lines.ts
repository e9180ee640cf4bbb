import { open, readFile, truncate } from 'node:fs/promises'
import { outputFailed } from '../platform/index.js'

/**
 * A log of one JSON value a line that survives interruptions: a line counts once its line break is
 * written; a half line at the end is cut off on opening.
 */
export class JsonLines {
  private constructor(private readonly file: string) {}

  /**
   * Opens or creates the log.
   * @returns the log and the values already in it
   * @throws FaceError OUTPUT_FAILED
   */
  static async open(file: string): Promise<{ log: JsonLines; entries: unknown[] }> {
    let bytes: Buffer
    try {
      bytes = await readFile(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { log: new JsonLines(file), entries: [] }
      throw outputFailed(file, error)
    }
    const entries: unknown[] = []
    let end = 0
    for (;;) {
      const lineBreak = bytes.indexOf(0x0a, end)
      if (lineBreak < 0) break
      const value = parse(bytes.toString('utf8', end, lineBreak))
      // From the first damaged line on nothing can be trusted to be in order.
      if (value === undefined) break
      entries.push(value)
      end = lineBreak + 1
    }
    try {
      if (end < bytes.length) await truncate(file, end)
    } catch (error) {
      throw outputFailed(file, error)
    }
    return { log: new JsonLines(file), entries }
  }

  /** Adds a value. @throws FaceError OUTPUT_FAILED */
  async append(value: unknown): Promise<void> {
    try {
      const file = await open(this.file, 'a')
      try {
        await file.appendFile(`${JSON.stringify(value)}\n`)
      } finally {
        await file.close()
      }
    } catch (error) {
      throw outputFailed(this.file, error)
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
