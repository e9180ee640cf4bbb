import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FaceError } from '../errors.js'
import { readDataset } from './dataset.js'
import { compareIds } from './entry.js'
import { shardsFolder } from './publish.js'
import { entryOfKey } from './sample-files.js'
import { readSamples, type StoredSample } from './tar-reader.js'

/**
 * The samples that the shards of a corpus's folder hold, each split from its beginning to its end. Within a split they stand in the order of
 * the plan, so whoever asks for entries in that order reads every shard once. What cannot be read of a shard is as if it were not there.
 */
export class ShardSamples {
  private constructor(private readonly splits: readonly Split[]) {}

  static async open(set: string): Promise<ShardSamples> {
    const folder = await shardsFolder(set)
    const listed = (await readDataset(dirname(folder)))?.shards.map(({ file }) => basename(file))
    const files = new Map<string, string[]>()
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      // What somebody else put there would stand in the way of the samples behind it.
      if (listed !== undefined && !listed.includes(name)) continue
      const split = /^(\w+)-\d+\.tar$/.exec(name)?.[1]
      if (split !== undefined) files.set(split, [...(files.get(split) ?? []), join(folder, name)])
    }
    const splits: Split[] = []
    for (const of of files.values()) {
      const samples = readableSamples(of)
      splits.push({ samples, next: await nextOf(samples) })
    }
    return new ShardSamples(splits)
  }

  /** The entry that the next sample is of; null where none is left. */
  get nextId(): string | null {
    let first: string | null = null
    for (const { next } of this.splits) {
      const id = next && entryOfKey(next.key)
      if (id !== null && (first === null || compareIds(id, first) < 0)) first = id
    }
    return first
  }

  /** The sample of that name if it is the next one of a split; null if not. */
  async take(key: string): Promise<StoredSample | null> {
    const split = this.splits.find(({ next }) => next?.key === key)
    if (split === undefined) return null
    const sample = split.next
    split.next = await nextOf(split.samples)
    return sample
  }

  /** Goes past what is left of an entry that comes next. */
  async skip(id: string): Promise<void> {
    for (const split of this.splits) {
      while (split.next !== null && entryOfKey(split.next.key) === id)
        split.next = await nextOf(split.samples)
    }
  }

  async close(): Promise<void> {
    for (const { samples } of this.splits) await samples.return(undefined)
  }
}

interface Split {
  readonly samples: AsyncGenerator<StoredSample>
  next: StoredSample | null
}

async function nextOf(samples: AsyncGenerator<StoredSample>): Promise<StoredSample | null> {
  const { done, value } = await samples.next()
  return done ? null : value
}

async function* readableSamples(files: readonly string[]): AsyncGenerator<StoredSample> {
  for (const file of files) {
    try {
      yield* readSamples(file)
    } catch (error) {
      if (!(error instanceof FaceError)) throw error
    }
  }
}
