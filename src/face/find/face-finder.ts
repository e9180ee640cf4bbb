import { FaceError } from '../../errors.js'
import { at } from '../../geometry/array.js'
import { fitSimilarity, similarityResidual } from '../../geometry/similarity.js'
import type { Template } from '../../geometry/template.js'
import type { Box, Rgba, Similarity } from '../../geometry/types.js'
import { landmarks68 } from '../register/landmarks.js'
import type { PendingFrame } from '../register/pending-frame.js'
import type { FaceFrame } from '../types.js'
import { type Candidate, GUESS_SCORE, isFaceToLandmarks, isGuess, MIN_PRESENCE } from './candidate.js'
import { type Enough, searchFaces, straightened } from './face-search.js'
import type { PhotoLandmarks, PhotoNetworks } from './photo-networks.js'
import { type RegionOfInterest, roiAgrees, roiFromMesh } from './roi.js'

/** Faces below this side have too few pixels for the 224 px template to show anything. */
export const MIN_FACE_SIDE = 32
/** Below this, landmarks are said to be unsure. */
const WARN_PRESENCE = 0.95
/** Of faces up to half profile the 68 landmarks lie within this of the template's, template px. */
const WARN_RESIDUAL = 15
/** Share of landmarks that may lie outside the photo. */
const MAX_OUTSIDE = 0.35
const WARN_OUTSIDE = 0.05

/** Looks at a tracked face until the region is that of the mesh seen in it. */
const MAX_LOOKS = 4

/** A face that is found and not registered yet. */
export interface LocatedFace {
  readonly frame: Omit<FaceFrame, 'registered'>
  /** The region that calls for this mesh. */
  readonly roi: RegionOfInterest
  readonly warnings: readonly string[]
}

export interface FoundFace extends LocatedFace {
  readonly frame: FaceFrame
}

/** Faces of a photo, at least one, largest first. */
export interface FoundFaces {
  readonly faces: readonly Candidate[]
  /** Whether all was tried, down to the smallest faces that can be found. */
  readonly complete: boolean
}

/** The networks that look at photos. */
export type FaceNetworks = Pick<PhotoNetworks, 'load' | 'detect' | 'landmarks' | 'register' | 'registration'>

/** Where a face is registered: 68x2 landmarks in photo px and those of the template to photo px -> template px. */
export type Registration = (points: Float32Array, template: Float32Array) => Similarity

/** Finds faces in a photo and registers them to the template. */
export class FaceFinder {
  readonly #networks: FaceNetworks
  readonly #template: Template

  constructor(networks: FaceNetworks, template: Template) {
    this.#networks = networks
    this.#template = template
  }

  /** The faces of `search`. */
  async detect(photo: Rgba, name: string, enough?: Enough): Promise<readonly Candidate[]> {
    return (await this.search(photo, name, enough)).faces
  }

