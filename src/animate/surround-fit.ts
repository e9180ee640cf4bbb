import { medianInPlace } from '../geometry/median.js'
import type { HeadView } from './head-view.js'
import { STILL_SURROUND, type Surround } from './surround.js'

const STEPS = 4
/** With fewer places in the picture the surround says nothing, with twice as many all: it comes and goes without a jump. */
const LEAST_PLACES = 150
/** Grey levels beyond which a difference is something else: hair that falls, a hand. */
const ROBUST = 12
/** Keeps what few edges tell from running away: squared grey levels a distance of the eye corners, a place. */
const DAMPING = 30
/** Largest motion of what lies as far from the middle as an ear: a driver's hair may fly, the photo's does not. */
const LARGEST = 0.05

/**
 * The similarity that takes predicted places to where the picture shows them (Lucas and Kanade 1981, with robust weights).
 * @param places Nx3, px of the picture; of z nothing is used
 * @param levels N grey levels that are looked for there, but for gain and offset
 * @param middle about which the similarity is meant, px of the picture
 * @param unit distance of the outer eye corners there, px
 */
export function fitSurround(
  view: HeadView,
  places: Float64Array,
  levels: Float64Array,
  middle: ArrayLike<number>,
  unit: number,
): Surround {
  let surround = STILL_SURROUND
  let [gain, offset] = [1, brighterBy(view, places, levels)]
  let count = 0
  const seen = new Float64Array(3)
  const row = new Float64Array(4)
  const normal = new Float64Array(20)
  const [mx, my] = [middle[0] as number, middle[1] as number]
  for (let step = 0; step < STEPS; step++) {
    normal.fill(0)
    const [scale, roll, right, down] = surround
    count = 0
    let [sum, squares, nows, products] = [0, 0, 0, 0]
    for (let i = 0; i < levels.length; i++) {
      const [u, v] = [((places[3 * i] as number) - mx) / unit, ((places[3 * i + 1] as number) - my) / unit]
      const x = mx + unit * (u + scale * u - roll * v + right)
      const y = my + unit * (v + roll * u + scale * v + down)
      if (!sampleInto(seen, view, x, y)) continue
      const [now, gx, gy] = [seen[0] as number, unit * (seen[1] as number), unit * (seen[2] as number)]
      const level = levels[i] as number
      const miss = gain * level + offset - now
      const weight = 1 / (1 + (miss / ROBUST) ** 2)
      row[0] = gx * u + gy * v
      row[1] = gy * u - gx * v
      row[2] = gx
      row[3] = gy
      addTo(normal, row, miss, weight)
      count += weight
      sum += weight * level
      squares += weight * level * level
      nows += weight * now
      products += weight * level * now
    }
    if (count < LEAST_PLACES) return STILL_SURROUND
    for (let k = 0; k < 4; k++) normal[5 * k + k] = (normal[5 * k + k] as number) + DAMPING * count
    const by = solved(normal)
    surround = [
      scale + (by[0] as number),
      roll + (by[1] as number),
      right + (by[2] as number),
      down + (by[3] as number),
    ]
    gain = (count * products - sum * nows) / (count * squares - sum * sum)
    offset = (nows - gain * sum) / count
  }
  const [scale, roll, right, down] = surround
  const largest = Math.hypot(scale, roll) + Math.hypot(right, down)
  if (!(largest < Number.POSITIVE_INFINITY)) return STILL_SURROUND
  const share = Math.min(1, LARGEST / largest) * Math.min(1, count / LEAST_PLACES - 1)
  return [share * scale, share * roll, share * right, share * down]
}

/** By how many grey levels: of another exposure each place alone would pass for something else. */
function brighterBy(view: HeadView, places: Float64Array, levels: Float64Array): number {
  const seen = new Float64Array(3)
  const differences = new Float64Array(levels.length)
  let count = 0
  for (let i = 0; i < levels.length; i++) {
    if (!sampleInto(seen, view, places[3 * i] as number, places[3 * i + 1] as number)) continue
    differences[count++] = (seen[0] as number) - (levels[i] as number)
  }
  return count === 0 ? 0 : medianInPlace(differences.subarray(0, count), (value) => value)
}

/** @param normal 4x5: normal equations, of their matrix the upper half, and their right side */
function addTo(normal: Float64Array, row: Float64Array, miss: number, weight: number): void {
  for (let k = 0; k < 4; k++) {
    const factor = weight * (row[k] as number)
    for (let j = k; j < 4; j++)
      normal[5 * k + j] = (normal[5 * k + j] as number) + factor * (row[j] as number)
    normal[5 * k + 4] = (normal[5 * k + 4] as number) + factor * miss
  }
}

/** By Gauss and Jordan: damped, the matrix is positive definite, and needs no pivots. @param normal as of {@link addTo} */
function solved(normal: Float64Array): Float64Array {
  for (let k = 1; k < 4; k++) for (let j = 0; j < k; j++) normal[5 * k + j] = normal[5 * j + k] as number
  for (let k = 0; k < 4; k++) {
    const pivot = normal[5 * k + k] as number
    for (let j = k; j < 5; j++) normal[5 * k + j] = (normal[5 * k + j] as number) / pivot
    for (let row = 0; row < 4; row++) {
      const factor = normal[5 * row + k] as number
      if (row === k) continue
      for (let j = k; j < 5; j++)
        normal[5 * row + j] = (normal[5 * row + j] as number) - factor * (normal[5 * k + j] as number)
    }
  }
  return Float64Array.from({ length: 4 }, (_, k) => normal[5 * k + 4] as number)
}

/** Grey level and its slopes, levels a px of the picture; bilinear. @returns false off the view */
function sampleInto(
  out: Float64Array,
  { grey, width, height, left, top, block }: HeadView,
  x: number,
  y: number,
): boolean {
  const px = (x - left) / block - 0.5
  const py = (y - top) / block - 0.5
  if (!(px >= 1 && py >= 1 && px < width - 2 && py < height - 2)) return false
  const column = Math.floor(px)
  const row = Math.floor(py)
  const fx = px - column
  const fy = py - row
  const i = row * width + column
  const [above, now, next, below] = [
    along(grey, i - width, fx),
    along(grey, i, fx),
    along(grey, i + width, fx),
    along(grey, i + 2 * width, fx),
  ]
  const before = mixed(along(grey, i - 1, fx), along(grey, i + width - 1, fx), fy)
  const after = mixed(along(grey, i + 1, fx), along(grey, i + width + 1, fx), fy)
  out[0] = mixed(now, next, fy)
  out[1] = (after - before) / (2 * block)
  out[2] = (mixed(next, below, fy) - mixed(above, now, fy)) / (2 * block)
  return true
}

const along = (grey: Float32Array, i: number, share: number): number =>
  mixed(grey[i] as number, grey[i + 1] as number, share)

const mixed = (a: number, b: number, share: number): number => (1 - share) * a + share * b
