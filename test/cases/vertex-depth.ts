import { rasterise } from '../../src/ops/mesh/rasterise.js'
import { addVertexDepth } from '../../src/ops/mesh/vertex-depth.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import { interpolateReference, rasteriseReference } from '../reference/raster.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { randomTriangles } from './raster.js'
import { nthValue } from './values.js'

const table = [
  // Vertices that fill their last plane, and such that do not.
  { n: 1, height: 39, width: 45, vertices: 40, triangles: randomTriangles(18, 40), range: [-4, 48] },
  { n: 2, height: 38, width: 21, vertices: 43, triangles: randomTriangles(20, 43), range: [-4, 30] },
  { n: 1, height: 1, width: 1, vertices: 3, triangles: Uint32Array.of(0, 1, 2), range: [-9, 9] },
  // No pixel has a face.
  { n: 1, height: 9, width: 9, vertices: 5, triangles: Uint32Array.of(0, 1, 2), range: [20, 30] },
  {
    n: 1,
    height: 224,
    width: 224,
    vertices: 468,
    triangles: randomTriangles(40, 468),
    range: [20, 200],
    bench: true,
  },
] as const

/**
 * @param first vertices of the first of two lists of values; 0: they are one
 * @param isRead by another op, so that the result is a tensor before it is an output
 */
const depthCase = (row: (typeof table)[number], first = 0, isRead = false): OpCase => {
  const { n, height, width, vertices, triangles, range } = row
  const scale = 20
  return {
    name: `addVertexDepth ${n}x${height}x${width} of ${first > 0 ? `${first}+${vertices - first}` : vertices} vertices${isRead ? ', read' : ''}`,
    op: 'addVertexDepth',
    inputs: [
      { n, h: height, w: width, c: 3, range: [-9, 9] },
      { n, h: 1, w: vertices, c: 3, range },
      ...(first > 0 ? [first, vertices - first] : [vertices]).map((c) => ({ n, h: 1, w: 1, c })),
    ],
    build: (graph, inputs) => {
      const fragments = rasterise(graph, 'rasterise', nthValue(inputs, 1), row)
      const values = first > 0 ? ([nthValue(inputs, 2), nthValue(inputs, 3)] as const) : nthValue(inputs, 2)
      const attrs = { triangles, scale }
      const changed = addVertexDepth(graph, 'depth', nthValue(inputs, 0), fragments, values, attrs)
      return isRead ? concat(graph, 'read', [changed]) : changed
    },
    reference: (inputs) => {
      const [flow, mesh] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      const perVertex = { ...concatReference(inputs.slice(2)), w: vertices, c: 1 }
      const spread = interpolateReference(rasteriseReference(mesh, row), perVertex, triangles)
      return refTensor(n, height, width, 3, (b, y, x, c) => {
        return elementOf(flow, b, y, x, c) + (c === 2 ? scale * elementOf(spread, b, y, x, 0) : 0)
      })
    },
    ...('bench' in row && { bench: row.bench }),
  }
}

export const vertexDepthCases: OpCase[] = [
  ...table.map((row) => depthCase(row)),
  depthCase(table[0], 24),
  depthCase(table[1], 41),
  depthCase(table[1], 0, true),
  depthCase(table[0], 24, true),
]
