import { FaceError } from '../../errors.js'
import { eulerAngles } from '../../geometry/rotation.js'
import { fitSimilarity3 } from '../../geometry/similarity3.js'
import type { Box, PhotoInput, Rgba } from '../../geometry/types.js'
import { decodePhoto, photoName } from '../../platform/index.js'
import { Pending } from '../call-line.js'
import type { Candidate } from '../find/candidate.js'
import type { FaceFinder, FoundFace } from '../find/face-finder.js'
import { type RegionOfInterest, roiFromMesh } from '../find/roi.js'
import { ALIKE_WORDS, halvesOf, isAlike, type Look, lookOf, similarity } from '../look/look.js'
import { ownedPhoto } from '../owned-photo.js'
import type { Computed } from '../pair-runner.js'
import { Stopwatch } from '../stopwatch.js'
import type { FaceFrame, FlowResult, TrackerMemory, VideoFlows, VideoStep, VideoTracker } from '../types.js'
import { faceOfMemory, memoryOf, type Remembered, readMemory, withVertices } from './memory.js'
import { isCut, type Thumbnail, thumbnail } from './scene.js'
import { steadyMotion } from './steady-motion.js'
import { nextRegistration, type SteadyRegistration, startRegistration } from './steady-registration.js'

/** What the tracker borrows from the object that made it. */
export interface TrackerHost {
  readonly finder: FaceFinder
  enqueue<T>(task: () => Promise<T | Pending<T>>): Promise<T>
  /**
   * Begins the flows from one frame or two, in one go; other calls begin while they are computed.
   * @param watch of the first, as are the warnings
   * @returns in the order of the frames
   */
  flowsTo(
    froms: readonly FaceFrame[],
    to: FaceFrame,
    watch: Stopwatch,
    warnings: readonly string[],
  ): Promise<Pending<readonly Computed<FlowResult>[]>>
  readonly flows: VideoFlows
  /** See `VideoOptions.smooth`. */
  readonly smooth: boolean
  /** Tx3 vertices, of the face beyond the mesh too. */
  readonly triangles: ArrayLike<number>
  /** See `steadyMotion`. */
  readonly onward: (rows: Float32Array) => Float32Array
  holdsChoice(faces: readonly Candidate[]): boolean
  choose(faces: readonly Candidate[], photo: Rgba, name: string): Candidate
}

/** A face where the last one was, in the same shot, is the same unless it looks so different. */
export const FOLLOWED = 0.45
/** The same once the picture has changed over: between the two people of a dissolve lies less. */
export const CHANGED_OVER = 0.5
/**
 * Half a face, above the tip of the nose or below it, that looks so much like its own and like the frame before is followed whatever covers the other half. So do 93 % of the
 * frames above drawn hands, masks and cups; of 14 pairs of people in one studio's light the halves of one reach 0.62, of the others 0.57.
 */
const HALF_FOLLOWED = 0.58
/** The same once the picture has changed over. */
const HALF_CHANGED_OVER = 0.63
/** Looks of faces turned against each other by more than this, degrees, say little. */
const TURNED = 10
/** A face that looks so different from all known looks of its own is kept as a further one. */
export const NEW_LOOK = 0.8
/** Looks that are remembered of a face. */
export const MAX_LOOKS = 16
/** From frame to frame a face moves by less than this share of its width, and grows or shrinks by less than this factor. */
const MAX_SHIFT = 0.5
const MAX_GROWTH = 1.5

/** A face in its frame, with what the registration of the next one goes on from; only where it is smoothed. */
interface Tracked extends FoundFace {
  readonly registration?: SteadyRegistration
}

/** From the frame before and from the reference; one where that is the same, or only one is asked for. */
type FromOneOrTwo = readonly [Computed<FlowResult>, Computed<FlowResult>?]

interface Seen extends Tracked {
  readonly look: Look
  /** To the most similar of the known looks. */
  readonly similarity: number
  /** Whether one of them is this person's. */
  readonly isKnown: boolean
  /** Whether the head is turned so far from the reference's that looks cannot be compared. */
  readonly isTurned: boolean
}

/**
 * Follows one person's face: by place, size and appearance from frame to frame; after a cut or a loss by appearance alone. No
 * other face ever takes its place.
 */