  /**
   * All faces that are large enough, largest first, as both networks see them.
   * @param name what messages call the photo
   * @param enough whether these faces, largest first, hold what is looked for; if not, smaller ones are looked for
   * @throws FaceError NO_FACE that says what was tried, or how small the largest face is
   */
  async search(photo: Rgba, name: string, enough?: Enough): Promise<FoundFaces> {
    await this.#networks.load(photo)
    const { width, height } = photo
    const { faces, tried, rejected, complete } = await searchFaces(width, height, this.#networks, enough)
    const largest = faces[0]
    if (largest === undefined) {
      // At the border the detector sees too little of a face to see which way it stands.
      const outside =
        rejected && isFaceToLandmarks(rejected) ? outsideShare(rejected.landmarks.mesh, photo) : 0
      if (outside > MAX_OUTSIDE) throw cutOff(name, outside)
      throw new FaceError(
        'NO_FACE',
        `${name}: no face found (tried ${tried.join(', ')})${rejected ? denial(rejected) : ''}; use a photo in which ` +
          'the face is visible and not turned beyond a half profile',
        { photo: name, tried, ...(rejected && { presence: rejected.landmarks.presence }) },
      )
    }
    const usable = faces.filter(({ box }) => Math.max(box.width, box.height) >= MIN_FACE_SIDE)
    if (usable.length === 0) {
      const side = Math.max(largest.box.width, largest.box.height)
      throw new FaceError(
        'NO_FACE',
        `${name}: the largest face is ${Math.floor(side)} px wide, at least ${MIN_FACE_SIDE} px are needed; use a ` +
          'larger or closer photo',
        { photo: name, size: side, limit: MIN_FACE_SIDE },
      )
    }
    return { faces: usable, complete }
  }

  /**
   * Registration of a face that `detect` has found.
   * @throws FaceError NO_FACE if the landmark network sees none there; INVALID_INPUT if most of the face is cut off
   */
  async frame(photo: Rgba, name: string, found: Candidate): Promise<FoundFace> {
    return await this.registered(await this.locate(photo, name, found))
  }

  /** As `frame`, but for the registration. */
  async locate(photo: Rgba, name: string, found: Candidate): Promise<LocatedFace> {
    await this.#networks.load(photo)
    const straight = await straightened(found, this.#networks)
    const { landmarks, box, score } = straight
    if (!(landmarks.presence >= MIN_PRESENCE)) {
      throw new FaceError(
        'NO_FACE',
        `${name}: the region that looked like a face has no face landmarks (presence ` +
          `${landmarks.presence.toFixed(2)}, needed ${MIN_PRESENCE}); use a clearer photo`,
        { photo: name, presence: landmarks.presence },
      )
    }
    const face = this.#located(photo, name, landmarks, box, score, roiFromMesh(landmarks.mesh))
    if (!isGuess(straight)) return face
    const guess =
      `${name}: the detector is not sure of the face (score ${score.toFixed(2)}, of a clear one ${GUESS_SCORE} and more); ` +
      'landmarks and flow may be guesses.'
    return { ...face, warnings: [guess, ...face.warnings] }
  }

  /**
   * The face in a region where it was a frame before, or where the search saw it; undefined where the landmark network sees
   * none. The region moves with the mesh until both agree, so that the mesh depends on the face and not on where the search
   * began: a face that does not move keeps its mesh, bit for bit.
   * @param registration in place of the one that `frame` has
   */
  async track(
    photo: Rgba,
    name: string,
    start: RegionOfInterest,
    registration?: Registration,
  ): Promise<FoundFace | undefined> {
    await this.#networks.load(photo)
    let roi = start
    for (let look = 1; ; look++) {
      const landmarks = await this.#networks.landmarks(roi)
      if (!(landmarks.presence >= MIN_PRESENCE)) return undefined
      const next = roiFromMesh(landmarks.mesh)
      if (look < MAX_LOOKS && !roiAgrees(roi, next)) {
        roi = next
        continue
      }
      const box = boxOf(landmarks.mesh)
      if (outsideShare(landmarks.mesh, photo) > MAX_OUTSIDE || box.width < MIN_FACE_SIDE) return undefined
      const { presence } = landmarks
      return await this.registered(this.#located(photo, name, landmarks, box, presence, roi, registration))
    }
  }

  /** A face of an earlier run in its photo again, bit for bit. */
  async restore(
    photo: Rgba,
    name: string,
    known: {
      readonly mesh: Float32Array
      readonly irises: Float32Array
      readonly box: Box
      readonly score: number
      readonly roi: RegionOfInterest
      readonly toTemplate: Similarity
    },
  ): Promise<FoundFace> {
    await this.#networks.load(photo)
    const { mesh, irises, box, score, roi, toTemplate } = known
    const landmarks = { mesh, irises, presence: score }
    return await this.registered(this.#located(photo, name, landmarks, box, score, roi, () => toTemplate))
  }

  /** The registration of a face of the photo that was looked at last, to be submitted with what looks at the frame. */
  registration({ frame }: LocatedFace): PendingFrame {
    return this.#networks.registration(frame.toTemplate)
  }

  /** @param face of the photo that was looked at last */
  async registered(face: LocatedFace): Promise<FoundFace> {
    const registered = await this.#networks.register(face.frame.toTemplate)
    return { ...face, frame: { ...face.frame, registered } }
  }

  #located(
    photo: Rgba,
    name: string,
    { mesh, irises, presence }: PhotoLandmarks,
    box: Box,
    score: number,
    roi: RegionOfInterest,
    registration: Registration = fitSimilarity,
  ): LocatedFace {
    const outside = outsideShare(mesh, photo)
    if (outside > MAX_OUTSIDE) throw cutOff(name, outside)
    const points = landmarks68(mesh)
    const toTemplate = registration(points, this.#template.landmarks68)
    const registrationResidual = similarityResidual(toTemplate, points, this.#template.landmarks68)
    const warnings: string[] = []
    if (outside > WARN_OUTSIDE) {
      warnings.push(
        `${name}: ${percent(outside)} of the face lies outside the photo; the flow there is a guess.`,
      )
    }
    if (presence < WARN_PRESENCE) {
      warnings.push(
        `${name}: the landmark network is not sure of the face (presence ${presence.toFixed(2)}, of a clear one ` +
          `${WARN_PRESENCE} and more); landmarks and flow may be guesses.`,
      )
    }
    if (registrationResidual > WARN_RESIDUAL) {
      warnings.push(
        `${name}: the landmarks lie ${registrationResidual.toFixed(1)} px from the template's (4 to 7 px are usual): the ` +
          'face is turned beyond a half profile or the landmarks are wrong; the flow may be a guess.',
      )
    }
    return {
      frame: {
        image: photo,
        box,
        score,
        landmarks468: mesh,
        irises,
        landmarks68: points,
        toTemplate,
        registrationResidual,
      },
      roi,
      warnings,
    }
  }
}

function cutOff(name: string, outside: number): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${name}: ${percent(outside)} of the face lies outside the photo, at most ${percent(MAX_OUTSIDE)} may; ` +
      'use a photo that shows the whole face',
    { photo: name, outside, limit: MAX_OUTSIDE },
  )
}

function denial(candidate: Candidate): string {
  const { box, score, landmarks } = candidate
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const why = isFaceToLandmarks(candidate)
    ? 'is shown upright and clear by no view'
    : `is none to the landmark network (presence ${landmarks.presence.toFixed(2)})`
  return `; what looked most like one, at (${x.toFixed(0)}, ${y.toFixed(0)}) with a score of ${score.toFixed(2)}, ${why}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}

/** Share of a mesh's vertices that lie outside a photo. @param mesh 468x3, photo px */
export function outsideShare(mesh: Float32Array, { width, height }: Pick<Rgba, 'width' | 'height'>): number {
  let outside = 0
  const vertices = mesh.length / 3
  for (let v = 0; v < vertices; v++) {
    const x = at(mesh, 3 * v)
    const y = at(mesh, 3 * v + 1)
    if (x < 0 || y < 0 || x > width || y > height) outside++
  }
  return outside / vertices
}

function boxOf(mesh: Float32Array): Box {
  const xs: number[] = []
  const ys: number[] = []
  for (let i = 0; i < mesh.length; i += 3) {
    xs.push(at(mesh, i))
    ys.push(at(mesh, i + 1))
  }
  const [x, y] = [Math.min(...xs), Math.min(...ys)]
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }
}
