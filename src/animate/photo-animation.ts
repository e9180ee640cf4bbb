import { FaceError } from '../errors.js'
import { ownedPhoto } from '../face/owned-photo.js'
import type { FaceFrame, FlowResult, TrackerMemory, VideoTracker } from '../face/types.js'
import { applySimilarityToPoints, invertSimilarity } from '../geometry/similarity.js'
import type { PhotoInput, Rgba } from '../geometry/types.js'
import { decodePhoto, photoName } from '../platform/index.js'
import { type DeviceData, ownedPlace } from '../runtime/device-data.js'
import { type Bridge, bridge, carryOver, poseOf } from './carry-over.js'
import { assertMotion, assertObserved } from './checked-motion.js'
import { coverFigures } from './covered-parts.js'
import { isHidden, showsMouth } from './driver-covers.js'
import type { FusedSources, PatchOf } from './fused-sources.js'
import {
  type HeadMotion,
  headMotion,
  type MotionReference,
  motionReference,
  type SeenFace,
  stillMotion,
} from './head-motion.js'
import { type InnerMouth, type MouthSource, mouthPlaces, openingOf } from './inner-mouth.js'
import type { LayerBlend } from './layer-blend.js'
import { matchedIrises } from './matched-irises.js'
import type { Motion } from './motion-choice.js'
import { type OpenMouth, shownMouths } from './mouth-sources.js'
import { isSamePerson, type OwnTeeth } from './own-teeth.js'
import { checkReference } from './photo-checks.js'
import type { PhotoHead, Strengths } from './photo-head.js'
import { type SurroundReference, seenSurround, surroundReference } from './seen-surround.js'
import type { Sheet } from './sheet.js'
import type { Drawing, SheetRenderer } from './sheet-renderer.js'
import { type SkinReference, skinLight, skinReference } from './skin-light.js'
import { steadiedLandmarks } from './steadied-landmarks.js'
import type { AnimatedFrame, Animation, DrawnFrame, ObservedFrame } from './types.js'
import { type HeldShares, heldShares, seenReference, uncoveredMotion } from './uncovered-motion.js'
import { nextCovers } from './watched-covers.js'
import { intoPhoto, type WorkingPhoto } from './working-photo.js'

/** What an animation is made of. */
export interface AnimationParts {
  readonly face: FaceFrame
  readonly working: WorkingPhoto
  /** In px of the working photo. */
  readonly head: PhotoHead
  readonly sheet: Sheet
  readonly renderer: SheetRenderer
  readonly innerMouth: InnerMouth
  /** Null where the photo shows none, or further photos show the mouth otherwise. */
  readonly ownTeeth: OwnTeeth | null
  readonly mouths: readonly OpenMouth[]
  /** Null without further photos. */
  readonly fused: FusedSources | null
  /** Brings frames to the device that are not drawn at the photo's size; null where they are. */
  readonly upload: LayerBlend | null
  readonly tracker: VideoTracker<'reference'>
  /** Where the person is in a picture, h*w in [0, 1]. */
  readonly personOf: (image: Rgba) => Promise<Float32Array>
  readonly strengths: Strengths
  readonly motion: Motion
  readonly warnings: readonly string[]
}

export class PhotoAnimation implements Animation {
  readonly #parts: AnimationParts
  #reference: MotionReference | undefined
  #bridge: Bridge | undefined
  #skin: SkinReference | undefined
  #shares: HeldShares | undefined
  /** The photo's, where they are held. */
  #teeth: OwnTeeth | null = null
  #surround: SurroundReference | undefined
  #last: ObservedFrame | undefined
  /** Of the reference. */
  #warnings: readonly string[] = []
  /** The last of `next` that showed the face. */
  #shown: PhotoInput | undefined
  #isDisposed = false

  constructor(parts: AnimationParts) {
    this.#parts = parts
  }

  get face(): FaceFrame {
    return this.#parts.face
  }

