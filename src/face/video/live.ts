import type { PhotoInput } from '../../geometry/types.js'
import { ownedPhoto } from '../owned-photo.js'
import type { VideoFlows, VideoStep, VideoTracker } from '../types.js'

/** What a live stream did with its frames. */
export interface LiveCounters {
  /** Frames that were pushed. */
  readonly pushed: number
  /** Frames whose flow was computed. */
  readonly computed: number
  /** Frames that a newer one took the place of. */
  readonly dropped: number
  /** Frames that ended in an error, such as those without a face. */
  readonly failed: number
}

/** Frames under way in a tracker: one whose flow is computed, one whose face is looked for. */
const UNDER_WAY = 2

/**
 * A live source in front of a tracker: it may push faster than flow is computed. At most one frame waits; a newer one takes its
 * place, so that results stay as near to the present as the device allows.
 */
export class LatestFrames<Flows extends VideoFlows = 'both'> {
  readonly #tracker: Pick<VideoTracker<Flows>, 'next'>
  #waiting: { readonly frame: PhotoInput; readonly begin: () => void; readonly drop: () => void } | undefined
  #underWay = 0
  #counters = { pushed: 0, computed: 0, dropped: 0, failed: 0 }

  /** @param tracker started, and fed by nobody else */
  constructor(tracker: Pick<VideoTracker<Flows>, 'next'>) {
    this.#tracker = tracker
  }

  get counters(): LiveCounters {
    return { ...this.#counters }
  }

  /**
   * @param frame the caller's again when the call returns
   * @returns flow to this frame, from the last one that was not dropped; undefined if this one was
   * @throws as `VideoTracker.next`
   */
  async push(frame: PhotoInput): Promise<VideoStep<Flows> | undefined> {
    this.#counters.pushed++
    if (this.#underWay < UNDER_WAY && this.#waiting === undefined) return await this.#compute(frame)
    this.#waiting?.drop()
    const own = ownedPhoto(frame)
    const isTaken = await new Promise<boolean>((resolve) => {
      this.#waiting = { frame: own, begin: () => resolve(true), drop: () => resolve(false) }
    })
    if (isTaken) return await this.#compute(own, true)
    this.#counters.dropped++
    return undefined
  }

  async #compute(frame: PhotoInput, isCounted = false): Promise<VideoStep<Flows>> {
    if (!isCounted) this.#underWay++
    try {
      const step = await this.#tracker.next(frame)
      this.#counters.computed++
      return step
    } catch (error) {
      this.#counters.failed++
      throw error
    } finally {
      const next = this.#waiting
      this.#waiting = undefined
      // The place of this frame goes to the one that waits.
      if (next === undefined) this.#underWay--
      else next.begin()
    }
  }
}
