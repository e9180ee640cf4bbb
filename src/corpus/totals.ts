import type { Dataset } from './dataset.js'
import type { EntryRecord } from './entry-record.js'
import type { FrameRow, PairRow } from './rows.js'
import type { ShardFacts } from './shard-writer.js'

/** Counts of a whole corpus. */
export class Totals {
  #entries = { entries: 0, complete: 0, failed: 0, open: 0 }
  #sums = { frames: 0, faces: 0, tracks: 0, cuts: 0, pairs: 0 }
  #usable = 0
  readonly #rejected = new Map<string, number>()
  readonly #pairs = new Map<string, number>()
  largestError = 0

  entry(record: EntryRecord | null): void {
    this.#entries.entries++
    this.#entries[record?.status ?? 'open']++
    if (record === null) return
    for (const name of ['frames', 'faces', 'tracks', 'cuts', 'pairs'] as const) {
      this.#sums[name] += record.counts[name]
    }
    for (const [why, count] of Object.entries(record.counts.rejected)) {
      this.#rejected.set(why, (this.#rejected.get(why) ?? 0) + count)
    }
  }

  frame({ rejected }: FrameRow): void {
    if (rejected.length === 0) this.#usable++
  }

  pair({ half_error }: PairRow, split: string): void {
    this.#pairs.set(split, (this.#pairs.get(split) ?? 0) + 1)
    this.largestError = Math.max(this.largestError, half_error)
  }

  get counts(): Dataset['counts'] {
    const rejected = Object.fromEntries([...this.#rejected].sort(([a], [b]) => (a < b ? -1 : 1)))
    return { ...this.#entries, ...this.#sums, usable_faces: this.#usable, rejected }
  }

  splits(shards: readonly ShardFacts[]): Dataset['splits'] {
    const names = [...this.#pairs.keys()].sort()
    return Object.fromEntries(
      names.map((name) => [
        name,
        { pairs: this.#pairs.get(name) ?? 0, shards: shards.filter(({ split }) => split === name).length },
      ]),
    )
  }
}
