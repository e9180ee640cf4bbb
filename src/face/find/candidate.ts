import { at } from '../../geometry/array.js'
import { applySimilarity } from '../../geometry/similarity.js'
import type { Box, Similarity } from '../../geometry/types.js'
import type { Detection } from './decode.js'
import { intersectionOverUnion } from './nms.js'
import type { PhotoLandmarks } from './photo-networks.js'
import { EYE_LINE } from './roi.js'

/** A detection, the view it was made in, and what the landmark network sees there. */
export interface Candidate extends Detection {
  /** Photo px -> detector px. */
  readonly view: Similarity
  readonly landmarks: PhotoLandmarks
}

/**
 * What both networks reach together only on faces that are nearly upright in their view. A face that lies or stands on
 * its head gets scores up to 0.89, or a presence of 1 - 1e-8: each network alone takes it for another, upright one.
 */
const SURE_SCORE = 0.88
const SURE_PRESENCE = 0.9999

/** Below this probability the landmark network says that its crop holds no face. */
export const MIN_PRESENCE = 0.5
/** Below this score the detector is guessing, and the landmark network must be sure. */
const GUESS_SCORE = 0.8
/** Texture that looks like a face stays below 0.97, faces, profiles among them, are above 0.99. */
const GUESS_MIN_PRESENCE = 0.98

/** Whether nothing else need be looked at to believe this. */
export function isSure({ score, landmarks }: Candidate): boolean {
  return score >= SURE_SCORE && landmarks.presence >= SURE_PRESENCE
}

/** Whether it holds up as a face once it is known that nothing better lies at its place. */
export function isFace({ score, landmarks }: Candidate): boolean {
  return landmarks.presence >= (score < GUESS_SCORE ? GUESS_MIN_PRESENCE : MIN_PRESENCE)
}

/** What ranks several views of one face: the view in which it is upright wins. */
function trust({ score, landmarks }: Candidate): number {
  return score * landmarks.presence
}

/** One candidate for each place, the most trusted one. */
export function bestOfPlaces(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of [...candidates].sort((a, b) => trust(b) - trust(a))) {
    if (kept.every((other) => !samePlace(other.box, candidate.box))) kept.push(candidate)
  }
  return kept
}

/** Whether two boxes are of one face: views of a turned face differ by a part of its width. */
export function samePlace(a: Box, b: Box): boolean {
  return intersectionOverUnion(a, b) >= 0.3 || holdsCentre(a, b) || holdsCentre(b, a)
}

/** Whether the middle of a box lies in the inner half of another; of one of less than half its side, in it at all:
 * parts of a face pass for small faces. */
function holdsCentre(outer: Box, { x, y, width, height }: Box): boolean {
  const [dx, dy] = [x + width / 2 - outer.x - outer.width / 2, y + height / 2 - outer.y - outer.height / 2]
  const share = width < outer.width / 2 ? 1 / 2 : 1 / 4
  return Math.abs(dx) < share * outer.width && Math.abs(dy) < share * outer.height
}

/** Angle of the eye line as the view shows it, radians, positive clockwise. */
export function angleInView({ landmarks: { mesh }, view }: Pick<Candidate, 'landmarks' | 'view'>): number {
  const [right, left] = EYE_LINE.map((v) => applySimilarity(view, at(mesh, 3 * v), at(mesh, 3 * v + 1))) as [
    [number, number],
    [number, number],
  ]
  return Math.atan2(left[1] - right[1], left[0] - right[0])
}
