import {
  affineVertices,
  gatherVertices,
  meanVertices,
  vertexAttributes,
} from '../../src/ops/mesh/vertices.js'
import { randomArray, seededRandom } from '../random.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

/** Coordinate `axis` of vertex v, in either of the two layouts of vertices. */
function coordinate(mesh: RefTensor, n: number, v: number, axis: number): number {
  return mesh.c === 3 ? elementOf(mesh, n, 0, v, axis) : elementOf(mesh, n, 0, 0, v * 3 + axis)
}

const layouts = [
  { name: 'rows', shape: (vertices: number) => ({ h: 1, w: vertices, c: 3 }) },
  { name: 'flat', shape: (vertices: number) => ({ h: 1, w: 1, c: vertices * 3 }) },
]

const scale = [2, -0.5, 1.25] as const
const offset = [-3, 0.5, 7] as const

export const vertexCases: OpCase[] = layouts.flatMap(({ name, shape }): OpCase[] => [
  ...[
    { n: 1, vertices: 468 },
    { n: 2, vertices: 67 },
  ].map(
    ({ n, vertices }): OpCase => ({
      name: `affineVertices ${name} ${n}x${vertices}`,
      op: 'vertexMap',
      inputs: [{ n, ...shape(vertices), range: [-100, 100] }],
      build: (graph, inputs) => affineVertices(graph, 'affine', nthValue(inputs, 0), { scale, offset }),
      reference: (inputs) =>
        refTensor(n, 1, vertices, 3, (b, _y, v, axis) => {
          return coordinate(inputOf(inputs, 0), b, v, axis) * (scale[axis] ?? 0) + (offset[axis] ?? 0)
        }),
    }),
  ),
  {
    name: `affineVertices ${name} 2x75, in the opposite order`,
    op: 'vertexMap',
    inputs: [{ n: 2, ...shape(75), range: [-100, 100] }],
    build: (graph, inputs) => {
      const order = Uint32Array.from({ length: 75 }, (_, i) => 74 - i)
      return affineVertices(graph, 'affine', nthValue(inputs, 0), { scale, offset, order })
    },
    reference: (inputs) =>
      refTensor(2, 1, 75, 3, (b, _y, v, axis) => {
        return coordinate(inputOf(inputs, 0), b, 74 - v, axis) * (scale[axis] ?? 0) + (offset[axis] ?? 0)
      }),
  },
  {
    name: `meanVertices ${name} 2x51`,
    op: 'vertexMap',
    inputs: [
      { n: 2, ...shape(51), range: [-100, 100] },
      { n: 2, ...shape(51), range: [-100, 100] },
    ],
    build: (graph, inputs) => meanVertices(graph, 'mean', [nthValue(inputs, 0), nthValue(inputs, 1)]),
    reference: (inputs) =>
      refTensor(2, 1, 51, 3, (n, _y, v, axis) => {
        const [a, b] = [inputOf(inputs, 0), inputOf(inputs, 1)]
        return (coordinate(a, n, v, axis) + coordinate(b, n, v, axis)) / 2
      }),
  },
  {
    name: `meanVertices ${name} 2x51 of transformed meshes, one in the opposite order`,
    op: 'vertexMap',
    inputs: [
      { n: 2, ...shape(51), range: [-100, 100] },
      { n: 1, ...shape(51), range: [-100, 100] },
    ],
    build: (graph, inputs) => {
      const order = Uint32Array.from({ length: 51 }, (_, i) => 50 - i)
      const meshes = [nthValue(inputs, 0), nthValue(inputs, 1)] as const
      return meanVertices(graph, 'mean', meshes, [
        { scale, offset },
        { scale: [1, 3, -2], offset: [0.5, 0, -9], order },
      ])
    },
    reference: (inputs) =>
      refTensor(2, 1, 51, 3, (n, _y, v, axis) => {
        const first = coordinate(inputOf(inputs, 0), n, v, axis) * (scale[axis] ?? 0) + (offset[axis] ?? 0)
        const second = coordinate(inputOf(inputs, 1), 0, 50 - v, axis) * ([1, 3, -2][axis] ?? 0)
        return (first + second + ([0.5, 0, -9][axis] ?? 0)) / 2
      }),
  },
  {
    name: `gatherVertices ${name} 2x68 of 90`,
    op: 'vertexMap',
    inputs: [{ n: 2, ...shape(90) }],
    build: (graph, inputs) => {
      const order = Array.from({ length: 68 }, (_, i) => (i * 37 + 5) % 90)
      return gatherVertices(graph, 'gather', nthValue(inputs, 0), order)
    },
    reference: (inputs) =>
      refTensor(2, 1, 68, 3, (b, _y, i, axis) => coordinate(inputOf(inputs, 0), b, (i * 37 + 5) % 90, axis)),
    bounds: { nmse: 0, maxError: 0 },
  },
  encodingCase(`vertexAttributes ${name} colours + difference + depth of 22`, 22, shape(22)),
  encodingCase(`vertexAttributes ${name} colours + difference + depth`, 51, shape(51)),
  {
    name: `vertexAttributes ${name} position about an origin + depth`,
    op: 'vertexMap',
    inputs: [{ n: 2, ...shape(51), range: [-100, 100] }],
    build: (graph, inputs) =>
      vertexAttributes(
        graph,
        'attributes',
        [nthValue(inputs, 0)],
        [
          { kind: 'position', scale: 1 / 100, origin: [112, -30, 0] },
          { kind: 'depth', scale: 2 },
        ],
      ),
    reference: (inputs) =>
      refTensor(2, 1, 51, 4, (n, _y, v, c) => {
        const at = (axis: number) => coordinate(inputOf(inputs, 0), n, v, axis)
        return [(at(0) - 112) / 100, (at(1) + 30) / 100, at(2) / 100, 2 * at(2)][c] ?? Number.NaN
      }),
  },
])

/** The seven channels of a network's mesh encoding: colours, difference, depth. */
function encodingCase(name: string, count: number, shape: { h: number; w: number; c: number }): OpCase {
  const colours = randomArray(seededRandom(name), count * 3, [0, 1])
  return {
    name,
    op: 'vertexMap',
    inputs: [
      { n: 2, ...shape, range: [-20, 20] },
      { n: 1, ...shape, range: [-20, 20] },
    ],
    build: (graph, inputs) =>
      vertexAttributes(
        graph,
        'attributes',
        [nthValue(inputs, 0), nthValue(inputs, 1)],
        [
          { kind: 'constant', data: Float32Array.from(colours), channels: 3 },
          { kind: 'difference', scale: 1 / 20 },
          { kind: 'depth', scale: 1 / 100 },
        ],
      ),
    reference: (inputs) => {
      const [a, b] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      return refTensor(2, 1, count, 7, (n, _y, v, c) => {
        if (c < 3) return colours[v * 3 + c] ?? Number.NaN
        if (c === 6) return coordinate(a, n, v, 2) / 100
        return (coordinate(b, 0, v, c - 3) - coordinate(a, n, v, c - 3)) / 20
      })
    },
  }
}
