import type { FaceFrame } from '../face/types.js'
import type { Rgba } from '../geometry/types.js'
import { COVERABLE_PARTS, type CoveredPart } from './coverable-parts.js'
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

/** `free`: up to that nothing lies over it, as in all frames of six people who talk and blink (-0.28 and -0.16 at most). */
const CHECKS = {
  eyes: { figureOf: coveredEyesOf, limit: COVERED_EYES, free: -0.1, isSeen: () => true },
  mouth: { figureOf: coveredMouth, limit: COVERED_MOUTH, free: 0, isSeen: isMouthSeen },
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

/** Something that seems to lie over a part of a face. */
export interface Cover {
  readonly part: CoveredPart
  /** The figure by which it is told, and below what free ones stay; or that it was so before. */
  readonly told: string
}

/** By part how much it looks as if something lay over it; null where the face is too small or too dark, or turned too far, to say. */
export type CoverFigures = Readonly<Record<CoveredPart, number | null>>

export function coverFigures(face: SeenFace): CoverFigures {
  const { image, landmarks468 } = face
  const isLarge = eyeDistance(landmarks468) >= SMALLEST_EYE_DISTANCE
  const figure = (part: CoveredPart) => {
    const { figureOf, isSeen } = CHECKS[part]
    return isLarge && isSeen(face) ? figureOf(image, landmarks468) : null
  }
  return { eyes: figure('eyes'), mouth: figure('mouth') }
}

/** What seems to lie over a face; nothing where that cannot be said. */
export function coversOf(face: SeenFace): Cover[] {
  const figures = coverFigures(face)
  return COVERABLE_PARTS.flatMap((part) => {
    const figure = figures[part]
    return figure !== null && figure > CHECKS[part].limit ? [coverOf(part, figure)] : []
  })
}

/** @param figure one at the limit or below, or null: of a part that was covered before, and is not known to be free */
export function coverOf(part: CoveredPart, figure: number | null): Cover {
  const { limit } = CHECKS[part]
  if (figure === null || figure <= limit) return { part, told: 'as in the frames before' }
  return { part, told: `${figure.toFixed(2)}, of free ones below ${limit}` }
}

/** Where a figure stands. @returns `unsure`: between the free ones and the limit, or no figure at all */
export function verdictOn(part: CoveredPart, figure: number | null): 'covered' | 'unsure' | 'free' {
  const { limit, free } = CHECKS[part]
  if (figure === null) return 'unsure'
  if (figure > limit) return 'covered'
  return figure > free ? 'unsure' : 'free'
}
