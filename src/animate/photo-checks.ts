import { FaceError } from '../errors.js'
import type { FaceFrame } from '../face/types.js'
import { eyeDistance } from './openings.js'
import { sideTurn } from './photo-head.js'

/** Beyond this turn to the side, degrees, one side of the face is not in the photo. */
const LARGEST_SIDE_TURN = 40
/** Below this distance of the outer eye corners, px, lips and lids have too few pixels to move. */
const SMALL = 24

/**
 * What of a photo's face will show in its animation.
 * @returns warnings, one sentence each
 * @throws FaceError INVALID_INPUT for a face that is seen from the side
 */
export function checkPhoto({ landmarks468 }: FaceFrame, name: string): string[] {
  const turn = sideTurn(landmarks468)
  if (Math.abs(turn) > LARGEST_SIDE_TURN) {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: the face is turned to the side by ${Math.abs(turn).toFixed(0)} degrees, at most ${LARGEST_SIDE_TURN} can be ` +
        'animated, because the far side is not in the photo; give a photo from the front',
      { photo: name, turn, limit: LARGEST_SIDE_TURN },
    )
  }
  const warnings: string[] = []
  const eyes = eyeDistance(landmarks468)
  if (eyes < SMALL) {
    warnings.push(
      `${name}: the outer corners of the eyes are ${eyes.toFixed(0)} px apart, ${SMALL} and more are needed for lips and lids ` +
        'that move cleanly; use a larger photo.',
    )
  }
  return warnings
}
