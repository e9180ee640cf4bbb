import { open, readFile, truncate } from 'node:fs/promises'
import { outputFailed } from '../platform/index.js'

/**
 * A log of one JSON value a line that survives interruptions: a line counts once its line break is written. Only files that
 * this class made are changed by it.
 */
export class JsonLines {
  private constructor(private readonly file: string) {}

  /** Makes the log with its first value. @throws FaceError OUTPUT_FAILED, also if there is such a file */
  static async create(file: string, first: unknown): Promise<JsonLines> {
    const log = new JsonLines(file)
    await log.#write('wx', first)
    return log
  }

  /** Goes on with a log after `end` bytes of it; what follows, a line torn by the end of a process, is cut off. */
  static async resume(file: string, end: number): Promise<JsonLines> {
    try {
      await truncate(file, end)
    } catch (cause) {
      throw outputFailed(file, cause)
    }
    return new JsonLines(file)
  }

  /** Adds a value. @throws FaceError OUTPUT_FAILED */
  async append(value: unknown): Promise<void> {
    await this.#write('a', value)
  }

  async #write(flags: 'a' | 'wx', value: unknown): Promise<void> {
    try {
      const file = await open(this.file, flags)
      try {
        await file.appendFile(`${JSON.stringify(value)}\n`)
      } finally {
        await file.close()
      }
    } catch (cause) {
      throw outputFailed(this.file, cause)
    }
  }
}

/** One whole line of a log. */
export interface LogLine {
  /** Undefined where the line holds no JSON. */
  readonly value: unknown
  /** Bytes of the file up to here. */
  readonly end: number
}

/** The whole lines of a log. @throws FaceError OUTPUT_FAILED if it cannot be read */
export async function readJsonLines(file: string): Promise<LogLine[]> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw outputFailed(file, cause)
  })
  const lines: LogLine[] = []
  let end = 0
  for (;;) {
    const lineBreak = bytes.indexOf(0x0a, end)
    if (lineBreak < 0) return lines
    const value = parse(bytes.toString('utf8', end, lineBreak))
    end = lineBreak + 1
    lines.push({ value, end })
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
