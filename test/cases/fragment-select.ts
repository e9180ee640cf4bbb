import type { Value } from '../../src/graph/graph.js'
import { fragmentSelect } from '../../src/ops/mesh/fragment-select.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

const table = [
  { at: [1, 37, 29], c: 3 },
  { at: [2, 5, 66], c: 4 },
  { at: [1, 1, 1], c: 1 },
  { at: [3, 17, 16], c: 9 },
  // All of it covered; none of it.
  { at: [1, 9, 33], c: 3, lanes: [0, 40] },
  { at: [1, 9, 33], c: 3, lanes: [-40, -1] },
  { at: [1, 224, 224], c: 3, bench: true },
] as const

/** Every pixel may have a triangle or none. */
const selectCases = table.map((row): OpCase => {
  const [n, h, w] = row.at
  const { c } = row
  return {
    name: `fragmentSelect ${n}x${h}x${w}x${c}${'lanes' in row ? `, fragments ${row.lanes.join(' to ')}` : ''}`,
    op: 'fragmentSelect',
    inputs: [
      { n, h, w, c: 4, range: 'lanes' in row ? row.lanes : [-40, 40] },
      { n, h, w, c },
      { n, h, w, c },
    ],
    build: (graph, inputs) =>
      fragmentSelect(graph, 'select', nthValue(inputs, 0), nthValue(inputs, 1), nthValue(inputs, 2)),
    reference: (inputs) => chosen(inputOf(inputs, 0), inputOf(inputs, 1), inputOf(inputs, 2)),
    bounds: { nmse: 0, maxError: 0 },
    ...('bench' in row && { bench: row.bench }),
  }
})

/** One raster over another: the fragments are what is chosen where they are. */
const overlay: OpCase = {
  name: 'fragmentSelect 2x31x18, one raster over another',
  op: 'fragmentSelect',
  inputs: [0, 1].map(() => ({ n: 2, h: 31, w: 18, c: 4, range: [-40, 40] as const })),
  build: (graph, inputs) => {
    const [over, under] = [nthValue(inputs, 0), nthValue(inputs, 1)] as [Value, Value]
    return fragmentSelect(graph, 'select', over, over, under)
  },
  reference: (inputs) => chosen(inputOf(inputs, 0), inputOf(inputs, 0), inputOf(inputs, 1)),
  bounds: { nmse: 0, maxError: 0 },
}

function chosen(fragments: RefTensor, inside: RefTensor, outside: RefTensor): RefTensor {
  return refTensor(inside.n, inside.h, inside.w, inside.c, (n, y, x, c) =>
    elementOf(elementOf(fragments, n, y, x, 3) >= 0 ? inside : outside, n, y, x, c),
  )
}

export const fragmentSelectCases: OpCase[] = [...selectCases, overlay]
