import { INNER_LIP_GAPS } from '../face/register/openings.js'
import type { FlowResult } from '../face/types.js'
import { at } from '../geometry/array.js'
import { sampleMasked } from '../geometry/masked-sample.js'
import { applySimilarity, invertSimilarity } from '../geometry/similarity.js'
import { EYES, type Eye, LIPS } from './face-parts.js'
import { eyeDistance, eyeOpening } from './openings.js'

/** Differences between landmark and flow that are the landmark's noise, distances of the outer eye corners. */
const NOISE = 0.012
/** The same of an eye's opening, the mean of seven pairs of points, in widths of the eye. */
const OPENING_NOISE = 0.018
/** Least share of a bilinear sample that must lie on the face. */
const ON_FACE = 0.5

/**
 * Lids, irises and lips of B by two witnesses. The flow is precise where little moves, and does not see a lid close; landmarks see that, and tremble. So each
 * point is where the flow leads it, and where the landmark differs from that by more than noise, where the landmark is (non-negative garrote, Breiman 1995).
 * The eyes' openings are steadied once more as a whole: of a blink each point alone would keep a part for noise. The lips' gap stays the landmarks': lips that part by less
 * than noise show what is between them.
 * @returns 468x3 and 10x2, photo px of B, and the openings as of `eyeOpening`, the person's right eye first
 */
export function steadiedLandmarks({ a, b, flow, mask }: Pick<FlowResult, 'a' | 'b' | 'flow' | 'mask'>): {
  readonly landmarks: Float32Array
  readonly irises: Float32Array
  readonly eyeOpenings: readonly [number, number]
} {
  const [landmarks, irises] = [b.landmarks468.slice(), b.irises.slice()]
  const noise = NOISE * eyeDistance(b.landmarks468)
  const toPhoto = invertSimilarity(b.toTemplate)
  const motion = new Float64Array(3)
  const steady = (points: Float32Array, from: ArrayLike<number>, k: number): void => {
    const [x, y] = applySimilarity(a.toTemplate, at(from, k), at(from, k + 1))
    if (sampleMasked(flow, 3, mask, x, y, motion) < ON_FACE) return
    const [px, py] = applySimilarity(toPhoto, x + at(motion, 0), y + at(motion, 1))
    const [dx, dy] = [at(points, k) - px, at(points, k + 1) - py]
    const share = garrote(Math.hypot(dx, dy), noise)
    points[k] = px + share * dx
    points[k + 1] = py + share * dy
  }
  for (const v of [...EYES[0].rim, ...EYES[1].rim, ...LIPS]) steady(landmarks, a.landmarks468, 3 * v)
  for (const [upper, lower] of INNER_LIP_GAPS) setGap(landmarks, b.landmarks468, upper, lower)
  for (let i = 0; i < irises.length / 2; i++) steady(irises, a.irises, 2 * i)
  const opening = (eye: Eye): number => {
    const [steadied, seen] = [eyeOpening(landmarks, eye), eyeOpening(b.landmarks468, eye)]
    return steadied + garrote(seen - steadied, OPENING_NOISE) * (seen - steadied)
  }
  return { landmarks, irises, eyeOpenings: [opening(EYES[0]), opening(EYES[1])] }
}

/** Moves two points about their middle to as far and where from each other as they are in `like`, in the plane. */
function setGap(points: Float32Array, like: ArrayLike<number>, upper: number, lower: number): void {
  for (let k = 0; k < 2; k++) {
    const [i, j] = [3 * upper + k, 3 * lower + k]
    const middle = (at(points, i) + at(points, j)) / 2
    const half = (at(like, i) - at(like, j)) / 2
    points[i] = middle + half
    points[j] = middle - half
  }
}

function garrote(difference: number, noise: number): number {
  return difference * difference > noise * noise ? 1 - (noise / difference) ** 2 : 0
}
