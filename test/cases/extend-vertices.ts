import { extendVertices } from '../../src/ops/mesh/extend-vertices.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase } from './case.js'
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

export const extendVerticesCases: OpCase[] = table.map((row): OpCase => {
  const { n, vertices, added, c } = row
  return {
    name: `extendVertices ${n}x${vertices}x${c} by ${added}`,
    op: 'extendVertices',
    inputs: [{ n, h: 1, w: vertices, c, range: [-100, 100] }],
    weights: { weight: { shape: [added, vertices] } },
    build: (graph, inputs) =>
      extendVertices(graph, 'extend', nthValue(inputs, 0), { weight: 'weight', added }),
    reference: (inputs, { weight = new Float64Array() }) =>
      refTensor(n, 1, vertices + added, c, (b, _y, v, channel) => {
        const own = (vertex: number) => elementOf(inputOf(inputs, 0), b, 0, vertex, channel)
        if (v < vertices) return own(v)
        let sum = 0
        for (let i = 0; i < vertices; i++) sum += (weight[(v - vertices) * vertices + i] ?? 0) * own(i)
        return sum
      }),
    ...('bench' in row && { bench: row.bench }),
  }
})
