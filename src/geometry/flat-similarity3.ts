import { at } from './array.js'
import { rotationFromCovariance } from './rotation.js'
import type { Similarity3 } from './types.js'

/*
 * Similarities of space as 13 numbers, for loops over many points and many fits, where objects would cost more than the
 * arithmetic: R (3x3 row-major), t, scale.
 */

export type FlatSimilarity3 = Float64Array

export function newFlat(): FlatSimilarity3 {
  return new Float64Array(13)
}

export function fromFlat(s: FlatSimilarity3): Similarity3 {
  return {
    rotation: Array.from(s.subarray(0, 9)),
    scale: at(s, 12),
    translation: [at(s, 9), at(s, 10), at(s, 11)],
  }
}

/**
 * `fitSimilarity3` of the first `n` points.
 * @param out receives the similarity
 * @returns false, and `out` as it was, where the source points coincide or have no weight
 */
export function fitFlat(
  out: FlatSimilarity3,
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  n: number,
  weights?: ArrayLike<number>,
): boolean {
  let total = 0
  let [ax, ay, az] = [0, 0, 0]
  let [bx, by, bz] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const w = weights ? at(weights, i) : 1
    total += w
    ax += w * at(source, 3 * i)
    ay += w * at(source, 3 * i + 1)
    az += w * at(source, 3 * i + 2)
    bx += w * at(target, 3 * i)
    by += w * at(target, 3 * i + 1)
    bz += w * at(target, 3 * i + 2)
  }
  ax /= total
  ay /= total
  az /= total
  bx /= total
  by /= total
  bz /= total
  // Weighted covariance, row = source axis, column = target axis.
  let [xx, xy, xz] = [0, 0, 0]
  let [yx, yy, yz] = [0, 0, 0]
  let [zx, zy, zz] = [0, 0, 0]
  let norm = 0
  for (let i = 0; i < n; i++) {
    const w = weights ? at(weights, i) : 1
    const x = at(source, 3 * i) - ax
    const y = at(source, 3 * i + 1) - ay
    const z = at(source, 3 * i + 2) - az
    const [wx, wy, wz] = [w * x, w * y, w * z]
    norm += wx * x + wy * y + wz * z
    const u = at(target, 3 * i) - bx
    const v = at(target, 3 * i + 1) - by
    const r = at(target, 3 * i + 2) - bz
    xx += wx * u
    xy += wx * v
    xz += wx * r
    yx += wy * u
    yy += wy * v
    yz += wy * r
    zx += wz * u
    zy += wz * v
    zz += wz * r
  }
  if (!(norm > 0)) return false
  const m = COVARIANCE
  m[0] = xx
  m[1] = xy
  m[2] = xz
  m[3] = yx
  m[4] = yy
  m[5] = yz
  m[6] = zx
  m[7] = zy
  m[8] = zz
  rotationFromCovariance(m, out)
  // scale = sum w (R s) . t / sum w |s|^2, and sum w (R s) . t = sum_rc R[c][r] M[r][c].
  let dot = 0
  for (let r = 0; r < 3; r++) for (let c = 0; c < 3; c++) dot += at(out, 3 * c + r) * at(m, 3 * r + c)
  const scale = dot / norm
  for (let r = 0; r < 3; r++) {
    const moved = at(out, 3 * r) * ax + at(out, 3 * r + 1) * ay + at(out, 3 * r + 2) * az
    out[9 + r] = (r === 0 ? bx : r === 1 ? by : bz) - scale * moved
  }
  out[12] = scale
  return true
}

/** Working memory: each fit is done before the next begins. */
const COVARIANCE = new Float64Array(9)

/**
 * Squared distances of the moved source points from the target points.
 * @param out receives as many as it is long
 * @param limit after `mostAbove` values above it the rest is left out
 * @returns false where it stopped early
 */
export function squaredResiduals(
  s: FlatSimilarity3,
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  out: Float64Array,
  limit = Number.POSITIVE_INFINITY,
  mostAbove = 0,
): boolean {
  const scale = at(s, 12)
  const [a, b, c, tx] = [scale * at(s, 0), scale * at(s, 1), scale * at(s, 2), at(s, 9)]
  const [d, e, f, ty] = [scale * at(s, 3), scale * at(s, 4), scale * at(s, 5), at(s, 10)]
  const [g, h, k, tz] = [scale * at(s, 6), scale * at(s, 7), scale * at(s, 8), at(s, 11)]
  let above = 0
  for (let i = 0; i < out.length; i++) {
    const x = at(source, 3 * i)
    const y = at(source, 3 * i + 1)
    const z = at(source, 3 * i + 2)
    const u = a * x + b * y + c * z + tx - at(target, 3 * i)
    const v = d * x + e * y + f * z + ty - at(target, 3 * i + 1)
    const w = g * x + h * y + k * z + tz - at(target, 3 * i + 2)
    const square = u * u + v * v + w * w
    out[i] = square
    if (square > limit && ++above > mostAbove) return false
  }
  return true
}
