import { type RefineMeshAttrs, refineMesh } from '../../src/ops/mesh/refine-mesh.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

function reference(mesh: RefTensor, points: RefTensor, attrs: RefineMeshAttrs): RefTensor {
  const { vertices, depthFrom = [] } = attrs
  const before = mesh.c / 3
  const after = before + vertices.filter((v) => v >= before).length
  const depth = (n: number, vertex: number) => elementOf(mesh, n, 0, 0, 3 * vertex + 2)
  return refTensor(mesh.n, 1, 1, 3 * after, (n, _y, _x, channel) => {
    const [vertex, axis] = [Math.floor(channel / 3), channel % 3]
    const point = vertices.indexOf(vertex)
    if (axis === 2 && vertex >= before) {
      return depthFrom.reduce((sum, v) => sum + depth(n, v), 0) / depthFrom.length
    }
    return axis === 2 || point < 0
      ? elementOf(mesh, n, 0, 0, channel)
      : elementOf(points, n, 0, 0, 2 * point + axis)
  })
}

const table = [
  { n: 1, v: 468, vertices: [61, 0, 467, 13] },
  { n: 2, v: 5, vertices: [1, 4, 0] },
  { n: 1, v: 1, vertices: [0] },
  { n: 1, v: 6, vertices: [6, 7, 8], depthFrom: [0, 2, 5] },
  { n: 2, v: 7, vertices: [3, 7, 1, 8], depthFrom: [6] },
] as const

export const refineMeshCases: OpCase[] = table.map(({ n, v, ...attrs }) => ({
  name: `refineMesh ${n} x ${v} vertices, points ${attrs.vertices.join()}`,
  op: 'refineMesh',
  inputs: [
    { n, h: 1, w: 1, c: 3 * v, range: [0, 192] },
    { n, h: 1, w: 1, c: 2 * attrs.vertices.length, range: [0, 192] },
  ],
  build: (graph, inputs) => refineMesh(graph, 'refine', nthValue(inputs, 0), nthValue(inputs, 1), attrs),
  reference: (inputs) => reference(inputOf(inputs, 0), inputOf(inputs, 1), attrs),
}))
