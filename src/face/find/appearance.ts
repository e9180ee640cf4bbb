import { FaceError } from '../../errors.js'
import { at } from '../../geometry/array.js'
import { MESH_VERTICES, type Rgba } from '../../geometry/types.js'

/**
 * What a face looks like, apart from place, pose, light and exposure: 468 log luminances and 468 log ratios of red to blue
 * around the vertices of its mesh, each without its plane over the face and scaled to length 1.
 */
export type Appearance = Float32Array

/** Half side of the square that is averaged at a vertex, in widths of the face: larger than what landmarks are off by. */
const RADIUS = 0.05
/** Samples along a side of it. */
const TAPS = 7
/** Added to colours 0..255 before the logarithm, so that noise in the dark counts little. */
const FLOOR = 8
/** Of the colour ratios against luminance: they are smoother and hang more on the light. */
const COLOUR_WEIGHT = 0.6

/**
 * Below this distance two faces may be of one person: photos of one person lie at 0.2 (95 % below 0.72), those of two at 1.3
 * (95 % above 0.85).
 */
export const ALIKE = 0.78

/**
 * @param mesh 468x3, px of the photo
 * @throws FaceError INVALID_ARGUMENT for another mesh size
 */
export function appearanceOf(photo: Rgba, mesh: ArrayLike<number>): Appearance {
  if (mesh.length !== MESH_VERTICES * 3) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `appearanceOf: mesh of ${mesh.length} numbers, expected ${MESH_VERTICES}x3`,
    )
  }
  const radius = Math.max(1, RADIUS * widthOf(mesh))
  const luminance = new Float64Array(MESH_VERTICES)
  const ratio = new Float64Array(MESH_VERTICES)
  for (let v = 0; v < MESH_VERTICES; v++) {
    const [r, g, b] = meanColour(photo, at(mesh, 3 * v), at(mesh, 3 * v + 1), radius)
    luminance[v] = Math.log(FLOOR + 0.299 * r + 0.587 * g + 0.114 * b)
    ratio[v] = Math.log((FLOOR + r) / (FLOOR + b))
  }
  const out = new Float32Array(2 * MESH_VERTICES)
  out.set(withoutPlane(luminance, mesh))
  out.set(
    withoutPlane(ratio, mesh).map((value) => COLOUR_WEIGHT * value),
    MESH_VERTICES,
  )
  return out
}

/** Distance of two faces' looks: 0 for the same picture, 1.6 for unrelated ones; see {@link ALIKE}. */
export function appearanceDistance(a: Appearance, b: Appearance): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (at(a, i) - at(b, i)) ** 2
  return Math.sqrt(sum)
}

/** Mean over a square, its parts outside the photo left out; the nearest pixel where all of it is. */
function meanColour(
  { width, height, data }: Rgba,
  cx: number,
  cy: number,
  radius: number,
): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0]
  let count = 0
  const add = (x: number, y: number) => {
    const i = 4 * (y * width + x)
    for (let c = 0; c < 3; c++) sum[c as 0 | 1 | 2] += at(data, i + c)
    count++
  }
  for (let j = 0; j < TAPS; j++) {
    const y = Math.floor(cy + radius * ((2 * j) / (TAPS - 1) - 1))
    if (y < 0 || y >= height) continue
    for (let i = 0; i < TAPS; i++) {
      const x = Math.floor(cx + radius * ((2 * i) / (TAPS - 1) - 1))
      if (x >= 0 && x < width) add(x, y)
    }
  }
  if (count === 0) {
    add(Math.min(width - 1, Math.max(0, Math.floor(cx))), Math.min(height - 1, Math.max(0, Math.floor(cy))))
  }
  return [sum[0] / count, sum[1] / count, sum[2] / count]
}

/** Values less their least-squares plane over x and y of the mesh (light from a side), scaled to length 1. */
function withoutPlane(values: Float64Array, mesh: ArrayLike<number>): Float64Array {
  const n = values.length
  const mean = (value: (v: number) => number) => {
    let sum = 0
    for (let v = 0; v < n; v++) sum += value(v)
    return sum / n
  }
  const x = (v: number) => at(mesh, 3 * v)
  const y = (v: number) => at(mesh, 3 * v + 1)
  const [mx, my, mz] = [mean(x), mean(y), mean((v) => at(values, v))]
  const [dx, dy, dz] = [(v: number) => x(v) - mx, (v: number) => y(v) - my, (v: number) => at(values, v) - mz]
  const [xx, xy, yy] = [mean((v) => dx(v) ** 2), mean((v) => dx(v) * dy(v)), mean((v) => dy(v) ** 2)]
  const [xz, yz] = [mean((v) => dx(v) * dz(v)), mean((v) => dy(v) * dz(v))]
  const determinant = xx * yy - xy * xy
  const [a, b] =
    determinant > 0 ? [(yy * xz - xy * yz) / determinant, (xx * yz - xy * xz) / determinant] : [0, 0]
  const flat = values.map((_, v) => dz(v) - a * dx(v) - b * dy(v))
  const length = Math.hypot(...flat)
  return length > 0 ? flat.map((value) => value / length) : flat
}

function widthOf(mesh: ArrayLike<number>): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < mesh.length; i += 3) {
    low = Math.min(low, at(mesh, i))
    high = Math.max(high, at(mesh, i))
  }
  return high - low
}
