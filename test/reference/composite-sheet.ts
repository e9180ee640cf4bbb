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

export function compositeSheetReference(
  fragments: RefTensor,
  places: RefTensor,
  light: RefTensor,
  sheet: RefTensor,
  backdrop: RefTensor,
  patch: RefTensor,
): RefTensor {
  const isCovered = (n: number, y: number, x: number) => elementOf(fragments, n, y, x, 3) >= 0
  const colourAt = (n: number, y: number, x: number, c: number): number => {
    const under = elementOf(backdrop, 0, y, x, c)
    if (!isCovered(n, y, x)) return under
    const [u, v, s, t] = [0, 1, 2, 3].map((i) => elementOf(places, n, y, x, i)) as [
      number,
      number,
      number,
      number,
    ]
    const alpha = within(cubicReference(sheet, v - 0.5, u - 0.5, 3), 1)
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
  return refTensor(fragments.n, h, w, light.c, (n, y, x, c) => {
    if (c === 3) return isCovered(n, y, x) ? elementOf(light, n, y, x, c) : 0
    const own = colourAt(n, y, x, c)
    const [left, right] = [within(x - 1, w - 1), within(x + 1, w - 1)]
    const [above, below] = [within(y - 1, h - 1), within(y + 1, h - 1)]
    const jump = Math.max(jumpAt(n, [y, left], [y, x], [y, right]), jumpAt(n, [above, x], [y, x], [below, x]))
    const around =
      colourAt(n, y, left, c) + colourAt(n, y, right, c) + colourAt(n, above, x, c) + colourAt(n, below, x, c)
    return own + (within(jump - JUMP, 1) * (around / 4 - own)) / 2
  })
}

type Pixel = readonly [y: number, x: number]
