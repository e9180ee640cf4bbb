import { smoothRim } from '../../src/ops/mesh/smooth-rim.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

const table = [
  { at: [1, 37, 29], c: 3, radius: 1 },
  { at: [2, 21, 34], c: 4, radius: 3 },
  // The square reaches beyond the map on all sides.
  { at: [1, 5, 6], c: 1, radius: 9 },
  { at: [1, 1, 1], c: 3, radius: 2 },
  // All of it covered; none of it; no rim.
  { at: [1, 19, 23], c: 3, radius: 2, lanes: [0, 9] },
  { at: [1, 19, 23], c: 3, radius: 2, lanes: [-9, -1] },
  { at: [1, 19, 23], c: 3, radius: 2, lanes: [-9, 3] },
  { at: [1, 224, 224], c: 3, radius: 3, bench: true },
] as const

const FIRST = 4

export const smoothRimCases: OpCase[] = table.map((row): OpCase => {
  const { c, radius } = row
  const [n, h, w] = row.at
  const lanes = 'lanes' in row ? row.lanes : ([-9, 9] as const)
  return {
    name: `smoothRim ${n}x${h}x${w}x${c}, radius ${radius}, fragments ${lanes.join(' to ')}`,
    op: 'smoothRim',
    inputs: [
      { n, h, w, c, range: [-20, 20] },
      { n, h, w, c: 4, range: lanes },
    ],
    build: (graph, inputs) =>
      smoothRim(graph, 'smooth', nthValue(inputs, 0), nthValue(inputs, 1), { first: FIRST, radius }),
    reference: (inputs) => smoothed(inputOf(inputs, 0), inputOf(inputs, 1), radius),
    ...('bench' in row && { bench: row.bench }),
  }
})

/** Straight from the definition. */
function smoothed(map: RefTensor, fragments: RefTensor, radius: number): RefTensor {
  const { n, h, w, c } = map
  const sides = (middle: number, size: number) =>
    [Math.max(0, middle - radius), Math.min(size - 1, middle + radius)] as const
  return refTensor(n, h, w, c, (b, y, x, channel) => {
    const triangle = (row: number, column: number) => elementOf(fragments, b, row, column, 3)
    const isWithin = triangle(y, x) < FIRST
    const [[top, bottom], [left, right]] = [sides(y, h), sides(x, w)]
    const meets = [top, bottom].some((row) =>
      [left, right].some(
        (column) => triangle(row, column) >= 0 && triangle(row, column) < FIRST !== isWithin,
      ),
    )
    const own = elementOf(map, b, y, x, channel)
    if (triangle(y, x) < 0 || !meets) return own
    let [sum, count] = [0, 0]
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        if (triangle(row, column) < 0) continue
        sum += elementOf(map, b, row, column, channel)
        count++
      }
    }
    return sum / count
  })
}
