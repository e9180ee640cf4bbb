import { FaceError } from '../errors.js'
import type { FaceFrame } from '../face/types.js'
import type { CoveredPart } from './coverable-parts.js'
import { coversOf, SMALLEST_EYE_DISTANCE } from './covered-parts.js'
import { eyeDistance } from './openings.js'
import { sideTurn } from './photo-head.js'
import { LARGEST_POWER } from './tones.js'

type PartWords = Readonly<Record<CoveredPart, string>>

/** Beyond this turn to the side, degrees, one side of the face is not in the photo. */
const LARGEST_SIDE_TURN = 40

/** What lies over a part of a face most often. */
const EXAMPLES: PartWords = { eyes: 'sunglasses', mouth: 'a hand or a mask' }
/** What becomes of it in a photo that moves. */
const MOVED: PartWords = {
  eyes: 'lids and gaze do not move on it as they should',
  mouth: 'it moves with the lips, and is drawn long where they part',
}
/** What a driver's frames tell of it. */
const GUESSED: PartWords = { eyes: 'lids and gaze are guesses', mouth: 'lips are guesses' }

/**
 * What of a photo's face will show in its animation.
 * @returns warnings, one sentence each
 * @throws FaceError INVALID_INPUT for a face that is seen from the side
 */
export function checkPhoto(face: FaceFrame, name: string): string[] {
  const { landmarks468 } = face
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
  if (eyes < SMALLEST_EYE_DISTANCE) {
    warnings.push(
      `${name}: the outer corners of the eyes are ${eyes.toFixed(0)} px apart, ${SMALLEST_EYE_DISTANCE} and more are needed for lips and lids ` +
        'that move cleanly; use a larger photo.',
    )
  }
  for (const { part, told } of coversOf(face)) {
    warnings.push(
      `${name}: something seems to cover the ${part}, ${EXAMPLES[part]} perhaps (${told}); ${MOVED[part]}; ` +
        `give a photo with the ${part} free.`,
    )
  }
  return warnings
}

/**
 * What of a driver's reference will be seen wrongly in all frames.
 * @returns warnings, one sentence each
 */
export function checkReference(face: FaceFrame, name: string): string[] {
  return coversOf(face).map(
    ({ part, told }) =>
      `${name}: something seems to cover the driver's ${part}, ${EXAMPLES[part]} perhaps (${told}); ${GUESSED[part]}; leave out ` +
      `the part ${part}, or give a driver with the ${part} free.`,
  )
}

/**
 * Whether a further photo's contrast can be made the photo's.
 * @param power of `powerOf`
 * @returns warnings, one sentence each
 */
export function checkContrast(power: number, name: string, photo: string): string[] {
  if (Math.max(power, 1 / power) <= LARGEST_POWER) return []
  return [
    `${name}: its contrast is ${power.toFixed(2)} times that of ${photo} (power of the levels on the face, matched from ` +
      `${(1 / LARGEST_POWER).toFixed(2)} to ${LARGEST_POWER.toFixed(2)}), and will be seen where it comes in; give a photo in much the same light, not edited.`,
  ]
}
