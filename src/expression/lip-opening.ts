import { LIP_PAIRS } from '../animate/face-parts.js'
import { eyeDistance, upward } from '../animate/openings.js'
import { between, dot } from '../animate/points.js'
import { READ_COEFFICIENTS } from '../nets/coefficients.js'

/** Of LIP_PAIRS those about the middle, whose gap is that of the mouth. */
const MIDDLE_PAIRS = LIP_PAIRS.slice(3, 6)

/**
 * By how much the middle of the inner lips parts at each coefficient of 1, in distances of the outer eye corners: that of the model's
 * shapes, which are loaded for morph targets only. Those below 0.02 are left out.
 */
export const LIP_GAPS: Readonly<Partial<Record<(typeof READ_COEFFICIENTS)[number], number>>> = {
  jawForward: 0.021,
  jawOpen: 0.345,
  mouthClose: -0.409,
  mouthFunnel: 0.122,
  mouthLowerDownLeft: 0.033,
  mouthLowerDownRight: 0.033,
  mouthRollLower: -0.032,
  mouthRollUpper: 0.022,
  mouthShrugLower: -0.068,
  mouthShrugUpper: 0.051,
  mouthUpperUpLeft: 0.039,
  mouthUpperUpRight: 0.039,
  noseSneerLeft: 0.035,
  noseSneerRight: 0.035,
}
/** The same at rest. */
const REST_GAP = 0.009

/** The landmark network's gap of rendered heads over the true one: a line through 280 photos (training/README.md). */
const SEEN = { least: 0.023, slope: 0.922 } as const

/** Share of the gap that jawOpen takes. */
const SHARE = 0.4

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
  const told = READ_COEFFICIENTS.reduce(
    (sum, name, i) => sum + (LIP_GAPS[name] ?? 0) * (coefficients[i] as number),
    REST_GAP,
  )
  const jaw = READ_COEFFICIENTS.indexOf('jawOpen')
  const moved = (coefficients[jaw] as number) + (SHARE * (seen - told)) / (LIP_GAPS.jawOpen as number)
  const out = coefficients.slice()
  out[jaw] = Math.min(1, Math.max(0, moved))
  return out
}
