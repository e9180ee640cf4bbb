import { FaceError } from '../errors.js'
import { at } from './array.js'
import { multiply, rotate, rotationFromCovariance } from './rotation.js'
import type { Similarity } from './types.js'

/** Similarities of space: fit, compose, invert, apply. All arithmetic in float64. */

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
