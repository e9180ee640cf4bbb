import { concat } from '../../src/ops/tensor/concat.js'
import { reshape } from '../../src/ops/tensor/reshape.js'
import { inputOf } from '../reference/dense.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const EXACT = { nmse: 0, maxError: 0 }
const shape = (n: number, h: number, w: number, c: number) => ({ n, h, w, c })

const table = [
  { from: shape(1, 4, 4, 6), to: shape(1, 1, 32, 3) },
  { from: shape(1, 3, 5, 7), to: shape(1, 1, 1, 105) },
  { from: shape(2, 3, 2, 5), to: shape(1, 10, 6, 1) },
  { from: shape(1, 1, 1, 12), to: shape(3, 2, 1, 2) },
  { from: shape(2, 3, 4, 8), to: shape(2, 6, 2, 8) },
]

const tableCases: OpCase[] = table.map(({ from, to }) => ({
  name: `reshape ${Object.values(from).join('x')} -> ${Object.values(to).join('x')}`,
  op: 'reshape',
  inputs: [from],
  build: (graph, inputs) => reshape(graph, 'reshape', nthValue(inputs, 0), to),
  reference: (inputs) => ({ ...to, data: inputOf(inputs, 0).data }),
  bounds: EXACT,
}))

const ofConcatenation: OpCase = {
  name: 'reshape of a concatenation 1x2x3x(3+2) -> 1x1x15x2',
  op: 'reshape',
  inputs: [3, 2].map((c) => shape(1, 2, 3, c)),
  build: (graph, inputs) => reshape(graph, 'reshape', concat(graph, 'concat', inputs), shape(1, 1, 15, 2)),
  reference: (inputs) => ({ ...shape(1, 1, 15, 2), data: concatReference(inputs).data }),
  bounds: EXACT,
}

export const reshapeCases: OpCase[] = [...tableCases, ofConcatenation]