  get warnings(): readonly string[] {
    return [...this.#parts.warnings, ...this.#warnings]
  }

  get memory(): TrackerMemory | null {
    return this.#parts.tracker.memory
  }

  get isStarted(): boolean {
    return this.#bridge !== undefined
  }

  turnBeyond(motion: HeadMotion): AnimatedFrame['beyond'] {
    if (this.#bridge === undefined) throw notStarted('turnBeyond')
    assertMotion(motion, 'turnBeyond')
    const { strengths, motion: kind } = this.#parts
    return poseOf(this.#bridge, motion, strengths.pose, kind).beyond
  }

  async start(reference: PhotoInput): Promise<ObservedFrame> {
    this.#assertOpen()
    // The caller's again when this call returns, and looked at twice.
    return (await this.#start(ownedPhoto(reference))).still
  }

  async observe(frame: PhotoInput): Promise<ObservedFrame> {
    this.#assertOpen()
    const [reference, skin, shares] = [this.#reference, this.#skin, this.#shares]
    const [surround, last] = [this.#surround, this.#last]
    if (!(reference && skin && shares && surround && last)) throw notStarted('observe')
    try {
      const { frameToReference, status, cut } = await this.#parts.tracker.next(frame)
      const { b } = frameToReference
      const covers = nextCovers(cut ? null : (last.covers ?? null), coverFigures(b))
      const seen = headMotion(
        seenReference(reference, shares, covers),
        seenInB(frameToReference, skin, this.#parts.fused === null),
      )
      const motion = uncoveredMotion(reference, shares, seen, last.motion, covers)
      this.#last = {
        status,
        motion: { ...motion, surround: seenSurround(surround, reference, motion, b.image) },
        mouth: isHidden(covers, 'mouth') ? last.mouth : mouthPlaces(b.landmarks468),
        ...(covers && { covers }),
      }
    } catch (error) {
      // A picture that cannot be read, and a face that is mostly cut off, do not end the driver.
      const isKnown =
        error instanceof FaceError && (error.code === 'NO_FACE' || error.code === 'INVALID_INPUT')
      if (!isKnown) throw error
      this.#last = { ...last, status: 'held', message: error.message }
    }
    return copyOf(this.#last)
  }

  async draw(observed: ObservedFrame, frame: PhotoInput, shown?: PhotoInput): Promise<AnimatedFrame> {
    const { drawing, drawn } = await this.#drawing('draw', observed, frame, shown)
    const { face, working } = this.#parts
    const image = await this.#whileOpen(drawing.read())
    return { image: await intoPhoto(face.image, working, image), ...drawn }
  }

  async drawOnDevice(
    observed: ObservedFrame,
    frame: PhotoInput,
    to: DeviceData,
    shown?: PhotoInput,
  ): Promise<DrawnFrame> {
    const place = ownedPlace(to)
    const { drawing, drawn } = await this.#drawing('drawOnDevice', observed, frame, shown)
    const { face, working, upload } = this.#parts
    if (upload === null) await this.#whileOpen(drawing.leaveIn(place))
    else {
      const image = await this.#whileOpen(drawing.read())
      await this.#whileOpen(upload.upload(await intoPhoto(face.image, working, image), place))
    }
    return drawn
  }

  async next(frame: PhotoInput): Promise<AnimatedFrame> {
    // The caller's again when this call returns, and looked at twice.
    const own = ownedPhoto(frame)
    const observed = await this.observe(own)
    if (showsMouth(observed)) this.#shown = own
    return await this.draw(observed, own, this.#shown)
  }

  async resume(
    memories: readonly (TrackerMemory | null)[],
    reference: PhotoInput,
    previous: PhotoInput,
    last: ObservedFrame,
    shown?: PhotoInput,
  ): Promise<ObservedFrame> {
    this.#assertOpen()
    assertObserved(last, 'resume')
    const own = [ownedPhoto(reference), ownedPhoto(previous)] as const
    const mouthOf = shown === undefined ? undefined : ownedPhoto(shown)
    const [observed, earlier] = [copyOf(last), [...memories]]
    const { still, memory } = await this.#start(own[0])
    await this.#parts.tracker.resume([memory, ...earlier], ...own)
    this.#last = observed
    this.#shown = mouthOf ?? (isHidden(observed.covers, 'mouth') ? undefined : own[1])
    return still
  }

  dispose(): void {
    this.#isDisposed = true
    this.#parts.renderer.dispose()
    this.#parts.fused?.dispose()
    this.#parts.upload?.dispose()
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw disposed()
  }

  /** In the middle of a call it is a plan that notices. */
  async #whileOpen<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw this.#isDisposed ? disposed(error) : error
    }
  }

  /** @param reference not the caller's @returns what the reference shows, and the tracker's memory of it */
  async #start(reference: PhotoInput): Promise<{ still: ObservedFrame; memory: TrackerMemory | null }> {
    const { tracker } = this.#parts
    await tracker.start(reference)
    const { memory } = tracker
    // To itself: the flow brings the mesh that all flows start from.
    const { frameToReference } = await tracker.next(reference)
    return { still: await this.#begin(frameToReference), memory }
  }

  async #begin(result: FlowResult): Promise<ObservedFrame> {
    const { a } = result
    const mesh = applySimilarityToPoints(invertSimilarity(a.toTemplate), result.meshA, 3)
    this.#reference = motionReference({ mesh, landmarks: a.landmarks468, irises: a.irises })
    const { personOf } = this.#parts
    this.#shares = heldShares(this.#reference)
    this.#surround = await surroundReference(this.#reference, a.image, result.triangles, personOf)
    this.#skin = skinReference(result.registeredA, result.meshMask, result.meshA, result.triangles)
    this.#bridge = bridge(this.#parts.head, this.#reference, this.#parts.fused === null)
    const { ownTeeth, face } = this.#parts
    this.#teeth = ownTeeth !== null && !isSamePerson(face, a) ? ownTeeth : null
    this.#warnings = checkReference(a, "the driver's reference")
    this.#shown = undefined
    this.#last = {
      status: 'ok',
      motion: stillMotion(this.#reference),
      mouth: mouthPlaces(a.landmarks468),
    }
    return copyOf(this.#last)
  }

  async #drawing(
    call: string,
    observed: ObservedFrame,
    frame: PhotoInput,
    shown: PhotoInput | undefined,
  ): Promise<{ readonly drawing: Drawing; readonly drawn: DrawnFrame }> {
    this.#assertOpen()
    if (this.#bridge === undefined) throw notStarted(call)
    assertObserved(observed, call)
    const { status, covers } = observed
    const { head, sheet, renderer, fused, strengths, motion } = this.#parts
    const driven = carryOver(this.#bridge, observed.motion, strengths, motion)
    const driver = await this.#mouthOf(observed, showsMouth(observed) ? frame : (shown ?? null))
    const patchOf: PatchOf = (head, expressive) => this.#patch(head, expressive, driver)
    const moved = sheet.move(driven)
    const own = renderer.drawing(moved, patchOf(head, driven.expressive))
    return {
      drawing: fused === null ? own : fused.over(own, driven, moved, patchOf),
      drawn: { status, beyond: driven.beyond, ...(covers && { covers }) },
    }
  }

  /** The driver's mouth in the frame that the motion is of. */
  async #mouthOf({ mouth }: ObservedFrame, frame: PhotoInput | null): Promise<MouthSource | null> {
    if (frame === null) return null
    const [own, places] = [ownedPhoto(frame), mouth.slice()]
    const image = await decodePhoto(own, photoName(frame, 'the frame'))
    return { image, places, isPhotosPerson: false }
  }

  #patch(head: PhotoHead, expressive: Float64Array, driver: MouthSource | null): Float32Array {
    const { innerMouth, mouths, head: photo } = this.#parts
    const teeth = this.#teeth
    if (teeth !== null && driver !== null) {
      const patch = innerMouth.cut(driver, teeth.strength(expressive))
      return teeth.over(patch, openingOf(driver.places), expressive)
    }
    const patches = shownMouths(head, expressive, photo.mouthOpening, mouths, driver).map(
      ([source, strength]) => innerMouth.cut(source, strength),
    )
    return patches.reduce((sum, patch) => sum.map((value, i) => value + (patch[i] as number)))
  }
}

/**
 * @param isAlone without further photos. With them irises stay where the flow has them: what it leaves out is alike in a frame and in the photos that
 * look where it looks, and matching each alone would add its own noise.
 */
function seenInB(result: FlowResult, skin: SkinReference, isAlone: boolean): SeenFace {
  const { b, meshB, warpedB } = result
  const mesh = applySimilarityToPoints(invertSimilarity(b.toTemplate), meshB, 3)
  const steadied = steadiedLandmarks(result)
  const irises = isAlone ? matchedIrises(result, steadied) : steadied.irises
  return { mesh, ...steadied, irises, light: skinLight(skin, warpedB).light }
}

/** Held motions are made of the last one: what callers do to it must not reach it. */
function copyOf(observed: ObservedFrame): ObservedFrame {
  return structuredClone(observed)
}

function disposed(cause?: unknown): FaceError {
  return new FaceError('DISPOSED', 'this animation was disposed; animate() the photo again', {}, { cause })
}

function notStarted(call: string): FaceError {
  return new FaceError('INVALID_ARGUMENT', `call start() with the driver's reference frame before ${call}()`)
}
