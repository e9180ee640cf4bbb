/** How quickly the items of a command get done, and what memory that takes. */
export class Pace {
  #first = 0
  #last = 0
  #count = 0
  /** What was done before the clock started: the first items pay for start-up. */
  #before = 0
  #memory = 0

  /** @param memory of all processes at this moment, bytes */
  done(count: number, memory: number): void {
    const now = performance.now()
    this.#count += count
    this.#memory = Math.max(this.#memory, memory)
    if (this.#first === 0) {
      this.#first = now
      this.#before = this.#count
    }
    this.#last = now
  }

  /** @param size tasks that were done at a time */
  line(what: string, size: number): string {
    const minutes = (this.#last - this.#first) / 60_000
    const rate =
      minutes > 0
        ? `${((this.#count - this.#before) / minutes).toFixed(1)} ${what} a minute`
        : `${this.#count} ${what}`
    return `${rate}, ${size} at a time, ${(this.#memory / 1e9).toFixed(1)} GB of memory`
  }
}
