import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'
import { sampleReference } from './warp.js'

/** Convolution kernel of Keys (1981) with a = -1/2, which is Catmull's and Rom's. */
function cubic(distance: number): number {
  const d = Math.abs(distance)
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0
}

const within = (value: number, last: number) => Math.min(Math.max(value, 0), last)

function cubicReference(input: RefTensor, y: number, x: number, c: number): number {
  const [py, px] = [within(y, input.h - 1), within(x, input.w - 1)]
  let sum = 0
  for (let row = Math.floor(py) - 1; row <= Math.floor(py) + 2; row++) {
    for (let column = Math.floor(px) - 1; column <= Math.floor(px) + 2; column++) {
      const value = elementOf(input, 0, within(row, input.h - 1), within(column, input.w - 1), c)
      sum += cubic(row - py) * cubic(column - px) * value
    }
  }
  return sum
}

/** Places that miss a straight line by so many px are of two parts of the sheet. */
const JUMP = 1.5
/** A sheet drawn out by more than `from` in one direction becomes a mean across it, `per` px to either side for each 1 beyond that. */
const STRIPES = { from: 2, per: 1.2, most: 9, weights: [0.92, 0.73, 0.49, 0.28], astray: 4 } as const

/** Of the 2x2 matrix with columns `dx` and `dy`: how much less its least singular value is than 1 and than the other; the direction of the other. */
function drawnOut([a, c]: Place, [b, d]: Place): { by: number; across: Place } {
  const angle = Math.atan2(2 * (a * b + c * d), a * a + c * c - b * b - d * d) / 2
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const most = Math.hypot(a * cos + b * sin, c * cos + d * sin)
  const least = Math.max(Math.hypot(b * cos - a * sin, d * cos - c * sin), 0.01)
  return { by: Math.min(most, 1) / least, across: [cos, sin] }
}

export function compositeSheetReference(
  fragments: RefTensor,
  places: RefTensor,
  light: RefTensor,
  sheet: RefTensor,
  backdrop: RefTensor,
  patch: RefTensor,
): RefTensor {
  const isCovered = (n: number, y: number, x: number) => elementOf(fragments, n, y, x, 3) >= 0
  const alphaAt = (n: number, y: number, x: number): number => {
    if (!isCovered(n, y, x)) return 0
    const [u, v] = [elementOf(places, n, y, x, 0), elementOf(places, n, y, x, 1)]
    return within(cubicReference(sheet, v - 0.5, u - 0.5, 3), 1)
  }
  /** How much of the sheet ends between a pixel and the next. */
  const outlineAt = (n: number, y: number, x: number, around: readonly Pixel[]): number => {
    if (light.c === 4) return 0
    const other = around.filter((pixel) => isCovered(n, ...pixel) !== isCovered(n, y, x))
    return Math.max(0, ...other.map((pixel) => Math.max(alphaAt(n, ...pixel), alphaAt(n, y, x))))
  }
  const colourAt = (n: number, y: number, x: number, c: number): number => {
    const under = elementOf(backdrop, 0, y, x, c)
    if (!isCovered(n, y, x)) return under
    const [u, v, s, t] = [0, 1, 2, 3].map((i) => elementOf(places, n, y, x, i)) as [
      number,
      number,
      number,
      number,
    ]
    const alpha = alphaAt(n, y, x)
    const lit = elementOf(light, n, y, x, c) * cubicReference(sheet, v - 0.5, u - 0.5, c)
    const colour = lit + (1 - alpha) * under
    if (s < 0) return colour
    const sample = (channel: number) => sampleReference(patch, n, t - 0.5, s - 0.5, channel, 'zero')
    return sample(c) + (1 - sample(3)) * colour
  }
  const jumpAt = (n: number, ...line: [Pixel, Pixel, Pixel]): number => {
    if (!line.every(([y, x]) => isCovered(n, y, x))) return 0
    const bend = (c: 0 | 1) => {
      const [first, own, last] = line.map(([y, x]) => elementOf(places, n, y, x, c)) as [
        number,
        number,
        number,
      ]
      return first + last - 2 * own
    }
    return Math.hypot(bend(0), bend(1))
  }
  const { h, w } = fragments
  const placeAt = (n: number, [y, x]: Pixel): Place => [
    elementOf(places, n, y, x, 0),
    elementOf(places, n, y, x, 1),
  ]
  const isSheet = (n: number, [y, x]: Pixel) => isCovered(n, y, x) && elementOf(places, n, y, x, 2) < 0
  const acrossStripes = (n: number, [y, x]: Pixel, around: readonly Pixel[], c: number): number => {
    const own = colourAt(n, y, x, c)
    if (!isSheet(n, [y, x]) || !around.every((pixel) => isCovered(n, ...pixel))) return own
    const [left, right, above, below] = around as readonly [Pixel, Pixel, Pixel, Pixel]
    const slope = (from: Pixel, to: Pixel): Place => {
      const pixels = Math.max(to[0] - from[0], to[1] - from[1], 1)
      const [one, other] = [placeAt(n, from), placeAt(n, to)]
      return [(other[0] - one[0]) / pixels, (other[1] - one[1]) / pixels]
    }
    const [dx, dy] = [slope(left, right), slope(above, below)]
    const { by, across } = drawnOut(dx, dy)
    const reach = within(STRIPES.per * (by - STRIPES.from), STRIPES.most)
    let [sum, weights] = [own, 1]
    for (const [i, weight] of STRIPES.weights.entries()) {
      for (const side of [-1, 1]) {
        const [stepX, stepY] = across.map((share) => Math.round((side * share * reach * (i + 1)) / 4)) as [
          number,
          number,
        ]
        const there: Pixel = [within(y + stepY, h - 1), within(x + stepX, w - 1)]
        const expected = placeAt(n, [y, x]).map(
          (value, k) => value + stepX * (dx[k] as number) + stepY * (dy[k] as number),
        )
        const found = placeAt(n, there)
        const astray = Math.hypot(found[0] - (expected[0] as number), found[1] - (expected[1] as number))
        const share = isSheet(n, there) ? weight * within(2 - (2 * astray) / STRIPES.astray, 1) : 0
        sum += share * colourAt(n, ...there, c)
        weights += share
      }
    }
    return sum / weights
  }
  return refTensor(fragments.n, h, w, light.c, (n, y, x, c) => {
    if (c === 3) return isCovered(n, y, x) ? elementOf(light, n, y, x, c) : 0
    const around: readonly Pixel[] = [
      [y, within(x - 1, w - 1)],
      [y, within(x + 1, w - 1)],
      [within(y - 1, h - 1), x],
      [within(y + 1, h - 1), x],
    ]
    const [left, right, above, below] = around as readonly [Pixel, Pixel, Pixel, Pixel]
    const jump = Math.max(jumpAt(n, left, [y, x], right), jumpAt(n, above, [y, x], below))
    const edge = Math.max(within(jump - JUMP, 1), outlineAt(n, y, x, around))
    const mean = around.reduce((sum, pixel) => sum + colourAt(n, ...pixel, c), 0) / 4
    return (1 - edge) * acrossStripes(n, [y, x], around, c) + (edge * (colourAt(n, y, x, c) + mean)) / 2
  })
}

type Place = readonly [x: number, y: number]
type Pixel = readonly [y: number, x: number]
