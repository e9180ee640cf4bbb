import type { Similarity } from '../geometry/types.js'
import type { PosedPoints } from './carry-over.js'
import type { PackedPoints } from './head-points.js'

/** What moves the points of a grid on the head in one frame. */
export interface GridFrame {
  /** 468x3: how the expression moves the mesh, px. */
  readonly motion: Float64Array
  /** 468x3: by what the colours of the mesh are multiplied, less 1. */
  readonly brighter: Float64Array
  /** Of `comingForward`. */
  readonly forward: (x: number, y: number) => number
  readonly pose: PosedPoints
  /** What those beyond the rim do beside that. */
  readonly surround: Similarity
}

/** Where a grid's points go, and by what their colours are multiplied: Vx3 each. */
export interface GridGoals {
  readonly vertices: Float32Array
  readonly gains: Float32Array
  /** Place of the grid's first point in both. */
  readonly first: number
}

/**
 * Moves points that follow from the mesh, all of it in one loop and without memory of its own: nearly all points of a frame are these.
 * @param shares N: how much each goes with the head
 * @param bottom px: a point that lies there or lower in the photo is not lifted above it
 */
export function moveGrid(
  { places, outward, corners, weights, beyond }: PackedPoints,
  shares: Float64Array,
  bottom: number,
  { motion, brighter, forward, pose, surround }: GridFrame,
  { vertices, gains, first }: GridGoals,
): void {
  const { matrix, middle, goal } = pose
  const [a, b, c, d, e, f, g, h, l] = matrix
  const [mx, my, mz] = middle
  const [gx, gy, gz] = goal
  for (let i = 0, k = 0, out = 3 * first; i < shares.length; i++, k += 3, out += 3) {
    const p = 3 * (corners[k] as number)
    const q = 3 * (corners[k + 1] as number)
    const r = 3 * (corners[k + 2] as number)
    const u = weights[k] as number
    const v = weights[k + 1] as number
    const w = weights[k + 2] as number
    gains[out] = 1 + (u * (brighter[p] as number) + v * (brighter[q] as number) + w * (brighter[r] as number))
    gains[out + 1] =
      1 +
      (u * (brighter[p + 1] as number) + v * (brighter[q + 1] as number) + w * (brighter[r + 1] as number))
    gains[out + 2] =
      1 +
      (u * (brighter[p + 2] as number) + v * (brighter[q + 2] as number) + w * (brighter[r + 2] as number))
    const before = places[4 * i + 3] as number
    const x =
      (places[4 * i] as number) +
      (u * (motion[p] as number) + v * (motion[q] as number) + w * (motion[r] as number))
    const y =
      (places[4 * i + 1] as number) +
      (u * (motion[p + 1] as number) + v * (motion[q + 1] as number) + w * (motion[r + 1] as number))
    const z =
      (places[4 * i + 2] as number) +
      (u * (motion[p + 2] as number) + v * (motion[q + 2] as number) + w * (motion[r + 2] as number)) +
      (before === 0 ? 0 : forward(outward[2 * i] as number, outward[2 * i + 1] as number) * before)
    const share = shares[i] as number
    const [tx, ty, tz] = [x - mx, y - my, z - mz]
    let px = Math.fround(x + share * (a * tx + b * ty + c * tz + gx - x))
    let py = Math.fround(y + share * (d * tx + e * ty + f * tz + gy - y))
    const along = share * (beyond[i] as number)
    if (along > 0) {
      const ox = px
      px = ox + along * (surround.a * ox - surround.b * py + surround.tx - ox)
      py = py + along * (surround.b * ox + surround.a * py + surround.ty - py)
    }
    vertices[out] = px
    // A person goes on below the picture: where a head is lifted, background would lie under the neck.
    vertices[out + 1] = (places[4 * i + 1] as number) >= bottom ? Math.max(bottom, py) : py
    vertices[out + 2] = z + share * (g * tx + h * ty + l * tz + gz - z)
  }
}
