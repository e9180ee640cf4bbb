import { constants, createReadStream } from 'node:fs'
import { copyFile, lstat, open, truncate } from 'node:fs/promises'
import { FaceError } from '../errors.js'
import { outputFailed, writeFileAtomic } from '../platform/node/atomic.js'
import { isUnbroken, sealed } from './seal.js'

/**
 * A log of one JSON object a line that survives interruptions: a line counts once its line break is written, and each has a seal, so
 * that a damaged one is not gone on from even where it still reads like a record. Only files that this class made are changed by it.
 */
export class JsonLines {
  private constructor(private readonly file: string) {}

  /**
   * Makes the log with its first value, both at once: whoever finds the log finds the value.
   * @throws FaceError OUTPUT_FAILED, also if there is such a file
   */
  static async create(file: string, first: object): Promise<JsonLines> {
    if ((await lstat(file).catch(() => null)) !== null) throw outputFailed(file, { code: 'EEXIST' })
    await writeFileAtomic(file, lineOf(first))
    return new JsonLines(file)
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
  async append(value: object): Promise<void> {
    try {
      const file = await open(this.file, 'a')
      try {
        await file.appendFile(lineOf(value))
      } finally {
        await file.close()
      }
    } catch (cause) {
      throw outputFailed(this.file, cause)
    }
  }
}

/** @returns as it stands in a log */
export function lineOf(value: object): string {
  return `${JSON.stringify(sealed(value))}\n`
}

/** The whole lines of a log that {@link JsonLines} made, without their seals; damaged ones have no value. @throws as {@link readJsonLines} */
export async function* readLog(file: string): AsyncGenerator<LogLine> {
  for await (const { value, end } of readJsonLines(file)) {
    const isOurs = typeof value === 'object' && value !== null && isUnbroken(value)
    if (!isOurs) {
      yield { value: undefined, end }
      continue
    }
    const { seal: _, ...rest } = value as Readonly<Record<string, unknown>>
    yield { value: rest, end }
  }
}

/**
 * Keeps a log with a damaged line under another name, before what follows the line is cut off.
 * @param line number of the damaged line, from 1
 * @param frames that the lines before it hold
 * @returns what a person should know, a sentence
 * @throws FaceError OUTPUT_FAILED
 */
export async function keepDamaged(file: string, line: number, frames: number): Promise<string> {
  let aside = ''
  for (let n = 1; ; n++) {
    aside = `${file}.damaged-${n}`
    if ((await lstat(aside).catch(() => null)) === null) break
  }
  await copyFile(file, aside, constants.COPYFILE_EXCL).catch((cause: unknown) => {
    throw outputFailed(aside, cause)
  })
  return `${file}: line ${line} is damaged; the log is kept as ${aside}, frames from ${frames} on are computed again`
}

/** One whole line of a log. */
export interface LogLine {
  /** Undefined where the line holds no JSON. */
  readonly value: unknown
  /** Bytes of the file up to here. */
  readonly end: number
}

/** The whole lines of a log, which may be larger than memory. @throws FaceError OUTPUT_FAILED if it cannot be read */
export async function* readJsonLines(file: string): AsyncGenerator<LogLine> {
  let rest: Buffer = Buffer.alloc(0)
  let end = 0
  const stream = createReadStream(file, { highWaterMark: 2 ** 20 })
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      let start = 0
      for (;;) {
        const lineBreak = rest.indexOf(0x0a, start)
        if (lineBreak < 0) break
        end += lineBreak + 1 - start
        yield { value: parse(rest.toString('utf8', start, lineBreak)), end }
        start = lineBreak + 1
      }
      rest = rest.subarray(start)
    }
  } catch (cause) {
    if (cause instanceof FaceError) throw cause
    throw outputFailed(file, cause)
  } finally {
    stream.destroy()
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
