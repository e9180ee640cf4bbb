import type { FaceFrame } from '../face/types.js'
import type { Rgba } from '../geometry/types.js'
import { COVERED_EYES, coveredEyes } from './covered-eyes.js'
import {
  COVERED_MOUTH,
  coveredMouth,
  DARKEST_SKIN_OF_MOUTHS,
  skinBrightness,
  WIDEST_TURN_OF_MOUTHS,
} from './covered-mouth.js'
import { eyeDistance } from './openings.js'
import { sideTurn } from './photo-head.js'

/** Below this distance of the outer eye corners, px, lips and lids have too few pixels to say what they look like, or to move. */
export const SMALLEST_EYE_DISTANCE = 24

type SeenFace = Pick<FaceFrame, 'image' | 'landmarks468'>

const CHECKS = {
  eyes: { figureOf: coveredEyesOf, limit: COVERED_EYES, isSeen: () => true },
  mouth: { figureOf: coveredMouth, limit: COVERED_MOUTH, isSeen: isMouthSeen },
} as const

/** Above a mask the cheeks are not the face's own colour. */
function coveredEyesOf(image: Rgba, landmarks: ArrayLike<number>): number {
  const figure = coveredEyes(image, landmarks)
  if (figure <= COVERED_EYES || coveredMouth(image, landmarks) <= COVERED_MOUTH) return figure
  return Math.min(figure, coveredEyes(image, landmarks, 'forehead'))
}

function isMouthSeen({ image, landmarks468 }: SeenFace): boolean {
  if (Math.abs(sideTurn(landmarks468)) > WIDEST_TURN_OF_MOUTHS) return false
  return skinBrightness(image, landmarks468) >= DARKEST_SKIN_OF_MOUTHS
}

/** A part of a face over which something may lie. */
export type CoveredPart = keyof typeof CHECKS

/** Something that seems to lie over a part of a face. */
export interface Cover {
  readonly part: CoveredPart
  /** The figure by which it is told, and below what free ones stay. */
  readonly told: string
}

/** What seems to lie over a face; nothing where it is too small or too dark, or turned too far, to say. */
export function coversOf(face: SeenFace): Cover[] {
  const { image, landmarks468 } = face
  if (eyeDistance(landmarks468) < SMALLEST_EYE_DISTANCE) return []
  return (Object.keys(CHECKS) as CoveredPart[]).flatMap((part) => {
    const { figureOf, limit, isSeen } = CHECKS[part]
    if (!isSeen(face)) return []
    const figure = figureOf(image, landmarks468)
    return figure > limit ? [{ part, told: `${figure.toFixed(2)}, of free ones below ${limit}` }] : []
  })
}
