import { ExpressionSmoother } from './smooth-expression.js'
import type { ExpressionStep, ReadExpression } from './types.js'

/** Between two frames, s: some videos give two the same time. */
const SHORTEST = 1e-3

/** What becomes of the expressions of one person's frames in their order: whether the face was lost before, and what is smoothed. */
export class ExpressionSequence {
  readonly #smoother: ExpressionSmoother | undefined
  /** Whether an earlier frame has an expression. */
  #isSeen = false
  #isLost = false
  #time: number | undefined

  constructor(isSmooth: boolean) {
    this.#smoother = isSmooth ? new ExpressionSmoother() : undefined
  }

  /** @param time of the frame, s; @param cut whether the camera cut before it */
  seen<Read extends ReadExpression>(
    read: Read,
    time: number,
    cut: boolean,
  ): { readonly status: 'ok' | 'regained'; readonly expression: Read } {
    const status = this.#isLost ? 'regained' : 'ok'
    if (cut || this.#isLost) this.#smoother?.reset()
    const seconds = this.#time === undefined ? 1 : Math.max(time - this.#time, SHORTEST)
    this.#time = time
    this.#isLost = false
    this.#isSeen = true
    return { status, expression: this.#smoother?.next(read, seconds) ?? read }
  }

  /** A frame without the face. */
  lost(time: number): Pick<ExpressionStep, 'status'> & { readonly expression: null } {
    this.#time = time
    // Before its first frame it was not there to be lost.
    this.#isLost = this.#isSeen
    return { status: 'lost', expression: null }
  }
}
