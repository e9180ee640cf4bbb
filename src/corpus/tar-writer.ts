import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { outputFailed } from '../platform/node/atomic.js'
import { tarStream } from '../platform/node/tar.js'
import type { FileFacts } from './entry-record.js'

/** Bytes of a member's header, and what its content is filled up to. */
const BLOCK = 512
/** Longer or other names take a header of their own. */
const LONG_NAME = 4 * BLOCK

/** A tar archive that is written member by member; the same members give the same bytes, whoever writes them and when. */
export class TarWriter {
  readonly #file: string
  readonly #pack = tarStream().pack()
  readonly #done: Promise<void>
  readonly #hash = createHash('sha256')
  #bytes = 0
  #failure: unknown

  constructor(file: string) {
    this.#file = file
    const out = createWriteStream(file, { flags: 'wx' })
    this.#pack.on('data', (part) => {
      this.#hash.update(part as Uint8Array)
      this.#bytes += (part as Uint8Array).length
    })
    this.#pack.on('error', () => undefined)
    this.#pack.pipe(out)
    this.#done = finished(out).catch((cause: unknown) => {
      this.#failure = cause
      // Whoever waits for room in the pipe waits no longer.
      this.#pack.destroy()
    })
  }

  /** Bytes that a member takes at most. */
  static sizeOf(name: string, content: number): number {
    const header = /^[ -~]{1,100}$/.test(name) ? BLOCK : LONG_NAME
    return header + Math.ceil(content / BLOCK) * BLOCK
  }

  /** @throws FaceError OUTPUT_FAILED */
  async add(name: string, content: Uint8Array): Promise<void> {
    this.#check()
    const header = { name, size: content.length, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 }
    await new Promise<void>((resolve) => {
      this.#pack.once('close', resolve)
      const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
      const member = this.#pack.entry(header, bytes, () => {
        this.#pack.off('close', resolve)
        resolve()
      })
      // It fails with the file, which says why.
      member.on('error', () => undefined)
    })
    this.#check()
  }

  /** Ends the archive. @throws FaceError OUTPUT_FAILED */
  async end(): Promise<FileFacts> {
    this.#pack.finalize()
    await this.#done
    this.#check()
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }

  /** Gives up. */
  async abort(): Promise<void> {
    this.#failure ??= new Error('given up')
    this.#pack.destroy()
    await this.#done
  }

  #check(): void {
    if (this.#failure !== undefined) throw outputFailed(this.#file, this.#failure)
  }
}
