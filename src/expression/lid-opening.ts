import { EYES, type Eye } from '../animate/face-parts.js'
import { eyeOpening, lidPosition, shutShare } from '../animate/openings.js'
import { READ_COEFFICIENTS } from '../nets/coefficients.js'

/** Opening of a grown person's eye at rest, in its own widths: the mean of 14 rendered persons and within a fifth of those of six clips of real talkers. */
const OPEN = 0.21
/** Share of what the lids deny that a blink half way gives up. */
const SHARE = 0.7

/** In the order of EYES. */
const BLINKS = ['eyeBlinkRight', 'eyeBlinkLeft'] as const

/**
 * Coefficients whose half blinks are no more shut than the lids. On real skin the coefficient network reads lids that come down a little as half shut and
 * half shut ones as shut; the landmark network sees real lids well, but rendered ones, which the former knows, hardly shut. So a sure blink stays, an unsure one
 * is lowered towards what the lids show, and none is raised: eyes that are narrow by nature would blink for ever.
 * @param coefficients 51, in the order of READ_COEFFICIENTS
 * @param landmarks 468x3, photo px
 */
export function withLidOpenings(coefficients: Float32Array, landmarks: ArrayLike<number>): Float32Array {
  const out = coefficients.slice()
  for (const [k, name] of BLINKS.entries()) {
    const at = READ_COEFFICIENTS.indexOf(name)
    const blink = coefficients[at] as number
    const shut = shutShare(lidPosition(eyeOpening(landmarks, EYES[k] as Eye), OPEN))
    out[at] = blink - SHARE * (1 - blink * blink) * Math.max(0, blink - shut)
  }
  return out
}
