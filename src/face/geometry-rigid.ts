import { FaceError } from '../errors.js'
import { at } from './array.js'
import { eulerAngles, multiply, rotate, rotationFromCovariance } from './geometry-rotation.js'
import type { RigidMotion, Similarity } from './types.js'

/** Similarities of space: fit (plain and robust), compose, invert, apply. All arithmetic in float64. */

/** x' = scale * R x + t; R is 3x3 row-major with determinant +1. */
export interface Similarity3 {
  readonly rotation: readonly number[]
  readonly scale: number
  readonly translation: readonly [number, number, number]
}

/**
 * Least-squares similarity from `source` to `target` (Umeyama's problem solved with Horn's unit
 * quaternions, which cannot return a reflection).
 * @param source Nx3 points
 * @param target Nx3 points
 * @param weights N non-negative weights; all 1 when absent
 * @throws FaceError INVALID_ARGUMENT when lengths differ or all source points coincide
 */
export function fitSimilarity3(
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  weights?: ArrayLike<number>,
): Similarity3 {
  const n = source.length / 3
  if (source.length !== target.length || !Number.isInteger(n) || (weights && weights.length !== n)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `fitSimilarity3: ${source.length} source and ${target.length} target numbers; needs Nx3 of both`,
    )
  }
  const ms = centroid(source, weights)
  const mt = centroid(target, weights)
  // Weighted covariance, row = source axis, column = target axis.
  const m = new Float64Array(9)
  let norm = 0
  for (let i = 0; i < n; i++) {
    const w = weights ? at(weights, i) : 1
    for (let r = 0; r < 3; r++) {
      const s = at(source, 3 * i + r) - at(ms, r)
      norm += w * s * s
      for (let c = 0; c < 3; c++)
        m[3 * r + c] = at(m, 3 * r + c) + w * s * (at(target, 3 * i + c) - at(mt, c))
    }
  }
  if (!(norm > 0)) {
    throw new FaceError('INVALID_ARGUMENT', 'fitSimilarity3: the source points coincide or have no weight')
  }
  const rotation = rotationFromCovariance(m)
  // scale = sum w (R s) . t / sum w |s|^2, and sum w (R s) . t = sum_rc R[c][r] M[r][c].
  let dot = 0
  for (let r = 0; r < 3; r++) for (let c = 0; c < 3; c++) dot += at(rotation, 3 * c + r) * at(m, 3 * r + c)
  const scale = dot / norm
  const moved = rotate(rotation, at(ms, 0), at(ms, 1), at(ms, 2))
  return {
    rotation,
    scale,
    translation: [at(mt, 0) - scale * moved[0], at(mt, 1) - scale * moved[1], at(mt, 2) - scale * moved[2]],
  }
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
  const weights = new Float64Array(n).fill(1)
  const residuals = new Float64Array(n)
  let fit = leastMedianFit(source, target)
  let previous = Number.POSITIVE_INFINITY
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    for (let i = 0; i < n; i++) residuals[i] = pointResidual(fit, source, target, i)
    const sigma = Math.max(SCALE_FLOOR, 1.4826 * median(residuals))
    const c2 = (2 * sigma) ** 2
    for (let i = 0; i < n; i++) weights[i] = (c2 / (c2 + at(residuals, i) ** 2)) ** 2
    fit = fitSimilarity3(source, target, weights)
    if (Math.abs(previous - sigma) < 1e-6 * sigma) break
    previous = sigma
  }
  let inliers = 0
  let squares = 0
  for (let i = 0; i < n; i++) {
    if (at(weights, i) <= 0.5) continue
    inliers++
    squares += pointResidual(fit, source, target, i) ** 2
  }
  return {
    ...fit,
    angles: eulerAngles(fit.rotation),
    inliers: inliers / n,
    residual: inliers > 0 ? Math.sqrt(squares / inliers) : 0,
  }
}

const SAMPLE_POINTS = 5
const SAMPLES = 80

/**
 * Of the fits to all points and to small samples of them, the one with the smallest median residual
 * (Rousseeuw 1984). With two thirds of the points agreeing, 80 samples of five miss only once in 10^5.
 */
function leastMedianFit(source: ArrayLike<number>, target: ArrayLike<number>): Similarity3 {
  const n = source.length / 3
  const residuals = new Float64Array(n)
  const score = (fit: Similarity3) => {
    for (let i = 0; i < n; i++) residuals[i] = pointResidual(fit, source, target, i)
    return median(residuals)
  }
  let best = fitSimilarity3(source, target)
  let bestScore = score(best)
  // A fixed linear congruential sequence (Numerical Recipes): the same meshes always give the same motion.
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from: number[] = []
    const to: number[] = []
    for (let k = 0; k < SAMPLE_POINTS; k++) {
      const i = Math.floor(random() * n)
      for (let axis = 0; axis < 3; axis++) {
        from.push(at(source, 3 * i + axis))
        to.push(at(target, 3 * i + axis))
      }
    }
    // A sample may draw one point five times, which fits nothing.
    if (from.every((v, k) => v === from[k % 3])) continue
    const fit = fitSimilarity3(from, to)
    const fitScore = score(fit)
    if (fitScore < bestScore) [best, bestScore] = [fit, fitScore]
  }
  return best
}

/** The plane similarity as one of space: turns about the viewing axis and scales z along. */
export function liftSimilarity(s: Similarity): Similarity3 {
  const scale = Math.hypot(s.a, s.b)
  const c = s.a / scale
  const d = s.b / scale
  return { rotation: [c, -d, 0, d, c, 0, 0, 0, 1], scale, translation: [s.tx, s.ty, 0] }
}

/** The similarity that applies `first`, then `second`. */
export function composeSimilarity3(second: Similarity3, first: Similarity3): Similarity3 {
  return {
    rotation: multiply(second.rotation, first.rotation),
    scale: second.scale * first.scale,
    translation: applySimilarity3(second, ...first.translation),
  }
}

export function invertSimilarity3(s: Similarity3): Similarity3 {
  const r = s.rotation
  const rotation = [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => at(r, i))
  const scale = 1 / s.scale
  const [x, y, z] = rotate(rotation, ...s.translation)
  return { rotation, scale, translation: [-scale * x, -scale * y, -scale * z] }
}

export function applySimilarity3(s: Similarity3, x: number, y: number, z: number): [number, number, number] {
  const [u, v, w] = rotate(s.rotation, x, y, z)
  const [tx, ty, tz] = s.translation
  return [s.scale * u + tx, s.scale * v + ty, s.scale * w + tz]
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

function pointResidual(
  s: Similarity3,
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  i: number,
): number {
  const [x, y, z] = applySimilarity3(s, at(source, 3 * i), at(source, 3 * i + 1), at(source, 3 * i + 2))
  return Math.hypot(x - at(target, 3 * i), y - at(target, 3 * i + 1), z - at(target, 3 * i + 2))
}

function centroid(points: ArrayLike<number>, weights?: ArrayLike<number>): Float64Array {
  const out = new Float64Array(3)
  let sum = 0
  for (let i = 0; i < points.length / 3; i++) {
    const w = weights ? at(weights, i) : 1
    sum += w
    for (let axis = 0; axis < 3; axis++) out[axis] = at(out, axis) + w * at(points, 3 * i + axis)
  }
  return out.map((v) => v / sum)
}

function median(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2
}
