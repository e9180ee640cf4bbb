/** Wall time by stage; a stage entered twice adds up. */
export class Stopwatch {
  readonly #times: Record<string, number> = {}
  readonly #signal: AbortSignal | undefined

  /** @param signal once aborted, no further stage begins */
  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  async time<T>(stage: string, work: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted()
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.#times[stage] = (this.#times[stage] ?? 0) + performance.now() - start
    }
  }

  get times(): Readonly<Record<string, number>> {
    return { ...this.#times }
  }
}
