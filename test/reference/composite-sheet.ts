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

export function compositeSheetReference(
  fragments: RefTensor,
  places: RefTensor,
  light: RefTensor,
  sheet: RefTensor,
  backdrop: RefTensor,
  patch: RefTensor,
): RefTensor {
  return refTensor(fragments.n, fragments.h, fragments.w, 3, (n, y, x, c) => {
    const under = elementOf(backdrop, 0, y, x, c)
    if (elementOf(fragments, n, y, x, 3) < 0) return under
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
  })
}
