import { EngineError } from '../errors.js'

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

/** The verdicts on a plan's calls that need not be waited for: what nobody heard of is thrown by the next call, once. */
export class Verdicts {
  /** What was refused and not heard; `binding` where a later one of the same name mends it. */
  #untold: { readonly error: EngineError; readonly binding: string | undefined } | undefined
  /** Calls with a verdict so far, and how many of them came before an error of their kind was told. */
  #judged = 0
  #excused = 0
  readonly #lastBound = new Map<string, number>()

  /** @throws EngineError what the device refused of an earlier call */
  throwUntold(): void {
    const untold = this.#untold
    this.#untold = undefined
    if (untold) throw untold.error
  }

  /**
   * Only a refusal counts, a loss of the device shows in whatever is called next.
   * @param binding key of the buffer binding that is judged: a later one of the same key makes it irrelevant
   */
  judge(verdict: Promise<void>, binding?: string): Judgement {
    const refusals = verdict.catch((error: EngineError) => {
      if (error.code !== 'DEVICE_LOST' && error.code !== 'DISPOSED') throw error
    })
    const turn = ++this.#judged
    if (binding !== undefined) {
      this.#lastBound.set(binding, turn)
      if (this.#untold?.binding === binding) this.#untold = undefined
    }
    return Judgement.of(
      refusals,
      (error) => {
        const isCurrent = turn > this.#excused && turn >= (this.#lastBound.get(binding ?? '') ?? 0)
        if (isCurrent) this.#untold ??= { error, binding }
      },
      (error) => this.told(error),
    )
  }

  /** A caller has got this error; verdicts of earlier calls, still to come, would say the same of the same buffer. */
  told(error: unknown): void {
    if (!(error instanceof EngineError) || error.code !== 'INVALID_BUFFER') return
    this.#untold = undefined
    this.#excused = this.#judged
  }

  /** The buffers are gone, and all that was said of them. */
  clear(): void {
    this.#untold = undefined
    this.#excused = this.#judged
  }
}
