import { LIP_PAIRS } from '../animate/face-parts.js'
import { eyeDistance, upward } from '../animate/openings.js'
import { between, dot } from '../animate/points.js'
import { READ_COEFFICIENTS } from '../nets/coefficients.js'

/** Of LIP_PAIRS those about the middle, whose gap is that of the mouth. */
const MIDDLE_PAIRS = LIP_PAIRS.slice(3, 6)

/**
 * By how much the middle of the inner lips parts at 1 of what parts and holds them most, in distances of the outer eye corners: that of the
 * model's shapes, which are loaded for morph targets only. Others part them by a tenth of it or are read less surely than the gap is.
 */
export const LIP_GAPS = { jawOpen: 0.345, mouthClose: -0.409 } as const
/** The same at rest. */
const REST_GAP = 0.009

/** The landmark network's gap of rendered heads over the true one: a line through 280 photos (training/README.md). */
const SEEN = { least: 0.023, slope: 0.922 } as const

/** Share of the gap that jawOpen takes. */
const SHARE = 0.5

/** Between the inner lips, in distances of the outer eye corners. @param mesh 468x3 */
export function lipGap(mesh: ArrayLike<number>): number {
  const up = upward(mesh)
  const gaps = MIDDLE_PAIRS.map(([upper, lower]) => dot(between(mesh, lower, upper), up))
  return gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length / eyeDistance(mesh)
}

/**
 * Coefficients whose jaw opens with the lips. The landmark network sees the gap between real lips better than the coefficient network, whose
 * lips are rendered: where lips part by more, or less, than the coefficients say, the jaw is the likeliest to have been misread, since
 * nothing else parts them as far.
 * @param coefficients 51, in the order of READ_COEFFICIENTS
 * @param landmarks 468x3, photo px
 */
export function withLipGap(coefficients: Float32Array, landmarks: ArrayLike<number>): Float32Array {
  const seen = (lipGap(landmarks) - SEEN.least) / SEEN.slope
  const at = (name: keyof typeof LIP_GAPS) => coefficients[READ_COEFFICIENTS.indexOf(name)] as number
  const told = REST_GAP + LIP_GAPS.jawOpen * at('jawOpen') + LIP_GAPS.mouthClose * at('mouthClose')
  const jaw = READ_COEFFICIENTS.indexOf('jawOpen')
  const moved = at('jawOpen') + (SHARE * (seen - told)) / LIP_GAPS.jawOpen
  const out = coefficients.slice()
  out[jaw] = Math.min(1, Math.max(0, moved))
  return out
}
