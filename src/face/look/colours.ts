import { FaceError } from '../../errors.js'
import { MESH_VERTICES, type Rgba } from '../../geometry/types.js'

/**
 * The coarse part of a look, apart from place, pose, light and exposure: 468 log luminances and 468 log ratios of red to blue
 * around the vertices of its mesh, each without its plane over the face and scaled to length 1.
 */
export type Colours = Float32Array

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
export const COLOURS_ALIKE = 0.78

/**
 * @param mesh 468x3, px of the photo
 * @throws FaceError INVALID_ARGUMENT for another mesh size
 */
export function coloursOf(photo: Rgba, mesh: Float32Array): Colours {
  if (mesh.length !== MESH_VERTICES * 3) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `coloursOf: mesh of ${mesh.length} numbers, expected ${MESH_VERTICES}x3`,
    )
  }
  const radius = Math.max(1, RADIUS * widthOf(mesh))
  const luminance = new Float64Array(MESH_VERTICES)
  const ratio = new Float64Array(MESH_VERTICES)
  const mean = new Float64Array(3)
  for (let v = 0; v < MESH_VERTICES; v++) {
    meanColour(photo, mesh[3 * v] as number, mesh[3 * v + 1] as number, radius, mean)
    const [r, g, b] = [mean[0] as number, mean[1] as number, mean[2] as number]
    luminance[v] = Math.log(FLOOR + 0.299 * r + 0.587 * g + 0.114 * b)
    ratio[v] = Math.log((FLOOR + r) / (FLOOR + b))
  }
  const out = new Float32Array(2 * MESH_VERTICES)
  writeWithoutPlane(luminance, mesh, 1, out)
  writeWithoutPlane(ratio, mesh, COLOUR_WEIGHT, out.subarray(MESH_VERTICES))
  return out
}

/** Distance of two faces' colours: 0 for the same picture, 1.6 for unrelated ones; see {@link COLOURS_ALIKE}. */
export function colourDistance(a: Colours, b: Colours): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2
  return Math.sqrt(sum)
}

/** Mean over a square, its parts outside the photo left out; the nearest pixel where all of it is. */
function meanColour(
  { width, height, data }: Rgba,
  cx: number,
  cy: number,
  radius: number,
  mean: Float64Array,
): void {
  let [r, g, b, count] = [0, 0, 0, 0]
  for (let j = 0; j < TAPS; j++) {
    const y = Math.floor(cy + radius * ((2 * j) / (TAPS - 1) - 1))
    if (y < 0 || y >= height) continue
    for (let i = 0; i < TAPS; i++) {
      const x = Math.floor(cx + radius * ((2 * i) / (TAPS - 1) - 1))
      if (x < 0 || x >= width) continue
      const at = 4 * (y * width + x)
      r += data[at] as number
      g += data[at + 1] as number
      b += data[at + 2] as number
      count++
    }
  }
  if (count === 0) {
    const x = Math.min(width - 1, Math.max(0, Math.floor(cx)))
    const y = Math.min(height - 1, Math.max(0, Math.floor(cy)))
    const at = 4 * (y * width + x)
    ;[r, g, b, count] = [data[at] as number, data[at + 1] as number, data[at + 2] as number, 1]
  }
  mean[0] = r / count
  mean[1] = g / count
  mean[2] = b / count
}

/** Values less their least-squares plane over x and y of the mesh (light from a side), scaled to a length. */
function writeWithoutPlane(
  values: Float64Array,
  mesh: Float32Array,
  length: number,
  out: Float32Array,
): void {
  const n = values.length
  let [mx, my, mz] = [0, 0, 0]
  for (let v = 0; v < n; v++) {
    mx += (mesh[3 * v] as number) / n
    my += (mesh[3 * v + 1] as number) / n
    mz += (values[v] as number) / n
  }
  let [xx, xy, yy, xz, yz] = [0, 0, 0, 0, 0]
  for (let v = 0; v < n; v++) {
    const dx = (mesh[3 * v] as number) - mx
    const dy = (mesh[3 * v + 1] as number) - my
    const dz = (values[v] as number) - mz
    xx += dx * dx
    xy += dx * dy
    yy += dy * dy
    xz += dx * dz
    yz += dy * dz
  }
  const determinant = xx * yy - xy * xy
  const isPlane = determinant > 0
  const a = isPlane ? (yy * xz - xy * yz) / determinant : 0
  const b = isPlane ? (xx * yz - xy * xz) / determinant : 0
  let squares = 0
  for (let v = 0; v < n; v++) {
    const flat =
      (values[v] as number) - mz - a * ((mesh[3 * v] as number) - mx) - b * ((mesh[3 * v + 1] as number) - my)
    values[v] = flat
    squares += flat * flat
  }
  const scale = squares > 0 ? length / Math.sqrt(squares) : 0
  for (let v = 0; v < n; v++) out[v] = scale * (values[v] as number)
}

function widthOf(mesh: Float32Array): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < mesh.length; i += 3) {
    low = Math.min(low, mesh[i] as number)
    high = Math.max(high, mesh[i] as number)
  }
  return high - low
}
