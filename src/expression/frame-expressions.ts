import { FaceError } from '../errors.js'
import type { FaceFrame, VideoTracker } from '../face/types.js'
import type { PhotoInput } from '../geometry/types.js'
import { photoName } from '../platform/index.js'
import { isFound, ownedInput } from './expression-input.js'
import { ExpressionSequence } from './expression-sequence.js'
import { type ReadingMeans, readExpression } from './read-expression.js'
import type { ExpressionInput, ExpressionStep, ExpressionStream } from './types.js'

/** Reads one person's expressions from frame after frame. */
export class FrameExpressions implements ExpressionStream {
  readonly #sequence: ExpressionSequence
  #isStarted = false
  #time: number | undefined
  /** Calls come in the order of their frames. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly tracker: VideoTracker<'none'>,
    private readonly means: ReadingMeans,
    smoothing: boolean,
  ) {
    this.#sequence = new ExpressionSequence(smoothing)
  }

  async next(frame: ExpressionInput, time: number): Promise<ExpressionStep> {
    const own = ownedInput(frame, 'the frame')
    const step = this.#last.then(() => this.#next(own, time))
    this.#last = step.catch(() => undefined)
    return await step
  }

  async #next(frame: PhotoInput | FaceFrame, time: number): Promise<ExpressionStep> {
    const before = this.#time
    if (!Number.isFinite(time) || (before !== undefined && time <= before)) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `time must be a number of seconds later than that of the frame before (${before ?? 'none'}), got ${String(time)}`,
        { time },
      )
    }
    this.#time = time
    try {
      const { face, cut } = await this.#follow(frame)
      const name = isFound(frame) ? 'the frame' : photoName(frame, 'the frame')
      const read = await readExpression(this.means, face, name)
      return this.#sequence.seen(read, time, cut)
    } catch (error) {
      // A picture that cannot be read, a face that is not there or seen from the side do not end the video.
      const isKnown =
        error instanceof FaceError && (error.code === 'NO_FACE' || error.code === 'INVALID_INPUT')
      if (!isKnown) throw error
      return { ...this.#sequence.lost(time), message: error.message }
    }
  }

  async #follow(frame: PhotoInput | FaceFrame): Promise<{ face: FaceFrame; cut: boolean }> {
    if (isFound(frame)) return { face: frame, cut: false }
    if (this.#isStarted) return await this.tracker.next(frame)
    const face = await this.tracker.start(frame)
    this.#isStarted = true
    return { face, cut: false }
  }
}
