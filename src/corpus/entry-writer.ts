import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FaceError } from '../errors.js'
import { sealed } from '../io/seal.js'
import { flushFile, makeOutputFolder, outputFailed } from '../platform/node/atomic.js'
import { temporaryName } from '../platform/node/owner.js'
import { makeFolderUnderWay, type TemporaryFolder } from '../platform/node/temporary-folder.js'
import { entryFolder } from './entry.js'
import { ENTRY_FILES, type EntryRecord, type FileFacts, fileFacts } from './entry-record.js'
import type { FrameRow } from './rows.js'
import type { Sample } from './sample-files.js'
import { TarWriter } from './tar-writer.js'

/** Rows that wait in memory to be written. */
const MOST_ROWS = 64

/** The folder of an entry under way: it takes its place at once with all that is in it, or leaves nothing. */
export class EntryWriter {
  readonly #place: string
  readonly #folder: TemporaryFolder
  readonly #tar: TarWriter
  readonly #rows: Record<'frames' | 'pairs', string[]> = { frames: [], pairs: [] }

  private constructor(place: string, folder: TemporaryFolder) {
    this.#place = place
    this.#folder = folder
    this.#tar = new TarWriter(join(folder.path, ENTRY_FILES.samples))
  }

  /** @throws FaceError OUTPUT_FAILED */
  static async begin(set: string, id: string): Promise<EntryWriter> {
    const place = entryFolder(set, id)
    // Also takes away what killed processes left.
    await makeOutputFolder(dirname(place))
    return new EntryWriter(place, await makeFolderUnderWay(place))
  }

  /** @throws FaceError OUTPUT_FAILED */
  async addFrame(row: FrameRow): Promise<void> {
    await this.#addRow('frames', row)
  }

  /** @throws FaceError OUTPUT_FAILED */
  async addSample({ row, files }: Sample): Promise<void> {
    for (const { extension, bytes } of files) await this.#tar.add(`${row.key}.${extension}`, bytes)
    await this.#addRow('pairs', row)
  }

  /**
   * The entry is complete: its folder takes the place of an earlier one. Two processes at work on one entry both get here; the later
   * one's, which has the same content, stays.
   * @throws FaceError OUTPUT_FAILED
   */
  async publish(record: Omit<EntryRecord, 'files' | 'seal'>): Promise<EntryRecord> {
    const files: Record<string, FileFacts> = { [ENTRY_FILES.samples]: await this.#tar.end() }
    for (const kind of ['frames', 'pairs'] as const) {
      await this.#flush(kind)
      const file = join(this.#folder.path, ENTRY_FILES[kind])
      const facts = await fileFacts(file)
      if (facts === null) throw outputFailed(file, { code: 'EIO' })
      files[ENTRY_FILES[kind]] = facts
    }
    const complete: EntryRecord = sealed({ ...record, files })
    try {
      await writeFlushed(
        join(this.#folder.path, ENTRY_FILES.record),
        `${JSON.stringify(complete, null, 1)}\n`,
      )
      for (const name of Object.keys(files)) await flushFile(join(this.#folder.path, name))
      await replaceFolder(this.#folder.path, this.#place)
      await this.#folder.remove()
    } catch (cause) {
      throw cause instanceof FaceError ? cause : outputFailed(this.#place, cause)
    }
    return complete
  }

  /** Gives up; what was there before stays. */
  async abort(): Promise<void> {
    await this.#tar.abort()
    await this.#folder.remove().catch(() => undefined)
  }

  async #addRow(kind: 'frames' | 'pairs', row: object): Promise<void> {
    this.#rows[kind].push(JSON.stringify(row))
    if (this.#rows[kind].length >= MOST_ROWS) await this.#flush(kind)
  }

  async #flush(kind: 'frames' | 'pairs'): Promise<void> {
    const file = join(this.#folder.path, ENTRY_FILES[kind])
    const text = this.#rows[kind].map((row) => `${row}\n`).join('')
    this.#rows[kind].length = 0
    try {
      const handle = await open(file, 'a')
      try {
        await handle.writeFile(text)
      } finally {
        await handle.close()
      }
    } catch (cause) {
      throw outputFailed(file, cause)
    }
  }
}

async function writeFlushed(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Puts a folder in the place of another, which is removed once the new one is there: whoever reads meanwhile misses it for two renames only. */
export async function replaceFolder(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const old = join(dirname(to), temporaryName('old'))
    await rename(to, old).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause
    })
    const [done, failure] = await rename(from, to).then(
      () => [true, null] as const,
      (cause: NodeJS.ErrnoException) => [false, cause] as const,
    )
    await rm(old, { recursive: true, force: true })
    if (done) return
    // Another process was quicker.
    const isTaken = failure.code === 'ENOTEMPTY' || failure.code === 'EEXIST'
    if (!isTaken || attempt > 20) throw failure
  }
}
