import { at } from '../geometry/array.js'
import { medianInPlace } from '../geometry/median.js'
import { type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'

/**
 * What another camera's contrast makes of the same face: a power of the level, of all colours (other gammas and tone curves), found by
 * what two pictures laid over each other show of it. Gains, exposure and white balance, are `skinLight`'s.
 */

/** Side of a cell over which colours are averaged, template px: by less than that flows and edges differ. */
const CELL = 4
const SIDE = TEMPLATE_SIZE / CELL
/** Cells with a level beyond these tell nothing: below is noise, above the camera has cut off. */
const DARKEST = 6
const BRIGHTEST = 250
/** Least number of cells, and least spread of their log levels, of which a power can be told. */
const FEWEST = 60
const LEAST_SPREAD = 0.08
const STEPS = 12
/** Log levels that are off by more than twice their median, and by more than twice this, count little: lids and lips that moved, shine, shade. */
const USUAL = 0.03
/** Logarithm of a power that is noise: frames of one camera have 0.00 to 0.02. */
const NOISE = 0.03

/** Powers beyond these, and below their inverse, are no camera's, and are not taken out any further. */
export const LARGEST_POWER = 1.8

/**
 * Contrast of a picture against a reference: the power p of other = gain * reference ^ p, as a robust reduced major axis of log levels, for both
 * pictures are noisy.
 * @param reference 224x224
 * @param other 224x224, laid over the reference
 * @param mask 224x224; not 0 where both show the face
 * @returns 1 where nothing can be told; not bounded by {@link LARGEST_POWER}
 */
export function powerOf(reference: Rgba, other: Rgba, mask: ArrayLike<number>): number {
  const logs = [0, 1, 2].map((channel) => Math.log(channelPower(logLevels(reference, other, mask, channel))))
  const log = logs.reduce((sum, value) => sum + value, 0) / logs.length
  // Non-negative garrote, as of landmarks: what is noise stays out wholly, so that pictures of one camera keep their levels.
  return Math.exp(Math.abs(log) > NOISE ? log * (1 - (NOISE / log) ** 2) : 0)
}

/** What each of the 256 levels is with the power taken out, not rounded; black and white stay. */
export function levelsWithout(power: number): Float64Array {
  const bounded = Math.max(1 / LARGEST_POWER, Math.min(LARGEST_POWER, power))
  return Float64Array.from({ length: 256 }, (_, level) => 255 * (level / 255) ** (1 / bounded))
}

/** A picture with the power taken out, rounded; the picture itself where there is none. */
export function withoutPower(picture: Rgba, power: number): Rgba {
  if (power === 1) return picture
  const levels = levelsWithout(power)
  const data = picture.data.map((level, i) => (i % 4 === 3 ? level : Math.round(at(levels, level))))
  return { ...picture, data }
}

/** Log levels of one colour in the cells that both pictures show, pairs. */
type LogLevels = readonly (readonly [reference: number, other: number])[]

function logLevels(reference: Rgba, other: Rgba, mask: ArrayLike<number>, channel: number): LogLevels {
  const found: [number, number][] = []
  for (let cell = 0; cell < SIDE * SIDE; cell++) {
    let [a, b, isWhole] = [0, 0, true]
    for (let k = 0; k < CELL * CELL && isWhole; k++) {
      const x = CELL * (cell % SIDE) + (k % CELL)
      const y = CELL * Math.floor(cell / SIDE) + Math.floor(k / CELL)
      const i = y * TEMPLATE_SIZE + x
      const [own, theirs] = [at(reference.data, 4 * i + channel), at(other.data, 4 * i + channel)]
      isWhole = at(mask, i) !== 0 && Math.max(own, theirs) <= BRIGHTEST
      a += own / CELL ** 2
      b += theirs / CELL ** 2
    }
    if (isWhole && Math.min(a, b) >= DARKEST) found.push([Math.log(a), Math.log(b)])
  }
  return found
}

function channelPower(pairs: LogLevels): number {
  if (pairs.length < FEWEST) return 1
  let power = 1
  let offset = median(pairs.map(([u, v]) => v - u))
  for (let step = 0; step < STEPS; step++) {
    const off = pairs.map(([u, v]) => v - power * u - offset)
    const limit = 2 * Math.max(USUAL, median(off.map(Math.abs)))
    const weights = off.map((value) => 1 / (1 + (value / limit) ** 2) ** 2)
    const [u, v] = [0, 1].map((which) => moments(pairs, which as 0 | 1, weights)) as [Moments, Moments]
    if (u.spread < LEAST_SPREAD || v.spread < LEAST_SPREAD / 2) return 1
    power = v.spread / u.spread
    offset = v.mean - power * u.mean
  }
  return power
}

interface Moments {
  readonly mean: number
  readonly spread: number
}

function moments(pairs: LogLevels, which: 0 | 1, weights: readonly number[]): Moments {
  let [total, sum, squares] = [0, 0, 0]
  pairs.forEach((pair, i) => {
    const weight = at(weights, i)
    total += weight
    sum += weight * pair[which]
    squares += weight * pair[which] ** 2
  })
  const mean = sum / total
  return { mean, spread: Math.sqrt(Math.max(0, squares / total - mean * mean)) }
}

function median(values: readonly number[]): number {
  return medianInPlace(Float64Array.from(values), (value) => value)
}
