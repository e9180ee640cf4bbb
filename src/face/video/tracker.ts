import { FaceError } from '../../errors.js'
import type { PhotoInput, Rgba } from '../../geometry/types.js'
import { decodePhoto, photoName } from '../../platform/index.js'
import type { Candidate } from '../find/candidate.js'
import { nearest } from '../find/face-choice.js'
import type { FaceFinder, FoundFace } from '../find/face-finder.js'
import { roiFromMesh } from '../find/roi.js'
import { ownedPhoto } from '../owned-photo.js'
import { Stopwatch } from '../stopwatch.js'
import type { FaceFrame, FlowResult, VideoStep, VideoTracker } from '../types.js'

/** What the tracker borrows from the object that made it. */
export interface TrackerHost {
  readonly finder: FaceFinder
  enqueue<T>(task: () => Promise<T>): Promise<T>
  between(a: FaceFrame, b: FaceFrame, watch: Stopwatch, warnings: readonly string[]): Promise<FlowResult>
  holdsChoice(faces: readonly Candidate[]): boolean
  choose(faces: readonly Candidate[], photo: Rgba, name: string): Candidate
}

/** Follows one face: the landmark network looks where the face was, the detector only runs when it is lost. */
export class FaceVideoTracker implements VideoTracker {
  readonly #host: TrackerHost
  #reference: FaceFrame | undefined
  #previous: FaceFrame | undefined

  constructor(host: TrackerHost) {
    this.#host = host
  }

  async start(reference: PhotoInput, previous?: PhotoInput): Promise<FaceFrame> {
    const [first, last] = [ownedPhoto(reference), previous && ownedPhoto(previous)]
    return await this.#host.enqueue(async () => {
      const { frame } = await this.#detect(first)
      this.#reference = frame
      this.#previous = frame
      if (last !== undefined) this.#previous = (await this.#locate(last)).frame
      return frame
    })
  }

  async next(photo: PhotoInput): Promise<VideoStep> {
    const own = ownedPhoto(photo)
    return await this.#host.enqueue(async () => {
      const { between } = this.#host
      const [reference, previous] = [this.#reference, this.#previous]
      if (reference === undefined || previous === undefined) {
        throw new FaceError('INVALID_ARGUMENT', 'call start() with the reference frame before next()')
      }
      const watch = new Stopwatch()
      const { frame, warnings } = await watch.time('track', () => this.#locate(own))
      const frameToFrame = await between(previous, frame, watch, warnings)
      const frameToReference =
        previous === reference ? frameToFrame : await between(reference, frame, new Stopwatch(), [])
      this.#previous = frame
      return { frameToFrame, frameToReference }
    })
  }

  /** Where the face was last, else anywhere. */
  async #locate(photo: PhotoInput): Promise<FoundFace> {
    const last = this.#previous
    if (last !== undefined) {
      const image = await decodePhoto(photo)
      const tracked = await this.#host.finder.track(
        image,
        photoName(photo, 'the frame'),
        roiFromMesh(last.landmarks468),
      )
      if (tracked !== undefined) return tracked
      return await this.#detect(image)
    }
    return await this.#detect(photo)
  }

  async #detect(photo: PhotoInput): Promise<FoundFace> {
    const { finder, holdsChoice, choose } = this.#host
    const name = photoName(photo, 'the frame')
    const image = await decodePhoto(photo, name)
    const last = this.#previous
    if (last === undefined) {
      return await finder.frame(
        image,
        name,
        choose(await finder.detect(image, name, holdsChoice), image, name),
      )
    }
    const faces = await finder.detect(image, name)
    // A face that was lost comes back near to where it was.
    const { x, y, width, height } = last.box
    const index = nearest(
      faces.map(({ box }) => box),
      x + width / 2,
      y + height / 2,
    )
    return await finder.frame(image, name, faces[index ?? 0] as Candidate)
  }
}
