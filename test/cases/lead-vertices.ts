import { addNode, type GraphBuilder, type Value } from '../../src/graph/graph.js'
import { leadVertices } from '../../src/ops/mesh/lead-vertices.js'
import { unpackOp } from '../../src/ops/tensor/border.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

/** Lists of vertices, their length, lists of goals, the first of them, the longest way. */
const table = [
  { n: 2, vertices: 468, lists: 2, first: 0, most: 16, bench: true },
  { n: 2, vertices: 5, lists: 2, first: 0, most: 8 },
  // Goals of other lists before and behind; ways that all end early, and that none does.
  { n: 1, vertices: 65, lists: 3, first: 1, most: 1 },
  { n: 3, vertices: 64, lists: 4, first: 1, most: 1000 },
] as const

/** A list of goals a row. */
function goalsOf(graph: GraphBuilder, value: Value): Value {
  return addNode(graph, unpackOp, 'goals', {}, [value])
}

function way(vertices: RefTensor, goals: RefTensor, n: number, first: number, v: number): [number, number] {
  const share = elementOf(goals, first + n, 0, v, 2)
  const along = (axis: number) =>
    share * (elementOf(goals, first + n, 0, v, axis) - elementOf(vertices, n, 0, v, axis))
  return [along(0), along(1)]
}

export const leadVerticesCases: OpCase[] = table.map((row): OpCase => {
  const { n, vertices, lists, first, most } = row
  return {
    name: `leadVertices ${n}x${vertices} by goals ${first} of ${lists}, at most ${most} px`,
    op: 'leadVertices',
    inputs: [
      { n, h: 1, w: vertices, c: 3, range: [-20, 20] },
      { n: lists, h: 1, w: vertices, c: 4, range: [-1, 1] },
    ],
    build: (graph, inputs) =>
      leadVertices(graph, 'led', nthValue(inputs, 0), goalsOf(graph, nthValue(inputs, 1)), { first, most }),
    reference: (inputs) => {
      const [mesh, goals] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      return refTensor(n, 1, vertices, 3, (b, _y, v, axis) => {
        const place = elementOf(mesh, b, 0, v, axis)
        if (axis === 2) return place
        const step = way(mesh, goals, b, first, v)
        return place + (step[axis] as number) * Math.min(1, most / Math.hypot(...step))
      })
    },
    ...('bench' in row && { bench: row.bench }),
  }
})
