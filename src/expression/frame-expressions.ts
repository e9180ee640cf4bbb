import { COVERABLE_PARTS } from '../animate/coverable-parts.js'
import { coverFigures, coverOf } from '../animate/covered-parts.js'
import { isWatchedCovers, type WatchedCovers, watchCovers } from '../animate/watched-covers.js'
import { FaceError } from '../errors.js'
import { ownedPhoto } from '../face/owned-photo.js'
import type { FaceFrame, VideoTracker } from '../face/types.js'
import type { PhotoInput } from '../geometry/types.js'
import { photoName } from '../platform/index.js'
import { assertExpression } from './checked-expression.js'
import { isFound, ownedInput } from './expression-input.js'
import { ExpressionSequence } from './expression-sequence.js'
import { type ReadingMeans, readExpression, tellsWhose } from './read-expression.js'
import type {
  Expression,
  ExpressionInput,
  ExpressionMemory,
  ExpressionStep,
  ExpressionStream,
  ReadExpression,
  ResumedStep,
} from './types.js'

/** Reads one person's expressions from frame after frame. */
export class FrameExpressions implements ExpressionStream {
  readonly #sequence: ExpressionSequence
  #isStarted = false
  /** Whether a frame was asked whose face it shows: of a video that is once, of the first face that tells. */
  #isAsked = false
  #memory: ExpressionMemory | null = null
  /** Of the last frame with the face. */
  #covers: WatchedCovers = {}
  /** Calls come in the order of their frames. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly tracker: VideoTracker<'none'>,
    private readonly means: ReadingMeans,
    smoothing: boolean,
  ) {
    this.#sequence = new ExpressionSequence(smoothing)
  }

  get memory(): ExpressionMemory | null {
    return this.#memory
  }

  async next(frame: ExpressionInput, time: number): Promise<ExpressionStep> {
    const own = ownedInput(frame, 'the frame')
    return await this.#inTurn(() => this.#next(own, time))
  }

  async resume(
    memories: readonly ExpressionMemory[],
    faces: readonly [first: PhotoInput, last: PhotoInput] | null,
  ): Promise<readonly ResumedStep[]> {
    const own = faces && ([ownedPhoto(faces[0]), ownedPhoto(faces[1])] as const)
    return await this.#inTurn(() => this.#resume(memories, own))
  }

  async #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(call)
    this.#last = answer.catch(() => undefined)
    return await answer
  }

  async #resume(
    memories: readonly ExpressionMemory[],
    faces: readonly [first: PhotoInput, last: PhotoInput] | null,
  ): Promise<readonly ResumedStep[]> {
    if (this.#memory !== null) {
      throw new FaceError('INVALID_ARGUMENT', 'resume: comes before the first next(); make another stream')
    }
    for (const { read, time, covers } of memories) {
      if (read !== null) assertExpression(read, 'resume')
      if (covers !== undefined && !isWatchedCovers(covers)) {
        throw new FaceError('INVALID_ARGUMENT', 'resume: what covers the face in a memory is damaged')
      }
      if (!Number.isFinite(time)) throw new FaceError('INVALID_ARGUMENT', 'resume: a memory has no time')
    }
    if (faces !== null) {
      await this.tracker.resume(
        memories.map(({ tracker }) => tracker),
        ...faces,
      )
      this.#isStarted = true
    }
    this.#memory = memories.at(-1) ?? null
    this.#covers = memories.at(-1)?.covers ?? {}
    this.#isAsked = memories.some(({ read }) => read !== null && tellsWhose(read.pose.angles.yaw))
    return memories.map(({ read, time, cut }) =>
      read === null ? this.#sequence.lost(time) : this.#sequence.seen(read, time, cut),
    )
  }

  async #next(frame: PhotoInput | FaceFrame, time: number): Promise<ExpressionStep> {
    const before = this.#memory?.time
    if (!Number.isFinite(time) || (before !== undefined && time <= before)) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `time must be a number of seconds later than that of the frame before (${before ?? 'none'}), got ${String(time)}`,
        { time },
      )
    }
    try {
      const { face, cut } = await this.#follow(frame)
      const name = isFound(frame) ? 'the frame' : photoName(frame, 'the frame')
      const figures = coverFigures(face)
      const covers = watchCovers(cut ? {} : this.#covers, figures)
      const seenCovers = COVERABLE_PARTS.flatMap((part) =>
        part in covers ? [coverOf(part, figures[part])] : [],
      )
      const read = await readExpression(this.means, face, name, {
        isAsked: this.#isAsked,
        covers: seenCovers,
      })
      this.#covers = covers
      this.#isAsked ||= tellsWhose(read.pose.angles.yaw)
      this.#memory = { time, cut, read: withoutFace(read), tracker: this.#remembered(), ...this.#watched() }
      return this.#sequence.seen(read, time, cut)
    } catch (error) {
      // A picture that cannot be read, a face that is not there or seen from the side do not end the video.
      const isKnown =
        error instanceof FaceError && (error.code === 'NO_FACE' || error.code === 'INVALID_INPUT')
      if (!isKnown) throw error
      this.#memory = { time, cut: false, read: null, tracker: this.#remembered(), ...this.#watched() }
      return { ...this.#sequence.lost(time), message: error.message }
    }
  }

  #watched(): Pick<ExpressionMemory, 'covers'> {
    return Object.keys(this.#covers).length === 0 ? {} : { covers: this.#covers }
  }

  async #follow(frame: PhotoInput | FaceFrame): Promise<{ face: FaceFrame; cut: boolean }> {
    if (isFound(frame)) return { face: frame, cut: false }
    if (this.#isStarted) return await this.tracker.next(frame)
    const face = await this.tracker.start(frame)
    this.#isStarted = true
    return { face, cut: false }
  }

  /** Before its first frame with the face a tracker has nothing to go on from. */
  #remembered(): ExpressionMemory['tracker'] {
    return this.#isStarted ? this.tracker.memory : null
  }
}

function withoutFace({ face: _, ...read }: Expression): ReadExpression {
  return read
}
