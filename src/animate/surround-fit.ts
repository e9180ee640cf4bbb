import { at } from '../geometry/array.js'
import type { HeadView } from './head-view.js'
import { STILL_SURROUND, type Surround } from './surround.js'

const STEPS = 6
/** With fewer places in the picture the surround says nothing. */
const LEAST_PLACES = 150
/** Grey levels beyond which a difference is something else: hair that falls, a hand. */
const ROBUST = 12
/** Keeps what few edges tell from running away: squared grey levels a distance of the eye corners, a place. */
const DAMPING = 30
/** Largest motion of what lies as far from the middle as an ear: a driver's hair may fly, the photo's does not. */
const LARGEST = 0.05

/**
 * The similarity that takes predicted places to where the picture shows them (Lucas and Kanade 1981, with robust weights).
 * @param places Nx2, px of the picture
 * @param levels N grey levels that are looked for there, but for gain and offset
 * @param middle about which the similarity is meant, px of the picture
 * @param unit distance of the outer eye corners there, px
 */
export function fitSurround(
  view: HeadView,
  places: ArrayLike<number>,
  levels: ArrayLike<number>,
  middle: ArrayLike<number>,
  unit: number,
): Surround {
  let surround = STILL_SURROUND
  const seen = new Float64Array(3)
  const normal = new Float64Array(20)
  let exposure: readonly [number, number] = [1, 0]
  for (let step = 0; step < STEPS; step++) {
    normal.fill(0)
    const light = [0, 0, 0, 0, 0]
    for (let i = 0; i < levels.length; i++) {
      const [u, v] = [
        (at(places, 2 * i) - at(middle, 0)) / unit,
        (at(places, 2 * i + 1) - at(middle, 1)) / unit,
      ]
      const [scale, roll, right, down] = surround
      const x = at(places, 2 * i) + unit * (scale * u - roll * v + right)
      const y = at(places, 2 * i + 1) + unit * (roll * u + scale * v + down)
      if (!sampleInto(seen, view, x, y)) continue
      const [now, gx, gy] = [at(seen, 0), unit * at(seen, 1), unit * at(seen, 2)]
      const level = at(levels, i)
      const miss = exposure[0] * level + exposure[1] - now
      const weight = 1 / (1 + (miss / ROBUST) ** 2)
      addTo(normal, [gx * u + gy * v, gy * u - gx * v, gx, gy], miss, weight)
      ;[1, level, level * level, now, level * now].forEach((value, k) => {
        light[k] = at(light, k) + weight * value
      })
    }
    const [count, sum, squares, nows, products] = light as [number, number, number, number, number]
    if (count < LEAST_PLACES) return STILL_SURROUND
    for (let k = 0; k < 4; k++) normal[5 * k + k] = at(normal, 5 * k + k) + DAMPING * count
    const by = solved(normal)
    surround = surround.map((value, k) => value + at(by, k)) as unknown as Surround
    const gain = (count * products - sum * nows) / (count * squares - sum * sum)
    exposure = [gain, (nows - gain * sum) / count]
  }
  const [scale, roll, right, down] = surround
  const largest = Math.hypot(scale, roll) + Math.hypot(right, down)
  if (!(largest < Number.POSITIVE_INFINITY)) return STILL_SURROUND
  const share = Math.min(1, LARGEST / largest)
  return surround.map((value) => share * value) as unknown as Surround
}

/** @param normal 4x5: normal equations and their right side */
function addTo(normal: Float64Array, row: readonly number[], miss: number, weight: number): void {
  for (let k = 0; k < 4; k++) {
    const factor = weight * at(row, k)
    for (let j = 0; j < 4; j++) normal[5 * k + j] = at(normal, 5 * k + j) + factor * at(row, j)
    normal[5 * k + 4] = at(normal, 5 * k + 4) + factor * miss
  }
}

/** By Gauss and Jordan: damped, the matrix is positive definite, and needs no pivots. */
function solved(normal: Float64Array): Float64Array {
  for (let k = 0; k < 4; k++) {
    const pivot = at(normal, 5 * k + k)
    for (let j = k; j < 5; j++) normal[5 * k + j] = at(normal, 5 * k + j) / pivot
    for (let row = 0; row < 4; row++) {
      const factor = at(normal, 5 * row + k)
      if (row === k) continue
      for (let j = k; j < 5; j++)
        normal[5 * row + j] = at(normal, 5 * row + j) - factor * at(normal, 5 * k + j)
    }
  }
  return Float64Array.from({ length: 4 }, (_, k) => at(normal, 5 * k + 4))
}

/** Grey level and its slopes, levels a px of the picture; bilinear. @returns false off the view */
function sampleInto(
  out: Float64Array,
  { image, grey, left, top, scale }: HeadView,
  x: number,
  y: number,
): boolean {
  const [px, py] = [scale[0] * (x - left) - 0.5, scale[1] * (y - top) - 0.5]
  const { width, height } = image
  if (!(px >= 1 && py >= 1 && px < width - 2 && py < height - 2)) return false
  const [column, row] = [Math.floor(px), Math.floor(py)]
  const [fx, fy] = [px - column, py - row]
  const i = row * width + column
  const level = (from: number) =>
    (1 - fy) * ((1 - fx) * at(grey, from) + fx * at(grey, from + 1)) +
    fy * ((1 - fx) * at(grey, from + width) + fx * at(grey, from + width + 1))
  out[0] = level(i)
  out[1] = (scale[0] * (level(i + 1) - level(i - 1))) / 2
  out[2] = (scale[1] * (level(i + width) - level(i - width))) / 2
  return true
}
