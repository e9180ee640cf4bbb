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
    scale: s[12] as number,
    translation: [s[9] as number, s[10] as number, s[11] as number],
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
    const w = weights ? (weights[i] as number) : 1
    total += w
    ax += w * (source[3 * i] as number)
    ay += w * (source[3 * i + 1] as number)
    az += w * (source[3 * i + 2] as number)
    bx += w * (target[3 * i] as number)
    by += w * (target[3 * i + 1] as number)
    bz += w * (target[3 * i + 2] as number)
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
    const w = weights ? (weights[i] as number) : 1
    const x = (source[3 * i] as number) - ax
    const y = (source[3 * i + 1] as number) - ay
    const z = (source[3 * i + 2] as number) - az
    const [wx, wy, wz] = [w * x, w * y, w * z]
    norm += wx * x + wy * y + wz * z
    const u = (target[3 * i] as number) - bx
    const v = (target[3 * i + 1] as number) - by
    const r = (target[3 * i + 2] as number) - bz
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
  for (let r = 0; r < 3; r++)
    for (let c = 0; c < 3; c++) dot += (out[3 * c + r] as number) * (m[3 * r + c] as number)
  const scale = dot / norm
  for (let r = 0; r < 3; r++) {
    const moved =
      (out[3 * r] as number) * ax + (out[3 * r + 1] as number) * ay + (out[3 * r + 2] as number) * az
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
  const scale = s[12] as number
  const [a, b, c, tx] = [
    scale * (s[0] as number),
    scale * (s[1] as number),
    scale * (s[2] as number),
    s[9] as number,
  ]
  const [d, e, f, ty] = [
    scale * (s[3] as number),
    scale * (s[4] as number),
    scale * (s[5] as number),
    s[10] as number,
  ]
  const [g, h, k, tz] = [
    scale * (s[6] as number),
    scale * (s[7] as number),
    scale * (s[8] as number),
    s[11] as number,
  ]
  let above = 0
  for (let i = 0; i < out.length; i++) {
    const x = source[3 * i] as number
    const y = source[3 * i + 1] as number
    const z = source[3 * i + 2] as number
    const u = a * x + b * y + c * z + tx - (target[3 * i] as number)
    const v = d * x + e * y + f * z + ty - (target[3 * i + 1] as number)
    const w = g * x + h * y + k * z + tz - (target[3 * i + 2] as number)
    const square = u * u + v * v + w * w
    out[i] = square
    if (square > limit && ++above > mostAbove) return false
  }
  return true
}
