import type { EngineError } from '../errors.js'

/**
 * What the device says to work that was submitted without waiting: resolves when it was accepted, rejects when it was not.
 * WebGPU tells only later. A caller who does not wait must not be struck by an unhandled rejection, nor be left in
 * the dark: `heard` tells whether anybody asked.
 */
export class Judgement extends Promise<undefined> {
  /** What `then`, `catch` and `finally` give are plain promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  #heard = false
  #onHeard: (() => void) | undefined

  /** @param onUnheard called with a refusal that nobody waits for; `onHeard` if somebody does so afterwards */
  static of(
    verdict: Promise<void>,
    onUnheard: (error: EngineError) => void,
    onHeard: (error: EngineError) => void,
  ): Judgement {
    const judgement = new Judgement((resolve, reject) => verdict.then(() => resolve(undefined), reject))
    verdict.catch((error: EngineError) => {
      if (judgement.#heard) return
      onUnheard(error)
      judgement.#onHeard = () => onHeard(error)
    })
    Promise.prototype.then.call(judgement, undefined, () => undefined)
    return judgement
  }

  // biome-ignore lint/suspicious/noThenProperty: to notice who waits is what this class is for
  override then<A = undefined, B = never>(
    onFulfilled?: ((value: undefined) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#heard = true
    this.#onHeard?.()
    this.#onHeard = undefined
    return super.then(onFulfilled, onRejected)
  }
}
