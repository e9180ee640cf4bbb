import type { EntryCounts } from './entry-record.js'

/** Counts what happens in an entry. */
export class Tally {
  #frames = 0
  #faces = 0
  #cuts = 0
  #pairs = 0
  readonly #tracks = new Set<number>()
  readonly #rejected = new Map<string, number>()

  frame(cut: boolean): void {
    this.#frames++
    if (cut) this.#cuts++
  }

  /** @param rejected filters that it does not pass */
  face(track: number, rejected: readonly string[]): void {
    this.#faces++
    this.#tracks.add(track)
    for (const why of rejected) this.reject(why)
  }

  reject(why: string): void {
    this.#rejected.set(why, (this.#rejected.get(why) ?? 0) + 1)
  }

  pair(): void {
    this.#pairs++
  }

  /** Reasons in the order of their names. */
  get counts(): EntryCounts {
    const rejected = Object.fromEntries([...this.#rejected].sort(([a], [b]) => (a < b ? -1 : 1)))
    return {
      frames: this.#frames,
      faces: this.#faces,
      tracks: this.#tracks.size,
      cuts: this.#cuts,
      pairs: this.#pairs,
      rejected,
    }
  }
}
