import type { PhotoInput } from '../../geometry/types.js'
import { ownedPhoto } from '../owned-photo.js'
import type {
  FaceFrame,
  FacesTracker,
  FollowedFrame,
  TrackerMemory,
  VideoFlows,
  VideoStep,
  VideoTracker,
} from '../types.js'
import type { EverybodyHost } from './everybody.js'
import type { TrackerHost } from './tracker.js'

/** What is loaded with the first call that needs it: in browsers, pages of two photos do without the code that follows faces. */
class Deferred<T> {
  readonly #load: () => Promise<T>
  #loading: Promise<T> | undefined
  value: T | undefined

  constructor(load: () => Promise<T>) {
    this.#load = load
  }

  /** @param photos as they are now, see `ownedPhoto`: the call may have to wait */
  async call<R>(
    photos: readonly PhotoInput[],
    use: (value: T, photos: readonly PhotoInput[]) => R,
  ): Promise<Awaited<R>> {
    if (this.value !== undefined) return await use(this.value, photos)
    const own = photos.map(ownedPhoto)
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    this.value = await this.#loading
    return await use(this.value, own)
  }
}

export class DeferredVideoTracker implements VideoTracker<VideoFlows> {
  readonly #tracker: Deferred<VideoTracker<VideoFlows>>

  constructor(host: TrackerHost) {
    this.#tracker = new Deferred(async () => new (await import('./tracker.js')).FaceVideoTracker(host))
  }

  get memory(): TrackerMemory | null {
    return this.#tracker.value?.memory ?? null
  }

  async start(reference: PhotoInput): Promise<FaceFrame> {
    return await this.#tracker.call([reference], (tracker, [own = reference]) => tracker.start(own))
  }

  async next(frame: PhotoInput): Promise<VideoStep<VideoFlows>> {
    return await this.#tracker.call([frame], (tracker, [own = frame]) => tracker.next(own))
  }

  async resume(
    memories: readonly (TrackerMemory | null)[],
    reference: PhotoInput,
    previous: PhotoInput,
  ): Promise<void> {
    await this.#tracker.call([reference, previous], (tracker, [first = reference, last = previous]) =>
      tracker.resume(memories, first, last),
    )
  }
}

export class DeferredEverybodyTracker implements FacesTracker {
  readonly #tracker: Deferred<FacesTracker>

  constructor(host: EverybodyHost) {
    this.#tracker = new Deferred(async () => new (await import('./everybody.js')).EverybodyTracker(host))
  }

  async next(frame: PhotoInput): Promise<FollowedFrame> {
    return await this.#tracker.call([frame], (tracker, [own = frame]) => tracker.next(own))
  }
}
