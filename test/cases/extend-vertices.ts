import { extendVertices } from '../../src/ops/mesh/extend-vertices.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

/** Vertices, added ones, channels. */
const table = [
  { n: 1, vertices: 468, added: 108, c: 3, bench: true },
  // Added vertices that begin within a workgroup, and behind the last one.
  { n: 2, vertices: 67, added: 3, c: 3 },
  { n: 1, vertices: 64, added: 65, c: 3 },
  { n: 3, vertices: 1, added: 1, c: 1 },
  // More than a plane.
  { n: 2, vertices: 5, added: 130, c: 6 },
] as const

const WEIGHTS = { weight: 'weight' } as const

/** Places and motions side by side, as an op gives them in parts. */
const parts: OpCase = {
  name: 'extendVertices 2x33x(3+3) by 9',
  op: 'extendVertices',
  inputs: [0, 1].map(() => ({ n: 2, h: 1, w: 33, c: 3, range: [-100, 100] as const })),
  weights: { weight: { shape: [9, 33] } },
  build: (graph, inputs) =>
    extendVertices(graph, 'extend', concat(graph, 'parts', inputs), { ...WEIGHTS, added: 9 }),
  reference: (inputs, { weight = new Float64Array() }) => extended(concatReference(inputs), 9, weight),
}

function extended(own: RefTensor, added: number, weight: Float64Array): RefTensor {
  return refTensor(own.n, 1, own.w + added, own.c, (b, _y, v, channel) => {
    if (v < own.w) return elementOf(own, b, 0, v, channel)
    let sum = 0
    for (let i = 0; i < own.w; i++) {
      sum += (weight[(v - own.w) * own.w + i] ?? 0) * elementOf(own, b, 0, i, channel)
    }
    return sum
  })
}

const tableCases = table.map((row): OpCase => {
  const { n, vertices, added, c } = row
  return {
    name: `extendVertices ${n}x${vertices}x${c} by ${added}`,
    op: 'extendVertices',
    inputs: [{ n, h: 1, w: vertices, c, range: [-100, 100] }],
    weights: { weight: { shape: [added, vertices] } },
    build: (graph, inputs) => extendVertices(graph, 'extend', nthValue(inputs, 0), { ...WEIGHTS, added }),
    reference: (inputs, { weight = new Float64Array() }) => extended(inputOf(inputs, 0), added, weight),
    ...('bench' in row && { bench: row.bench }),
  }
})

export const extendVerticesCases: OpCase[] = [...tableCases, parts]
