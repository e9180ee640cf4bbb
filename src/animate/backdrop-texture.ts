import { at } from '../geometry/array.js'
import { boxMean } from './box-mean.js'
import { smoothStep } from './head-depth.js'

/** How far the mean reaches that texture is told against, in larger sides of the picture. */
const REACH = 7 / 512
/** How far around a pixel it is asked whether there is texture, likewise; by so much it differs from the mean, of 1. */
const AROUND = 24 / 512
const DIFFERS = 5 / 255
/** Share of the pixels around that must differ for any of it to be taken, and for all: lone edges would come as scratches. */
const CALM = 0.4
const BUSY = 0.65
/** Coherence of the structure tensor around up to which all is taken, and from which on nothing: behind doors, shelves and blinds lines would end or bend. */
const ANY_WAY = 0.12
const ONE_WAY = 0.3

/**
 * A backdrop that was filled in smoothly, with the texture of what is around: of each pixel what the pixel behind the rim has, as far from it
 * and beyond its own surroundings' mean. Continuous at the rim; nothing where the picture around is smooth, or has
 * lines that go one way, which would end or bend.
 * @param filled h*w*3 of `fillHole`
 * @param hole h*w; not 0 where it was filled
 * @returns h*w*3
 */
export function textured(
  filled: Float32Array,
  hole: Uint8Array,
  width: number,
  height: number,
): Float32Array {
  const reachOf = (sides: number) => Math.max(1, Math.round(sides * Math.max(width, height)))
  const mean = boxMean(filled, width, height, reachOf(REACH), 3)
  const busy = busyAround(filled, mean, hole, width, height, reachOf(AROUND))
  const rim = nearestKnown(hole, width, height)
  const out = filled.slice()
  for (let i = 0; i < hole.length; i++) {
    if (hole[i] === 0) continue
    const [x, y] = [i % width, Math.floor(i / width)]
    const [u, v] = [2 * (rim[2 * i] as number) - x, 2 * (rim[2 * i + 1] as number) - y]
    if (u < 0 || v < 0 || u >= width || v >= height || hole[v * width + u] !== 0) continue
    const weight = at(busy, v * width + u)
    for (let c = 0; c < 3; c++) {
      const from = 3 * (v * width + u) + c
      const value = at(filled, 3 * i + c) + weight * (at(filled, from) - at(mean, from))
      out[3 * i + c] = Math.min(1, Math.max(0, value))
    }
  }
  return out
}

/** Whether what is known around each pixel is texture: 0 to 1. */
function busyAround(
  filled: Float32Array,
  mean: Float32Array,
  hole: Uint8Array,
  width: number,
  height: number,
  reach: number,
): Float32Array {
  // Whether a pixel differs; whether it is known; its structure tensor.
  const marks = new Float32Array(MARKS * hole.length)
  const grey = (i: number) => at(filled, 3 * i) + at(filled, 3 * i + 1) + at(filled, 3 * i + 2)
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x
      if (hole[i] !== 0) continue
      let differs = 0
      for (let k = 3 * i; k < 3 * i + 3; k++) if (Math.abs(at(filled, k) - at(mean, k)) > DIFFERS) differs = 1
      const dx = grey(i + 1) - grey(i - 1)
      const dy = grey(i + width) - grey(i - width)
      const to = MARKS * i
      marks[to] = differs
      marks[to + 1] = 1
      marks[to + 2] = dx * dx
      marks[to + 3] = dy * dy
      marks[to + 4] = dx * dy
    }
  }
  const around = boxMean(marks, width, height, reach, MARKS)
  return Float32Array.from(hole, (_, i) => {
    const of = (mark: number) => at(around, MARKS * i + mark)
    const [known, xx, yy] = [of(1), of(2), of(3)]
    if (known <= 0 || xx + yy <= 0) return 0
    const coherence = Math.hypot(xx - yy, 2 * of(4)) / (xx + yy)
    return smoothStep(CALM, BUSY, of(0) / known) * smoothStep(ONE_WAY, ANY_WAY, coherence)
  })
}

const MARKS = 5

/** For each pixel the nearest one that is not in the hole, x and y (sequential Euclidean distances, Danielsson 1980). */
function nearestKnown(hole: Uint8Array, width: number, height: number): Int32Array {
  const out = new Int32Array(2 * hole.length).fill(-1)
  for (let i = 0; i < hole.length; i++) {
    if (hole[i] !== 0) continue
    out[2 * i] = i % width
    out[2 * i + 1] = Math.floor(i / width)
  }
  const take = (x: number, y: number, dx: number, dy: number) => {
    const u = x + dx
    const v = y + dy
    if (u < 0 || v < 0 || u >= width || v >= height) return
    const own = 2 * (y * width + x)
    const other = 2 * (v * width + u)
    const ox = out[other] as number
    const oy = out[other + 1] as number
    if (ox < 0) return
    const px = out[own] as number
    const py = out[own + 1] as number
    if (px >= 0 && (ox - x) ** 2 + (oy - y) ** 2 >= (px - x) ** 2 + (py - y) ** 2) return
    out[own] = ox
    out[own + 1] = oy
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (const [dx, dy] of BEFORE) take(x, y, dx, dy)
    for (let x = width - 1; x >= 0; x--) take(x, y, 1, 0)
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) for (const [dx, dy] of BEFORE) take(x, y, -dx, -dy)
    for (let x = 0; x < width; x++) take(x, y, -1, 0)
  }
  return out
}

const BEFORE = [
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
] as const
