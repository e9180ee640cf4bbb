import type { FaceFrame } from '../face/types.js'
import { COVERED_EYES, coveredEyes } from './covered-eyes.js'
import { COVERED_MOUTH, coveredMouth, WIDEST_TURN_OF_MOUTHS } from './covered-mouth.js'
import { eyeDistance } from './openings.js'
import { sideTurn } from './photo-head.js'

/** Below this distance of the outer eye corners, px, too little is seen of eyes and mouth to say what they look like. */
const SMALL = 24

const CHECKS = {
  eyes: { figureOf: coveredEyes, limit: COVERED_EYES, widestTurn: Number.POSITIVE_INFINITY },
  mouth: { figureOf: coveredMouth, limit: COVERED_MOUTH, widestTurn: WIDEST_TURN_OF_MOUTHS },
} as const

/** A part of a face over which something may lie. */
export type CoveredPart = keyof typeof CHECKS

/** Something that seems to lie over a part of a face. */
export interface Cover {
  readonly part: CoveredPart
  /** The figure by which it is told, and below what free ones stay. */
  readonly told: string
}

/** What seems to lie over a face; nothing where it is too small, or turned too far, to say. */
export function coversOf({ image, landmarks468 }: Pick<FaceFrame, 'image' | 'landmarks468'>): Cover[] {
  if (eyeDistance(landmarks468) < SMALL) return []
  const turn = Math.abs(sideTurn(landmarks468))
  return (Object.keys(CHECKS) as CoveredPart[]).flatMap((part) => {
    const { figureOf, limit, widestTurn } = CHECKS[part]
    if (turn > widestTurn) return []
    const figure = figureOf(image, landmarks468)
    return figure > limit ? [{ part, told: `${figure.toFixed(2)}, of free ones below ${limit}` }] : []
  })
}
