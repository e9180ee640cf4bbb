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
  // The outer raster covers all, or nothing.
  { at: [1, 19, 23], c: 3, radius: 2, outer: [0, 9] },
  { at: [1, 19, 23], c: 3, radius: 2, outer: [-9, -1] },
  { at: [1, 224, 224], c: 3, radius: 3, bench: true },
] as const

export const smoothRimCases: OpCase[] = table.map((row): OpCase => {
  const [n, h, w] = row.at
  const { c, radius } = row
  const outer = 'outer' in row ? row.outer : ([-9, 9] as const)
  return {
    name: `smoothRim ${n}x${h}x${w}x${c}, radius ${radius}, outer fragments ${outer.join(' to ')}`,
    op: 'smoothRim',
    inputs: [
      { n, h, w, c, range: [-20, 20] },
      { n, h, w, c: 4, range: [-9, 9] },
      { n, h, w, c: 4, range: outer },
    ],
    build: (graph, inputs) =>
      smoothRim(graph, 'smooth', nthValue(inputs, 0), nthValue(inputs, 1), nthValue(inputs, 2), { radius }),
    reference: (inputs) => smoothed(inputOf(inputs, 0), inputOf(inputs, 1), inputOf(inputs, 2), radius),
    ...('bench' in row && { bench: row.bench }),
  }
})

/** Straight from the definition. */
function smoothed(map: RefTensor, inner: RefTensor, outer: RefTensor, radius: number): RefTensor {
  const { n, h, w, c } = map
  const range = (middle: number, size: number) =>
    [Math.max(0, middle - radius), Math.min(size - 1, middle + radius)] as const
  return refTensor(n, h, w, c, (b, y, x, channel) => {
    const covers = (fragments: RefTensor, row: number, column: number) =>
      elementOf(fragments, b, row, column, 3) >= 0
    const own = elementOf(map, b, y, x, channel)
    if (!covers(outer, y, x)) return own
    const [[top, bottom], [left, right]] = [range(y, h), range(x, w)]
    const meets = [top, y, bottom].some((row) =>
      [left, x, right].some(
        (column) => covers(outer, row, column) && covers(inner, row, column) !== covers(inner, y, x),
      ),
    )
    if (!meets) return own
    let [sum, count] = [0, 0]
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        if (!covers(outer, row, column)) continue
        sum += elementOf(map, b, row, column, channel)
        count++
      }
    }
    return sum / count
  })
}
