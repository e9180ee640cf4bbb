import { FaceError } from '../errors.js'
import { at } from './array.js'
import type { Similarity } from './types.js'

/** Plane similarities: fit, compose, invert, apply. All arithmetic in float64. */

/**
 * Least-squares similarity without reflection from `source` to `target` (Umeyama 1991). In the plane the
 * optimum is linear in (a, b), so no SVD is needed and a reflection cannot come out.
 * @param source Nx2 points
 * @param target Nx2 points
 * @param weights N non-negative weights; all 1 when absent
 * @throws FaceError INVALID_ARGUMENT when lengths differ or all source points coincide
 */
export function fitSimilarity(
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  weights?: ArrayLike<number>,
): Similarity {
  const n = source.length / 2
  if (source.length !== target.length || !Number.isInteger(n) || (weights && weights.length !== n)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `fitSimilarity: ${source.length} source and ${target.length} target numbers; needs Nx2 of both`,
    )
  }
  let sum = 0
  let sx = 0
  let sy = 0
  let ux = 0
  let uy = 0
  for (let i = 0; i < n; i++) {
    const w = weights ? at(weights, i) : 1
    sum += w
    sx += w * at(source, 2 * i)
    sy += w * at(source, 2 * i + 1)
    ux += w * at(target, 2 * i)
    uy += w * at(target, 2 * i + 1)
  }
  sx /= sum
  sy /= sum
  ux /= sum
  uy /= sum
  let dot = 0
  let cross = 0
  let norm = 0
  for (let i = 0; i < n; i++) {
    const w = weights ? at(weights, i) : 1
    const x = at(source, 2 * i) - sx
    const y = at(source, 2 * i + 1) - sy
    const u = at(target, 2 * i) - ux
    const v = at(target, 2 * i + 1) - uy
    dot += w * (x * u + y * v)
    cross += w * (x * v - y * u)
    norm += w * (x * x + y * y)
  }
  if (!(norm > 0)) {
    throw new FaceError('INVALID_ARGUMENT', 'fitSimilarity: the source points coincide or have no weight')
  }
  const a = dot / norm
  const b = cross / norm
  if (![a, b, ux, uy].every(Number.isFinite)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'fitSimilarity: some of the points are not finite; leave them out',
    )
  }
  return { a, b, tx: ux - a * sx + b * sy, ty: uy - b * sx - a * sy }
}

/** The similarity that applies `first`, then `second`. */
export function composeSimilarity(second: Similarity, first: Similarity): Similarity {
  const { a, b, tx, ty } = second
  return {
    a: a * first.a - b * first.b,
    b: b * first.a + a * first.b,
    tx: a * first.tx - b * first.ty + tx,
    ty: b * first.tx + a * first.ty + ty,
  }
}

/** @throws FaceError INVALID_ARGUMENT for a similarity of scale zero, or with a number that is not finite */
export function invertSimilarity({ a, b, tx, ty }: Similarity): Similarity {
  const norm = a * a + b * b
  if (!(norm > 0 && norm < Number.POSITIVE_INFINITY && Number.isFinite(tx) && Number.isFinite(ty)))
    throw new FaceError('INVALID_ARGUMENT', 'invertSimilarity: the scale is zero, or a number is not finite')
  const ia = a / norm
  const ib = -b / norm
  return { a: ia, b: ib, tx: -(ia * tx - ib * ty), ty: -(ib * tx + ia * ty) }
}

export function similarityScale({ a, b }: Similarity): number {
  return Math.hypot(a, b)
}

/** The point (x, y) moved by a similarity, both in px of its frames. */
export function applySimilarity(s: Similarity, x: number, y: number): [number, number] {
  return [s.a * x - s.b * y + s.tx, s.b * x + s.a * y + s.ty]
}

/**
 * Moves packed points, px.
 * @param points Nx`stride`; the first two of each are x, y; with stride 3 the third, z, is scaled along
 */
export function applySimilarityToPoints(
  s: Similarity,
  points: ArrayLike<number>,
  stride: 2 | 3,
): Float32Array {
  const out = new Float32Array(points.length)
  const scale = similarityScale(s)
  for (let i = 0; i + stride <= points.length; i += stride) {
    const [x, y] = applySimilarity(s, at(points, i), at(points, i + 1))
    out[i] = x
    out[i + 1] = y
    if (stride === 3) out[i + 2] = scale * at(points, i + 2)
  }
  return out
}

/** Mean distance between `target` and the moved `source`, both Nx2. */
export function similarityResidual(
  s: Similarity,
  source: ArrayLike<number>,
  target: ArrayLike<number>,
): number {
  const n = source.length / 2
  let sum = 0
  for (let i = 0; i < n; i++) {
    const [x, y] = applySimilarity(s, at(source, 2 * i), at(source, 2 * i + 1))
    sum += Math.hypot(x - at(target, 2 * i), y - at(target, 2 * i + 1))
  }
  return sum / n
}
