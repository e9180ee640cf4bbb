import { addVertexMotion } from '../../src/ops/mesh/add-vertex-motion.js'
import { rasterise } from '../../src/ops/mesh/rasterise.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import { interpolateReference, rasteriseReference } from '../reference/raster.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { randomTriangles } from './raster.js'
import { nthValue } from './values.js'

const table = [
  // Vertices that fill their last plane, and such that do not.
  { n: 1, height: 39, width: 45, vertices: 40, triangles: randomTriangles(10, 40), range: [-4, 48] },
  { n: 2, height: 38, width: 21, vertices: 43, triangles: randomTriangles(10, 43), range: [-4, 30] },
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

type Row = (typeof table)[number]

const SCALE = 20

/**
 * @param axes 1: a list of dz; 3: (dx, dy, dz) of each vertex
 * @param first vertices of the first of two lists of dz; 0: they are one
 * @param isRead by another op, so that the result is a tensor before it is an output
 */
const motionCase = (row: Row, axes: 1 | 3, { first = 0, isRead = false } = {}): OpCase => {
  const { n, height, width, vertices, triangles, range } = row
  const lists = first > 0 ? [first, vertices - first] : [vertices]
  return {
    name: `addVertexMotion ${n}x${height}x${width}, ${axes === 1 ? 'dz' : 'all'} of ${lists.join('+')} vertices${isRead ? ', read' : ''}`,
    op: 'addVertexMotion',
    inputs: [
      { n, h: height, w: width, c: 3, range: [-9, 9] },
      { n, h: 1, w: vertices, c: 3, range },
      ...(axes === 1 ? lists.map((c) => ({ n, h: 1, w: 1, c })) : [{ n, h: 1, w: vertices, c: 3 }]),
    ],
    build: (graph, inputs) => {
      const fragments = rasterise(graph, 'rasterise', nthValue(inputs, 1), row)
      const motion = first > 0 ? ([nthValue(inputs, 2), nthValue(inputs, 3)] as const) : nthValue(inputs, 2)
      const attrs = { triangles, scale: SCALE }
      const moved = addVertexMotion(graph, 'moved', nthValue(inputs, 0), fragments, motion, attrs)
      return isRead ? concat(graph, 'read', [moved]) : moved
    },
    reference: (inputs) => {
      const [flow, mesh] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      const motion = { ...concatReference(inputs.slice(2)), w: vertices, c: axes }
      const spread = interpolateReference(rasteriseReference(mesh, row), motion, triangles)
      return refTensor(n, height, width, 3, (b, y, x, c) => {
        const component = c - (3 - axes)
        const moved = component < 0 ? 0 : elementOf(spread, b, y, x, component)
        return elementOf(flow, b, y, x, c) + SCALE * moved
      })
    },
    ...('bench' in row && { bench: row.bench }),
  }
}

export const addVertexMotionCases: OpCase[] = [
  ...([1, 3] as const).flatMap((axes) => [
    ...table.map((row) => motionCase(row, axes)),
    motionCase(table[1], axes, { isRead: true }),
  ]),
  motionCase(table[0], 1, { first: 24 }),
  motionCase(table[1], 1, { first: 41 }),
  motionCase(table[0], 1, { first: 24, isRead: true }),
]
