import { CHIN, EYE_CORNERS, EYES, type Eye, FOREHEAD, LID_FOLDS, LIP_PAIRS, MOUTH } from './face-parts.js'
import { between, distance, dot, movePoint, pointAt, subtract, type Vector } from './points.js'

/** How far mouth and eyes are open, as shares of their own widths, and meshes with given openings. Meshes are 468x3. */

/** The head's upward direction, of length 1. */
export function upward(mesh: ArrayLike<number>): Vector {
  const up = between(mesh, CHIN, FOREHEAD)
  const length = Math.hypot(...up)
  return [up[0] / length, up[1] / length, up[2] / length]
}

/** Distance between the outer corners of the eyes: the unit of motion. */
export function eyeDistance(mesh: ArrayLike<number>): number {
  return distance(mesh, ...EYE_CORNERS)
}

export function mouthWidth(mesh: ArrayLike<number>): number {
  return distance(mesh, ...MOUTH.corners)
}

/** Between the middles of the inner lips, in widths of the mouth; below 0 where they cross. */
export function mouthOpening(mesh: ArrayLike<number>): number {
  return dot(between(mesh, MOUTH.lower, MOUTH.upper), upward(mesh)) / mouthWidth(mesh)
}

/** Mean distance of the lids that meet, in widths of the eye. */
export function eyeOpening(mesh: ArrayLike<number>, { pairs, corners }: Eye): number {
  const up = upward(mesh)
  let sum = 0
  for (const [upper, lower] of pairs) sum += dot(between(mesh, lower, upper), up)
  return sum / pairs.length / distance(mesh, ...corners)
}

/** The attention network never sees an eye wholly shut: of a shut one it says so much of what it says of the same eye open. */
const SHUT_SHARE = 0.2
/** Beyond the openings of the photo, skin would be torn open. */
const WIDEST = 1.3
/**
 * A change of less than this, widths of the eye, neither shuts nor opens an eye: an eye that is nearly shut in the reference would else
 * blink with the noise of its landmarks. Of a shut eye the network says some 0.06.
 */
const LEAST_RANGE = 0.05

/**
 * What an eye's opening means, measured against the same eye when it is open.
 * @param now of {@link eyeOpening}
 * @param open of the same eye in the reference
 * @returns 0 shut, 1 as open as in the reference, more where it is wider
 */
export function lidPosition(now: number, open: number): number {
  if (now > open) return Math.min(WIDEST, 1 + (now - open) / Math.max(open, LEAST_RANGE))
  const shut = Math.min(SHUT_SHARE * open, open - LEAST_RANGE)
  return Math.max(0, (now - shut) / (open - shut))
}

/** Of the way to each other the upper lid goes so much, the lower one the rest. */
const UPPER_LID = 0.85

/** Of the lashes between where the upper lid is cut out and where it ends, this share lies on the lower lid in a shut eye; the rest below its cut. */
export const LASHES_SHOWN = 0.7

/** A face's mesh with the rims of its eyes as they are cut out, and with them on the lids; 468x3 each. */
export interface LidRims {
  readonly mesh: ArrayLike<number>
  readonly landmarks: ArrayLike<number>
}

/** Lids keep the shape that the expression gives them along the eye wholly from the first of these positions on, and not at all below the other. */
const SHAPED = { wholly: 0.8, not: 0.4 } as const

/**
 * Moves the lids of an eye to a share of the opening that they have in the photo, in the mean of its pairs; how that differs along the eye is the expression's,
 * less and less as they shut. At 0 they meet in every pair, but for the lashes: the lower rim lies under those of the upper lid.
 * @param mesh 468x3 with the expression so far; changed
 * @param photo the photo's own in the same frame
 * @param position of {@link lidPosition}
 */
export function setLids(mesh: Float64Array, photo: LidRims, { pairs, corners }: Eye, position: number): void {
  const shown = LASHES_SHOWN * shutShare(position)
  const up = upward(photo.mesh)
  const opening = (of: ArrayLike<number>) => {
    const sum = pairs.reduce((all, [upper, lower]) => all + dot(between(of, lower, upper), up), 0)
    return sum / pairs.length / distance(photo.mesh, ...corners)
  }
  const open = opening(photo.mesh)
  const meant = opening(mesh) / Math.max(open, LEAST_RANGE)
  const wide = (position - SHAPED.not) / (SHAPED.wholly - SHAPED.not)
  // Lids of eyes that are all but shut in the photo have no shape to compare with.
  const shaped = open > LEAST_RANGE ? Math.max(0, Math.min(1, wide)) : 0
  for (const [upper, lower] of pairs) {
    const apart = between(mesh, lower, upper)
    const own = between(photo.mesh, lower, upper)
    const lashes = subtract(pointAt(photo.mesh, upper), pointAt(photo.landmarks, upper))
    const excess = apart.map((value, axis) => {
      const shape = shaped * (value - meant * (own[axis] as number))
      return value - position * (own[axis] as number) - shape - shown * (lashes[axis] as number)
    }) as Vector
    movePoint(mesh, upper, excess, -UPPER_LID)
    movePoint(mesh, lower, excess, 1 - UPPER_LID)
  }
}

/** How much skin beside the fold, and beyond it, goes along with a lid that shuts: all of it is drawn out a little in place of a strip that is drawn out far. */
const GOING_ALONG = [0.75, 0.45] as const

/** {@link setLids}, and the skin above the lids goes along, the more, the further they are shut. Parameters as there. */
export function moveLids(mesh: Float64Array, photo: LidRims, eye: Eye, position: number): void {
  const before = eye.pairs.map(([upper]) => pointAt(mesh, upper))
  setLids(mesh, photo, eye, position)
  eye.pairs.forEach(([upper], i) => {
    const step = subtract(pointAt(mesh, upper), before[i] as Vector)
    LID_FOLDS.get(upper)?.forEach((v, ring) => {
      movePoint(mesh, v, step, (GOING_ALONG[ring] as number) * shutShare(position))
    })
  })
}

/** How far an eye is shut, 0 to 1. @param position of {@link lidPosition} */
export function shutShare(position: number): number {
  return Math.max(0, 1 - position)
}

/** Of how far lips part their landmarks see so much: 0.82 to 0.97 of what MediaPipe's newer landmarker sees in three drivers (`training/EXPERIMENTS.md`). */
const PARTING_SEEN = 0.9

/** Lets lips part as far as they did, not as far as landmarks see it. @param mesh 468x3 with the expression; changed @param photo the same without it */
export function partAsFar(mesh: Float64Array, photo: ArrayLike<number>): void {
  for (const [upper, lower] of LIP_PAIRS) {
    const seen = subtract(between(mesh, lower, upper), between(photo, lower, upper))
    movePoint(mesh, upper, seen, (1 / PARTING_SEEN - 1) / 2)
    movePoint(mesh, lower, seen, -(1 / PARTING_SEEN - 1) / 2)
  }
}

/** Moves lips that have passed through each other apart, until they touch. @param mesh changed */
export function partLips(mesh: Float64Array): void {
  const up = upward(mesh)
  for (const [upper, lower] of LIP_PAIRS) {
    const gap = dot(between(mesh, lower, upper), up)
    if (gap >= 0) continue
    movePoint(mesh, upper, up, -gap / 2)
    movePoint(mesh, lower, up, gap / 2)
  }
}

/** Of both eyes, the person's right one first. */
export function eyeOpenings(mesh: ArrayLike<number>): [number, number] {
  return [eyeOpening(mesh, EYES[0]), eyeOpening(mesh, EYES[1])]
}
