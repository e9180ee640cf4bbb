import { abortable } from '../runtime/abort.js'

/** A result that is still being computed while the next call begins. */
export class Pending<T> {
  constructor(readonly result: Promise<T>) {
    // One that fails before its call waits for it is no unhandled rejection.
    result.catch(() => undefined)
  }
}

/** Pairs on the device at a time: one is computed, one waits for it, one is prepared. */
const IN_FLIGHT = 3

/**
 * The order of calls. One after another they find and register their faces, and hand their pair to the device; then the next
 * call begins, while up to three pairs are computed and read. Streams that share a line take turns call by call.
 */
export class CallLine {
  #front: Promise<unknown> = Promise.resolve()
  readonly #inFlight = new Set<Promise<unknown>>()

  /**
   * @param task begins when those before it have ended, or given a `Pending`
   * @throws the signal's reason as soon as it is aborted: a task that has not begun is left out
   */
  async enqueue<T>(task: () => Promise<T | Pending<T>>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const turn = this.#front.then(() => {
      signal?.throwIfAborted()
      return task()
    })
    this.#front = turn.catch(() => undefined)
    const result = turn.then((outcome) => (outcome instanceof Pending ? outcome.result : outcome))
    return await abortable(result, signal)
  }

  /** Starts work on the device when fewer than three others are under way. */
  async launch<T>(work: () => Promise<T>): Promise<Pending<T>> {
    while (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight)
    const result = work()
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#inFlight.add(settled)
    void settled.then(() => this.#inFlight.delete(settled))
    return new Pending(result)
  }

  /** Resolves when nothing is under way on the device. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight)
  }
}
