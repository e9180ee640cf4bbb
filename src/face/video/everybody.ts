import { FaceError } from '../../errors.js'
import type { Box, PhotoInput, Rgba } from '../../geometry/types.js'
import { decodePhoto, photoName } from '../../platform/index.js'
import { type Candidate, samePlace } from '../find/candidate.js'
import type { FaceFinder, FoundFace } from '../find/face-finder.js'
import type { Enough } from '../find/face-search.js'
import { roiFromMesh } from '../find/roi.js'
import { type Look, lookOf, similarity } from '../look/look.js'
import { ownedPhoto } from '../owned-photo.js'
import type { FacesTracker, FollowedFrame } from '../types.js'
import { isCut, type Thumbnail, thumbnail } from './scene.js'
import { CHANGED_OVER, FOLLOWED, isNear, MAX_LOOKS, NEW_LOOK } from './tracker.js'

/** What the tracker borrows from the object that made it. */
export interface EverybodyHost {
  readonly finder: FaceFinder
  enqueue<T>(task: () => Promise<T>): Promise<T>
}

/** Frames between two looks for faces that have come into a shot. */
const LOOK_EVERY = 10
/** The same where nobody is followed. */
const LOOK_EVERY_ALONE = 5

interface Track {
  readonly id: number
  /** Where the face was a frame ago, and how it looked. */
  last: FoundFace
  lastLook: Look
  /** Ways that the face has looked in its first shot. */
  readonly looks: Look[]
  /** The picture in which the track began. */
  readonly shot: Thumbnail
}

/**
 * Follows every face of a video. A track is one face in one shot without a gap: it ends at a cut, where the face is lost, and where it
 * turns into another; whoever comes back begins a new one.
 */
export class EverybodyTracker implements FacesTracker {
  readonly #host: EverybodyHost
  #tracks: Track[] = []
  #picture: Thumbnail | undefined
  #sinceLook = 0
  #begun = 0

  constructor(host: EverybodyHost) {
    this.#host = host
  }

  async next(frame: PhotoInput): Promise<FollowedFrame> {
    const own = ownedPhoto(frame)
    return await this.#host.enqueue(async () => {
      const name = photoName(frame, 'the frame')
      const image = await decodePhoto(own, name)
      const picture = thumbnail(image)
      const before = this.#picture
      const cut = before !== undefined && isCut(before, picture)
      this.#picture = picture
      const active = new Set(this.#tracks.map(({ id }) => id))
      if (cut) this.#tracks = []
      const lost = await this.#follow(image, name, picture)
      const scores = await this.#look(image, name, picture, cut || before === undefined, lost)
      const faces = this.#tracks.map(({ id, last: { frame: face } }) => ({
        track: id,
        frame: face,
        detectorScore: scores.get(id) ?? null,
      }))
      for (const { id } of this.#tracks) active.delete(id)
      return { cut, faces, ended: [...active] }
    })
  }

  /** Moves the tracks on by a frame. @returns whether one has ended */
  async #follow(image: Rgba, name: string, picture: Thumbnail): Promise<boolean> {
    const kept: Track[] = []
    for (const track of this.#tracks) {
      const found = await this.#host.finder.track(image, name, track.last.roi)
      if (found === undefined || !isNear(track.last.frame.box, found.frame.box)) continue
      // Two tracks that end up on one face: the older one has it.
      if (kept.some(({ last }) => samePlace(last.frame.box, found.frame.box))) continue
      const look = lookOf(found.frame)
      const nearest = Math.max(...track.looks.map((known) => similarity(known, look)))
      const inShot = !isCut(track.shot, picture)
      // From frame to frame a dissolve leads over to anybody: the face must look like itself.
      if (similarity(track.lastLook, look) < FOLLOWED || (!inShot && nearest < CHANGED_OVER)) continue
      if (inShot && nearest < NEW_LOOK && track.looks.length < MAX_LOOKS) track.looks.push(look)
      track.last = found
      track.lastLook = look
      kept.push(track)
    }
    const lost = kept.length < this.#tracks.length
    this.#tracks = kept
    return lost
  }

  /** Looks for faces that nobody follows, where it is time to. @returns the detector's scores of tracks that it sees */
  async #look(
    image: Rgba,
    name: string,
    picture: Thumbnail,
    isNewShot: boolean,
    lost: boolean,
  ): Promise<Map<number, number>> {
    const scores = new Map<number, number>()
    this.#sinceLook++
    const every = this.#tracks.length > 0 ? LOOK_EVERY : LOOK_EVERY_ALONE
    if (!isNewShot && !lost && this.#sinceLook < every) return scores
    this.#sinceLook = 0
    for (const candidate of await this.#detect(image, name, isNewShot ? undefined : () => true)) {
      const known = this.#tracks.find(({ last }) => samePlace(last.frame.box, candidate.box))
      if (known) {
        scores.set(known.id, candidate.score)
        continue
      }
      const found = await this.#host.finder.track(image, name, roiFromMesh(candidate.landmarks.mesh))
      if (found === undefined || this.#isTaken(found.frame.box)) continue
      const look = lookOf(found.frame)
      const id = this.#begun++
      this.#tracks.push({ id, last: found, lastLook: look, looks: [look], shot: picture })
      scores.set(id, candidate.score)
    }
    return scores
  }

  #isTaken(box: Box): boolean {
    return this.#tracks.some(({ last }) => samePlace(last.frame.box, box))
  }

  /** @param enough of the search; small faces are looked for at the beginning of a shot that shows no larger one */
  async #detect(image: Rgba, name: string, enough?: Enough): Promise<readonly Candidate[]> {
    try {
      return await this.#host.finder.detect(image, name, enough)
    } catch (error) {
      // Nobody, or somebody who is mostly outside the picture.
      if (error instanceof FaceError && (error.code === 'NO_FACE' || error.code === 'INVALID_INPUT'))
        return []
      throw error
    }
  }
}
