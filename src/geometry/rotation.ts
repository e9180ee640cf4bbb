/** Rotations of space as 3x3 row-major matrices with determinant +1. */

/** 3x3, row-major. */
export type Matrix3 = [number, number, number, number, number, number, number, number, number]

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
    yaw: Math.asin(Math.max(-1, Math.min(1, -(rotation[6] as number)))) * degrees,
    pitch: Math.atan2(rotation[7] as number, rotation[8] as number) * degrees,
    roll: Math.atan2(rotation[3] as number, rotation[0] as number) * degrees,
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
 * @param out receives R, 3x3 row-major
 */
export function rotationFromCovariance(m: ArrayLike<number>, out: Float64Array): void {
  const [xx, xy, xz] = [m[0] as number, m[1] as number, m[2] as number]
  const [yx, yy, yz] = [m[3] as number, m[4] as number, m[5] as number]
  const [zx, zy, zz] = [m[6] as number, m[7] as number, m[8] as number]
  const k = HORN
  k[0] = xx + yy + zz
  k[1] = k[4] = yz - zy
  k[2] = k[8] = zx - xz
  k[3] = k[12] = xy - yx
  k[5] = xx - yy - zz
  k[6] = k[9] = xy + yx
  k[7] = k[13] = zx + xz
  k[10] = yy - xx - zz
  k[11] = k[14] = yz + zy
  k[15] = zz - xx - yy
  const best = largestEigenvector(k, VECTORS)
  const length = Math.hypot(
    VECTORS[best] as number,
    VECTORS[4 + best] as number,
    VECTORS[8 + best] as number,
    VECTORS[12 + best] as number,
  )
  const w = (VECTORS[best] as number) / length
  const x = (VECTORS[4 + best] as number) / length
  const y = (VECTORS[8 + best] as number) / length
  const z = (VECTORS[12 + best] as number) / length
  out[0] = w * w + x * x - y * y - z * z
  out[1] = 2 * (x * y - w * z)
  out[2] = 2 * (x * z + w * y)
  out[3] = 2 * (x * y + w * z)
  out[4] = w * w - x * x + y * y - z * z
  out[5] = 2 * (y * z - w * x)
  out[6] = 2 * (x * z - w * y)
  out[7] = 2 * (y * z + w * x)
  out[8] = w * w - x * x - y * y + z * z
}

/** Working memory: fits come by the hundred, and each is done before the next begins. */
const HORN = new Float64Array(16)
const VECTORS = new Float64Array(16)

/**
 * By cyclic Jacobi rotations.
 * @param a symmetric 4x4 matrix; overwritten
 * @param v receives the eigenvectors as columns
 * @returns the column of the largest eigenvalue
 */
function largestEigenvector(a: Float64Array, v: Float64Array): number {
  v.fill(0)
  for (let i = 0; i < 16; i += 5) v[i] = 1
  let all = 0
  for (let i = 0; i < 16; i++) all += (a[i] as number) ** 2
  // Convergence is quadratic; ten sweeps are far more than a 4x4 matrix needs.
  for (let sweep = 0; sweep < 10; sweep++) {
    let off = 0
    for (let p = 0; p < 3; p++) {
      for (let q = p + 1; q < 4; q++) {
        const apq = a[4 * p + q] as number
        off += apq * apq
        if (apq === 0) continue
        const theta = ((a[5 * q] as number) - (a[5 * p] as number)) / (2 * apq)
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        const s = t * c
        turnColumns(a, p, q, c, s)
        for (let k = 0; k < 4; k++) {
          const pk = a[4 * p + k] as number
          const qk = a[4 * q + k] as number
          a[4 * p + k] = c * pk - s * qk
          a[4 * q + k] = s * pk + c * qk
        }
        turnColumns(v, p, q, c, s)
      }
    }
    // Turns by less change no digit of the vectors.
    if (off <= 1e-36 * all) break
  }
  let best = 0
  for (let i = 1; i < 4; i++) if ((a[5 * i] as number) > (a[5 * best] as number)) best = i
  return best
}

function turnColumns(m: Float64Array, p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < 16; k += 4) {
    const kp = m[k + p] as number
    const kq = m[k + q] as number
    m[k + p] = c * kp - s * kq
    m[k + q] = s * kp + c * kq
  }
}

/** R applied to a vector. */
export function rotate(r: ArrayLike<number>, x: number, y: number, z: number): [number, number, number] {
  return [
    (r[0] as number) * x + (r[1] as number) * y + (r[2] as number) * z,
    (r[3] as number) * x + (r[4] as number) * y + (r[5] as number) * z,
    (r[6] as number) * x + (r[7] as number) * y + (r[8] as number) * z,
  ]
}

/** The inverse of a rotation, 3x3 row-major. */
export function transposed(r: ArrayLike<number>): number[] {
  return [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => r[i] as number)
}

/** Product a b of 3x3 row-major matrices. */
export function multiply(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const out: number[] = []
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c < 3; c++) {
      out.push(
        (a[3 * r] as number) * (b[c] as number) +
          (a[3 * r + 1] as number) * (b[3 + c] as number) +
          (a[3 * r + 2] as number) * (b[6 + c] as number),
      )
    }
  }
  return out
}
