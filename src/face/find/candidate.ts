import { at } from '../../geometry/array.js'
import { applySimilarity } from '../../geometry/similarity.js'
import type { Box, Similarity } from '../../geometry/types.js'
import type { Detection } from './decode.js'
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
export const GUESS_SCORE = 0.8
/** Texture that looks like a face stays below 0.97, faces, profiles among them, are above 0.99. */
const GUESS_MIN_PRESENCE = 0.98

/** Whether nothing else need be looked at to believe this. */
export function isSure({ score, landmarks }: Candidate): boolean {
  return score >= SURE_SCORE && landmarks.presence >= SURE_PRESENCE
}

/** Of the views turned by quarter turns one shows a face within 45 degrees of upright, and shows it best. */
const GUESS_MAX_ANGLE = Math.PI / 3

/** Turned photos are rare, and turned views show three times as much that could pass for a face. */
const TURNED_MIN_SCORE = 0.7

/** Whether the detector alone says too little. */
export function isGuess({ score }: Detection): boolean {
  return score < GUESS_SCORE
}

/** Whether the landmark network believes it, a guess of the detector beyond doubt. */
export function isFaceToLandmarks(candidate: Candidate): boolean {
  return candidate.landmarks.presence >= (isGuess(candidate) ? GUESS_MIN_PRESENCE : MIN_PRESENCE)
}

/** Whether it holds up as a face once it is known that nothing better lies at its place. */
export function isFace(candidate: Candidate): boolean {
  if (!isFaceToLandmarks(candidate)) return false
  if (!isGuess(candidate)) return true
  if (isTurned(candidate.view) && candidate.score < TURNED_MIN_SCORE) return false
  return Math.abs(angleInView(candidate)) <= GUESS_MAX_ANGLE
}

/** Whether a view shows the photo otherwise than it is. */
export function isTurned({ a, b }: Similarity): boolean {
  return b !== 0 || a < 0
}

/** What ranks several views of one face: the view in which it is upright wins. */
function trust({ score, landmarks }: Candidate): number {
  return score * landmarks.presence
}

/** One candidate for each place, the most trusted one. */
export function bestOfPlaces(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of [...candidates].sort((a, b) => trust(b) - trust(a))) {
    const share = isGuess(candidate) ? GUESS_OVERLAP : SAME_FACE
    if (kept.every((other) => overlap(other.box, candidate.box) < share)) kept.push(candidate)
  }
  return kept
}

/**
 * Of the smaller of two boxes, so much lies in the other where both are of one face: views of a turned face differ by a part of
 * its width, and parts of a face pass for smaller faces.
 */
const SAME_FACE = 0.5
/** A guess that reaches into a better face is made of its hair, ear or neck. */
const GUESS_OVERLAP = 0.15

/** Whether two boxes are of one face. */
export function samePlace(a: Box, b: Box): boolean {
  return overlap(a, b) >= SAME_FACE
}

/** Share of the smaller box that lies in the other. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) return 0
  return (width * height) / Math.min(a.width * a.height, b.width * b.height)
}

/** Angle of the eye line as the view shows it, radians, positive clockwise. */
export function angleInView({ landmarks: { mesh }, view }: Pick<Candidate, 'landmarks' | 'view'>): number {
  const [right, left] = EYE_LINE.map((v) => applySimilarity(view, at(mesh, 3 * v), at(mesh, 3 * v + 1))) as [
    [number, number],
    [number, number],
  ]
  return Math.atan2(left[1] - right[1], left[0] - right[0])
}
