import { at } from './array.js'

/** Rotations of space as 3x3 row-major matrices with determinant +1. */

/** Degrees; which way each turns: see {@link eulerAngles}. */
export interface EulerAngles {
  readonly yaw: number
  readonly pitch: number
  readonly roll: number
}

/** Angles in degrees of R = Rz(roll) Ry(yaw) Rx(pitch); yaw in [-90, 90]. */
export function eulerAngles(rotation: ArrayLike<number>): EulerAngles {
  const degrees = 180 / Math.PI
  return {
    yaw: Math.asin(Math.max(-1, Math.min(1, -at(rotation, 6)))) * degrees,
    pitch: Math.atan2(at(rotation, 7), at(rotation, 8)) * degrees,
    roll: Math.atan2(at(rotation, 3), at(rotation, 0)) * degrees,
  }
}

/** Inverse of {@link eulerAngles}: 3x3 row-major from degrees. */
export function rotationFromAngles(yaw: number, pitch: number, roll: number): number[] {
  const [cy, sy] = cosSin(yaw)
  const [cp, sp] = cosSin(pitch)
  const [cr, sr] = cosSin(roll)
  return multiply(
    [cr, -sr, 0, sr, cr, 0, 0, 0, 1],
    multiply([cy, 0, sy, 0, 1, 0, -sy, 0, cy], [1, 0, 0, 0, cp, -sp, 0, sp, cp]),
  )
}

function cosSin(degrees: number): [number, number] {
  const angle = (degrees * Math.PI) / 180
  return [Math.cos(angle), Math.sin(angle)]
}

/**
 * The rotation R that maximises trace(R M) for a 3x3 covariance M (row = source axis, column = target axis).
 * Horn 1987: its unit quaternion is the eigenvector of the largest eigenvalue of a symmetric 4x4 matrix.
 */
export function rotationFromCovariance(m: ArrayLike<number>): number[] {
  const [xx, xy, xz, yx, yy, yz, zx, zy, zz] = Array.from(m) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [w, x, y, z] = largestEigenvector([
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ])
  return [
    w * w + x * x - y * y - z * z,
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    w * w - x * x + y * y - z * z,
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    w * w - x * x - y * y + z * z,
  ]
}

/** Unit eigenvector of the largest eigenvalue of a symmetric 4x4 matrix, by cyclic Jacobi rotations. */
function largestEigenvector(matrix: number[][]): [number, number, number, number] {
  const a = matrix.map((row) => Float64Array.from(row))
  const v = [0, 1, 2, 3].map((i) => Float64Array.from([0, 1, 2, 3], (j) => (i === j ? 1 : 0)))
  const get = (rows: Float64Array[], r: number, c: number) => at(rows[r] as Float64Array, c)
  const set = (rows: Float64Array[], r: number, c: number, value: number) => {
    const row = rows[r] as Float64Array
    row[c] = value
  }
  // Convergence is quadratic; ten sweeps are far more than a 4x4 matrix needs.
  for (let sweep = 0; sweep < 10; sweep++) {
    let off = 0
    for (let p = 0; p < 3; p++) {
      for (let q = p + 1; q < 4; q++) {
        const apq = get(a, p, q)
        off += apq * apq
        if (apq === 0) continue
        const theta = (get(a, q, q) - get(a, p, p)) / (2 * apq)
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        const s = t * c
        for (let k = 0; k < 4; k++) {
          const kp = get(a, k, p)
          const kq = get(a, k, q)
          set(a, k, p, c * kp - s * kq)
          set(a, k, q, s * kp + c * kq)
        }
        for (let k = 0; k < 4; k++) {
          const pk = get(a, p, k)
          const qk = get(a, q, k)
          set(a, p, k, c * pk - s * qk)
          set(a, q, k, s * pk + c * qk)
          const vp = get(v, k, p)
          const vq = get(v, k, q)
          set(v, k, p, c * vp - s * vq)
          set(v, k, q, s * vp + c * vq)
        }
      }
    }
    if (off === 0) break
  }
  let best = 0
  for (let i = 1; i < 4; i++) if (get(a, i, i) > get(a, best, best)) best = i
  const column = [0, 1, 2, 3].map((k) => get(v, k, best))
  const length = Math.hypot(...column)
  return column.map((c) => c / length) as [number, number, number, number]
}

/** R applied to a vector. */
export function rotate(r: ArrayLike<number>, x: number, y: number, z: number): [number, number, number] {
  return [
    at(r, 0) * x + at(r, 1) * y + at(r, 2) * z,
    at(r, 3) * x + at(r, 4) * y + at(r, 5) * z,
    at(r, 6) * x + at(r, 7) * y + at(r, 8) * z,
  ]
}

/** Product a b of 3x3 row-major matrices. */
export function multiply(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const out: number[] = []
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c < 3; c++) {
      out.push(at(a, 3 * r) * at(b, c) + at(a, 3 * r + 1) * at(b, 3 + c) + at(a, 3 * r + 2) * at(b, 6 + c))
    }
  }
  return out
}
