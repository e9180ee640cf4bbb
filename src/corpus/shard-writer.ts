import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { outputFailed } from '../platform/node/atomic.js'
import type { FileFacts } from './entry-record.js'
import type { StoredSample } from './tar-reader.js'
import { TarWriter } from './tar-writer.js'

/** Folder of the shards below the corpus's folder. */
export const SHARDS = 'shards'

/** Bytes that end an archive. */
const END = 1024

/** A finished shard. */
export interface ShardFacts extends FileFacts {
  /** Relative to the corpus's folder. */
  readonly file: string
  readonly split: string
  readonly samples: number
}

/** The shards of one split: a sample goes whole into one, and the next one begins where it would exceed the limit. */
export class ShardWriter {
  readonly #shards: ShardFacts[] = []
  #open: { readonly tar: TarWriter; readonly file: string } | null = null
  #samples = 0
  /** Of the open shard, at most, bytes. What is written of it at this moment differs from run to run. */
  #size = END

  /**
   * @param folder where `shards/` is made
   * @param limit bytes of a shard; a sample that is larger gets one of its own
   */
  constructor(
    private readonly folder: string,
    private readonly split: string,
    private readonly limit: number,
  ) {}

  /** @returns the shard's name relative to the corpus's folder @throws FaceError OUTPUT_FAILED */
  async add({ key, files }: StoredSample): Promise<string> {
    const size = files.reduce(
      (sum, { extension, bytes }) => sum + TarWriter.sizeOf(`${key}.${extension}`, bytes.length),
      0,
    )
    if (this.#samples > 0 && this.#size + size > this.limit) await this.#close()
    this.#open ??= await this.#begin()
    this.#size += size
    for (const { extension, bytes } of files) await this.#open.tar.add(`${key}.${extension}`, bytes)
    this.#samples++
    return this.#open.file
  }

  /** @throws FaceError OUTPUT_FAILED */
  async end(): Promise<readonly ShardFacts[]> {
    await this.#close()
    return this.#shards
  }

  /** Gives up. */
  async abort(): Promise<void> {
    await this.#open?.tar.abort()
    this.#open = null
  }

  async #begin(): Promise<{ tar: TarWriter; file: string }> {
    const file = `${SHARDS}/${this.split}-${String(this.#shards.length).padStart(6, '0')}.tar`
    await mkdir(join(this.folder, SHARDS), { recursive: true }).catch((cause: unknown) => {
      throw outputFailed(join(this.folder, SHARDS), cause)
    })
    return { tar: new TarWriter(join(this.folder, file)), file }
  }

  async #close(): Promise<void> {
    if (this.#open === null) return
    const { tar, file } = this.#open
    const facts = await tar.end()
    this.#shards.push({ file, split: this.split, samples: this.#samples, ...facts })
    this.#open = null
    this.#samples = 0
    this.#size = END
  }
}