export class FaceVideoTracker implements VideoTracker<VideoFlows> {
  readonly #host: TrackerHost
  #reference: FaceFrame | undefined
  /** The last frame with the face, and how it looked there. */
  #previous: Tracked | undefined
  /** Where the reference's vertices are in it, see `steadyMotion`; undefined where that is not known. */
  #vertices: Promise<Float32Array | undefined> = Promise.resolve(undefined)
  /** Of `#previous`; undefined until it is needed. */
  #previousLook: Look | undefined
  #looks: Look[] = []
  #picture: Thumbnail | undefined
  /** Where the face was last recognised on its own, not followed from frame to frame. */
  #shot: Thumbnail | undefined
  #lost = false
  /** Of the frame given last, until it is asked for in JSON; null for one that could not be read, or whose flow is computed. */
  #remembered: Remembered | null = null
  /** The frame given last. */
  #given: Rgba | undefined
  /** Counts how often a failed flow took the tracker back. */
  #failures = 0

  constructor(host: TrackerHost) {
    this.#host = host
  }

  /** What `resume` needs to know of the frame given last; null for one that could not be read or whose flow is computed. */
  get memory(): TrackerMemory | null {
    return this.#remembered && memoryOf(this.#remembered.picture, this.#remembered.face)
  }

  async start(reference: PhotoInput): Promise<FaceFrame> {
    const own = ownedPhoto(reference)
    return await this.#host.enqueue(async () => {
      const name = nameOf(reference)
      const image = await this.#decode(own, name)
      const { finder, holdsChoice, choose } = this.#host
      const chosen = choose(await finder.detect(image, name, holdsChoice), image, name)
      const found =
        (await this.#track(image, name, roiFromMesh(chosen.landmarks.mesh), 'start')) ??
        (await finder.frame(image, name, chosen))
      const kept = { ...found, frame: copyOf(found.frame) }
      this.#reference = kept.frame
      this.#looks = []
      this.#vertices = Promise.resolve(undefined)
      this.#remembered = this.#keep(kept, lookOf(found.frame), true, true)
      return found.frame
    })
  }

  async next(photo: PhotoInput): Promise<VideoStep<VideoFlows>> {
    const own = ownedPhoto(photo)
    return await this.#host.enqueue(async () => {
      const { flowsTo, flows } = this.#host
      const [reference, previous] = [this.#reference, this.#previous]
      if (reference === undefined || previous === undefined) {
        throw new FaceError('INVALID_ARGUMENT', 'call start() with the reference frame before next()')
      }
      const watch = new Stopwatch()
      const name = nameOf(photo)
      const before = this.#picture
      const image = await this.#decode(own, name)
      const cut = before !== undefined && isCut(before, this.#picture as Thumbnail)
      const status = this.#lost ? 'regained' : 'ok'
      const found = await watch.time('track', () => this.#find(image, name, previous, cut))
      const { frame, warnings } = found
      const facts = { status, cut, similarity: found.similarity } as const
      const first = flows === 'reference' ? reference : previous.frame
      const kept = { ...found, frame: copyOf(frame) }
      const isSure = found.isFresh || (found.isTurned && found.isKnown)
      if (flows === 'none') {
        this.#remembered = this.#keep(kept, found.look, isSure, found.isFresh)
        return { ...facts, face: frame, warnings }
      }
      const froms = flows !== 'both' || first === reference ? [first] : [first, reference]
      const { result: pairs } = await flowsTo(froms.map(copyOf), frame, watch, warnings)
      const goBack = this.#waysBack()
      const remembered = this.#keep(kept, found.look, isSure, found.isFresh)
      const vertices = this.#steady(pairs, this.#vertices, status === 'ok' && !cut)
      this.#vertices = vertices.catch(() => undefined)
      this.#remembered = null
      const finish = async () => {
        const [pair, toReference] = (await pairs) as FromOneOrTwo
        const at = await vertices
        const frameToFrame = await pair.derive()
        const frameToReference = toReference === undefined ? frameToFrame : await toReference.derive()
        if (this.#given === image) this.#remembered = withVertices(remembered, at)
        return {
          ...facts,
          ...(flows !== 'reference' && { frameToFrame }),
          ...(flows !== 'previous' && { frameToReference }),
        }
      }
      const results = finish().catch((error: unknown) => {
        goBack()
        throw error
      })
      return new Pending(results as Promise<VideoStep<VideoFlows>>)
    })
  }

  /** Lets both flows to a frame agree. @param follows whether the frame before says where the face is in this one */
  async #steady(
    pairs: Promise<readonly Computed<FlowResult>[]>,
    before: Promise<Float32Array | undefined>,
    follows: boolean,
  ): Promise<Float32Array | undefined> {
    const { smooth, flows, triangles, onward } = this.#host
    if (!smooth || flows !== 'both') return undefined
    const [previous, reference] = (await pairs) as FromOneOrTwo
    const known = follows && reference !== undefined ? await before : undefined
    const outputs = { previous: previous.outputs, reference: (reference ?? previous).outputs }
    return steadyMotion(known, outputs, triangles, onward)
  }

  /** Takes the tracker back to where it is now, for a frame whose flow fails later; once for all frames that were under way. */
  #waysBack(): () => void {
    const [previous, shot, looks] = [this.#previous, this.#shot, [...this.#looks]]
    const vertices = this.#vertices
    const [lost, failures] = [this.#lost, this.#failures]
    return () => {
      if (this.#failures !== failures) return
      this.#failures++
      this.#previous = previous
      this.#vertices = vertices
      this.#shot = shot
      this.#previousLook = undefined
      this.#looks = looks
      this.#lost = lost
      this.#remembered = this.#picture === undefined ? null : { picture: this.#picture }
    }
  }

  async resume(
    memories: readonly (TrackerMemory | null)[],
    reference: PhotoInput,
    previous: PhotoInput,
  ): Promise<void> {
    const [ownReference, ownPrevious] = [ownedPhoto(reference), ownedPhoto(previous)]
    await this.#host.enqueue(async () => {
      const { finder } = this.#host
      const known = memories.filter((memory) => memory !== null).map(readMemory)
      const faces = known.flatMap(({ face }) => (face ? [face] : []))
      const [first, last] = [faces[0], faces.at(-1)]
      if (known[0]?.face === undefined || first === undefined || last === undefined) {
        throw new FaceError(
          'INVALID_ARGUMENT',
          'resume: the first memory must be that of the reference frame',
        )
      }
      const found = async (photo: PhotoInput, face: typeof first): Promise<Tracked> => {
        const name = nameOf(photo)
        const { registration } = face
        const restored = await finder.restore(await decodePhoto(photo, name), name, face)
        return { ...restored, ...(registration && { registration }) }
      }
      const start = await found(ownReference, first)
      this.#reference = start.frame
      this.#previous = first === last ? start : await found(ownPrevious, last)
      this.#vertices = Promise.resolve(last.vertices)
      this.#previousLook = undefined
      this.#looks = faces.flatMap(({ look }) => (look ? [look] : []))
      this.#picture = known.at(-1)?.picture
      this.#shot = known.findLast(({ face }) => face?.isFresh)?.picture
      this.#lost = known.at(-1)?.face === undefined
    })
  }

  async #decode(photo: PhotoInput, name: string): Promise<Rgba> {
    this.#remembered = null
    const image = await decodePhoto(photo, name)
    this.#given = image
    this.#picture = thumbnail(image)
    this.#remembered = { picture: this.#picture }
    return image
  }

  /**
   * @param isSure whether later faces may be compared with this one. What is followed from frame to frame is not, unless it shows
   * the face from another side: a dissolve would lead over to another person
   * @param isFresh whether it was recognised without the frame before
   * @returns what going on from it needs
   */
  #keep(found: Tracked, look: Look, isSure: boolean, isFresh: boolean): Remembered {
    const isNew = isSure && this.#looks.length < MAX_LOOKS && this.#nearest(look) < NEW_LOOK
    if (isNew) this.#looks.push(look)
    this.#previous = found
    this.#previousLook = look
    this.#lost = false
    if (isFresh) this.#shot = this.#picture
    const face = faceOfMemory(found, isNew ? look : undefined, isFresh, found.registration)
    return { picture: this.#picture as Thumbnail, face }
  }

  /** `track` of the finder, registered in the tracker's way. @param place whether the frames before say where the face is */
  async #track(
    image: Rgba,
    name: string,
    roi: RegionOfInterest,
    place: 'start' | 'follows' | 'anew',
  ): Promise<Tracked | undefined> {
    const { finder, smooth } = this.#host
    if (!smooth) return await finder.track(image, name, roi)
    const last = place === 'start' ? undefined : this.#previous?.registration
    let registration: SteadyRegistration | undefined
    const found = await finder.track(image, name, roi, (points, template) => {
      registration =
        last === undefined
          ? startRegistration(points, template)
          : nextRegistration(last, points, template, place === 'follows')
      return registration.toTemplate
    })
    return found && { ...found, ...(registration && { registration }) }
  }

  #nearest(look: Look): number {
    return Math.max(-1, ...this.#looks.map((known) => similarity(known, look)))
  }

  #see(found: Tracked): Seen {
    const look = lookOf(found.frame)
    const isKnown = this.#looks.some((known) => isAlike(known, look))
    return { ...found, look, similarity: this.#nearest(look), isKnown, isTurned: this.#isTurned(found.frame) }
  }

  #isTurned({ landmarks468 }: FaceFrame): boolean {
    const reference = this.#reference
    if (reference === undefined) return false
    const { yaw, pitch } = eulerAngles(fitSimilarity3(reference.landmarks468, landmarks468).rotation)
    return Math.max(Math.abs(yaw), Math.abs(pitch)) > TURNED
  }

  /** @throws FaceError NO_FACE if the face is not in the picture; the tracker then stays where it was */
  async #find(
    image: Rgba,
    name: string,
    previous: FoundFace,
    cut: boolean,
  ): Promise<Seen & { readonly isFresh: boolean }> {
    const place = cut || this.#lost ? 'anew' : 'follows'
    this.#previousLook ??= lookOf(previous.frame)
    const last = this.#previousLook
    const inShot = this.#shot === undefined || !isCut(this.#shot, this.#picture as Thumbnail)
    /**
     * In the same shot, where it was a frame ago. A head that is turned away is believed if it looks like the frame before; another
     * must look like itself, not like the frame before, which a dissolve makes of anybody.
     */
    const follows = (seen: Seen): boolean => {
      if (cut || this.#lost || !isNear(previous.frame.box, seen.frame.box)) return false
      const asBefore = seen.isTurned
        ? Math.max(seen.similarity, similarity(last, seen.look))
        : seen.similarity
      if (asBefore >= (seen.isTurned || inShot ? FOLLOWED : CHANGED_OVER)) return true
      return halvesOf(seen.frame).some((half) => {
        const known = Math.max(...this.#looks.map((look) => similarity(look, seen.look, half)))
        return (
          known >= (inShot ? HALF_FOLLOWED : HALF_CHANGED_OVER) &&
          similarity(last, seen.look, half) >= HALF_FOLLOWED
        )
      })
    }
    if (!cut && !this.#lost) {
      const tracked = await this.#track(image, name, previous.roi, place)
      const seen = tracked && this.#see(tracked)
      if (seen && follows(seen)) return { ...seen, isFresh: false }
    }
    const others = await this.#others(image, name, place)
    const [best] = [...others].sort(
      (a, b) => Number(b.isKnown) - Number(a.isKnown) || b.similarity - a.similarity,
    )
    if (best?.isKnown) return { ...best, isFresh: cut || this.#lost }
    const followed = others.find(follows)
    if (followed) return { ...followed, isFresh: false }
    this.#lost = true
    const whom = others.length === 1 ? 'another face' : `${others.length} other faces`
    const when = cut ? ' after a cut' : ''
    throw new FaceError(
      'NO_FACE',
      best === undefined
        ? `${name} shows no face${when}; the video goes on where the face comes back`
        : `${name} shows ${whom}${when}, similar to the one that is followed by ${best.similarity.toFixed(2)} (${ALIKE_WORDS}); ` +
            'the video goes on where that comes back',
      { photo: name, cut, faces: others.length, similarity: best?.similarity ?? null },
    )
  }

  /** All faces of the picture. */
  async #others(image: Rgba, name: string, place: 'follows' | 'anew'): Promise<Seen[]> {
    const { finder } = this.#host
    let candidates: readonly Candidate[]
    try {
      candidates = await finder.detect(image, name)
    } catch (error) {
      if (error instanceof FaceError && error.code === 'NO_FACE') return []
      throw error
    }
    const found: Seen[] = []
    for (const { landmarks } of candidates) {
      const face = await this.#track(image, name, roiFromMesh(landmarks.mesh), place)
      if (face) found.push(this.#see(face))
    }
    return found
  }
}

/** Whether a face can have moved from one box to the other within a frame. */
export function isNear(a: Box, b: Box): boolean {
  const growth = b.width / a.width
  const shift = Math.hypot(b.x + b.width / 2 - a.x - a.width / 2, b.y + b.height / 2 - a.y - a.height / 2)
  return shift <= MAX_SHIFT * Math.max(a.width, b.width) && growth <= MAX_GROWTH && growth >= 1 / MAX_GROWTH
}

/** What the caller gets is the caller's: drawing on a result must not change what is followed. The photo is not looked at again. */
function copyOf(frame: FaceFrame): FaceFrame {
  return {
    ...frame,
    box: { ...frame.box },
    toTemplate: { ...frame.toTemplate },
    landmarks468: frame.landmarks468.slice(),
    irises: frame.irises.slice(),
    landmarks68: frame.landmarks68.slice(),
    registered: { ...frame.registered, data: frame.registered.data.slice() },
  }
}

function nameOf(photo: PhotoInput): string {
  return photoName(photo, 'the frame')
}
