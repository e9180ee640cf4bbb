import { FaceError } from '../errors.js'
import { fitFlat, fromFlat, newFlat } from './flat-similarity3.js'
import { multiply, rotate, transposed } from './rotation.js'
import type { Similarity, Similarity3 } from './types.js'

/** Similarities of space: fit, compose, invert, apply. All arithmetic in float64. */

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
  const fit = newFlat()
  if (!fitFlat(fit, source, target, n, weights)) {
    throw new FaceError('INVALID_ARGUMENT', 'fitSimilarity3: the source points coincide or have no weight')
  }
  return fromFlat(fit)
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
  const rotation = transposed(s.rotation)
  const scale = 1 / s.scale
  const [x, y, z] = rotate(rotation, ...s.translation)
  return { rotation, scale, translation: [-scale * x, -scale * y, -scale * z] }
}

/** A point moved by a similarity: scale * rotation * (x, y, z) + translation, in the units of the translation. */
export function applySimilarity3(s: Similarity3, x: number, y: number, z: number): [number, number, number] {
  const [u, v, w] = rotate(s.rotation, x, y, z)
  const [tx, ty, tz] = s.translation
  return [s.scale * u + tx, s.scale * v + ty, s.scale * w + tz]
}
