/** Rotations as vectors: axis times angle, radians. They can be scaled, limited and averaged where they are small. */

import type { Matrix3 } from './rotation.js'

export type RotationVector = [number, number, number]

/** @param rotation 3x3 row-major */
export function toRotationVector(rotation: readonly number[]): RotationVector {
  const [a, b, c, d, e, f, g, h, k] = rotation as Matrix3
  const cosine = Math.max(-1, Math.min(1, (a + e + k - 1) / 2))
  const angle = Math.acos(cosine)
  const sine = Math.sin(angle)
  // For small angles the ratio tends to 1/2; near half turns, which no head makes, it is not defined.
  const factor = angle < 1e-6 ? 0.5 : angle / (2 * Math.max(sine, 1e-6))
  return [(h - f) * factor, (c - g) * factor, (d - b) * factor]
}

/** Rodrigues' formula. @returns 3x3 row-major */
export function fromRotationVector([x, y, z]: RotationVector): number[] {
  const angle = Math.hypot(x, y, z)
  if (angle < 1e-12) return [1, 0, 0, 0, 1, 0, 0, 0, 1]
  const [u, v, w] = [x / angle, y / angle, z / angle]
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const t = 1 - c
  return [
    ...[t * u * u + c, t * u * v - s * w, t * u * w + s * v],
    ...[t * u * v + s * w, t * v * v + c, t * v * w - s * u],
    ...[t * u * w - s * v, t * v * w + s * u, t * w * w + c],
  ]
}
