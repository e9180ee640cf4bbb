import { at } from '../geometry/array.js'
import {
  type FlatSimilarity3,
  fitFlat,
  fromFlat,
  newFlat,
  squaredResiduals,
} from '../geometry/flat-similarity3.js'
import { medianInPlace } from '../geometry/median.js'
import { type EulerAngles, eulerAngles } from '../geometry/rotation.js'
import {
  composeSimilarity3,
  fitSimilarity3,
  invertSimilarity3,
  liftSimilarity,
} from '../geometry/similarity3.js'
import type { Similarity, Similarity3 } from '../geometry/types.js'

/** 3D similarity motion x' = scale * R x + t between two meshes. */
export interface RigidMotion {
  /** R, 3x3 row-major, determinant +1. */
  readonly rotation: readonly number[]
  /**
   * R = Rz(roll) Ry(yaw) Rx(pitch), degrees, right-handed in (x right, y down, z away). As seen in the
   * picture: positive roll turns clockwise, positive yaw turns the nose to the left edge, positive pitch
   * turns the nose down.
   */
  readonly angles: EulerAngles
  /** t, px of the frame the motion is expressed in. */
  readonly translation: readonly [number, number, number]
  readonly scale: number
  /** Share of mesh vertices in (0, 1] that follow the rigid motion (robust weight above one half). */
  readonly inliers: number
  /** Root mean square of the inliers' remaining motion, px of the same frame. */
  readonly residual: number
}

/** Residual floor of the robust scale, in px: below it noise would be told apart from noise. */
const SCALE_FLOOR = 0.15
const MAX_ITERATIONS = 30

/**
 * Rigid motion that most points follow, so that a mouth that opens does not turn the head. Least median of
 * squares first, which leaves a coherent minority behind where least squares would meet it half-way; then
 * iteratively reweighted least squares with the Geman-McClure weight, which uses every point that agrees.
 * The robust scale is 1.4826 times the median residual of the step before. Deterministic.
 * @param source Nx3
 * @param target Nx3
 * @throws FaceError INVALID_ARGUMENT as {@link fitSimilarity3}
 */
export function fitRigidRobust(source: ArrayLike<number>, target: ArrayLike<number>): RigidMotion {
  const n = source.length / 3
  // Refuses what cannot be fitted; float64 copies, since points are read some hundred times.
  const first = fitSimilarity3(source, target)
  const from = Float64Array.from(source)
  const to = Float64Array.from(target)
  const squares = new Float64Array(n)
  const sorted = new Float64Array(n)
  const weights = new Float64Array(n)
  const fit = leastMedianFit(first, from, to, squares, sorted)
  let previous = Number.POSITIVE_INFINITY
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    squaredResiduals(fit, from, to, squares)
    sorted.set(squares)
    const sigma = Math.max(SCALE_FLOOR, 1.4826 * medianInPlace(sorted, Math.sqrt))
    const c2 = (2 * sigma) ** 2
    for (let i = 0; i < n; i++) {
      const share = c2 / (c2 + at(squares, i))
      weights[i] = share * share
    }
    fitFlat(fit, from, to, n, weights)
    if (Math.abs(previous - sigma) < 1e-6 * sigma) break
    previous = sigma
  }
  squaredResiduals(fit, from, to, squares)
  let inliers = 0
  let sum = 0
  for (let i = 0; i < n; i++) {
    if (at(weights, i) <= 0.5) continue
    inliers++
    sum += at(squares, i)
  }
  const motion = fromFlat(fit)
  return {
    ...motion,
    angles: eulerAngles(motion.rotation),
    inliers: inliers / n,
    residual: inliers > 0 ? Math.sqrt(sum / inliers) : 0,
  }
}

const SAMPLE_POINTS = 5
const SAMPLES = 80

/**
 * Of the fits to all points and to small samples of them, the one with the smallest median residual
 * (Rousseeuw 1984). With two thirds of the points agreeing, 80 samples of five miss only once in 10^5.
 * @param first the fit to all points
 * @param squares working memory, as is `sorted`: a number for each point
 */
function leastMedianFit(
  first: Similarity3,
  source: Float64Array,
  target: Float64Array,
  squares: Float64Array,
  sorted: Float64Array,
): FlatSimilarity3 {
  const n = squares.length
  let best = newFlat()
  let fit = newFlat()
  best.set([...first.rotation, ...first.translation, first.scale])
  squaredResiduals(best, source, target, sorted)
  let bestScore = medianInPlace(sorted, Math.sqrt)
  // A fixed linear congruential sequence (Numerical Recipes): the same meshes always give the same motion.
  let state = 1
  const from = new Float64Array(3 * SAMPLE_POINTS)
  const to = new Float64Array(3 * SAMPLE_POINTS)
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (let k = 0; k < SAMPLE_POINTS; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      const i = Math.floor((state / 2 ** 32) * n)
      for (let axis = 0; axis < 3; axis++) {
        from[3 * k + axis] = at(source, 3 * i + axis)
        to[3 * k + axis] = at(target, 3 * i + axis)
      }
    }
    // A sample may draw one point five times, which fits nothing.
    if (coincide(from) || !fitFlat(fit, from, to, SAMPLE_POINTS)) continue
    // Most samples lose before half of the points are looked at. The factor keeps roundings out of it.
    if (!squaredResiduals(fit, source, target, sorted, bestScore ** 2 * (1 + 1e-12), n >> 1)) continue
    const score = medianInPlace(sorted, Math.sqrt)
    if (score >= bestScore) continue
    bestScore = score
    const beaten = best
    best = fit
    fit = beaten
  }
  return best
}

function coincide(points: Float64Array): boolean {
  for (let k = 3; k < points.length; k++) if (points[k] !== points[k % 3]) return false
  return true
}

/**
 * The motion between photos from the motion between their registered frames:
 * T2^-1 . rigid . T1, with both registrations lifted to space.
 * @param rigid template px
 * @param toTemplateA photo px of A -> template px
 * @param toTemplateB photo px of B -> template px
 * @returns motion from photo px of A to photo px of B; the residual is in photo px of B
 */
export function rigidInPhotos(
  rigid: RigidMotion,
  toTemplateA: Similarity,
  toTemplateB: Similarity,
): RigidMotion {
  const back = invertSimilarity3(liftSimilarity(toTemplateB))
  const motion = composeSimilarity3(back, composeSimilarity3(rigid, liftSimilarity(toTemplateA)))
  return {
    ...motion,
    angles: eulerAngles(motion.rotation),
    inliers: rigid.inliers,
    residual: rigid.residual * back.scale,
  }
}
