/** How quickly the items of a command get done, start-up included, and what memory that takes. */
export class Pace {
  readonly #began = performance.now()
  #last = this.#began
  #count = 0
  #memory = 0

  /** @param memory of all processes at this moment, bytes */
  done(count: number, memory: number): void {
    this.#last = performance.now()
    this.#count += count
    this.#memory = Math.max(this.#memory, memory)
  }

  /** @param size tasks that were done at a time */
  line(what: string, size: number): string {
    const minutes = (this.#last - this.#began) / 60_000
    const rate = minutes > 0 ? (this.#count / minutes).toFixed(1) : '0'
    return `${rate} ${what} a minute, ${size} at a time, ${(this.#memory / 1e9).toFixed(1)} GB of memory`
  }
}
