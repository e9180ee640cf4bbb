import type { Value } from '../../src/graph/graph.js'
import { rasterise } from '../../src/ops/mesh/rasterise.js'
import { vertexMotion } from '../../src/ops/mesh/vertex-motion.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import { rasteriseReference } from '../reference/raster.js'
import { concatReference } from '../reference/structure.js'
import { vertexMotionReference } from '../reference/vertex-motion.js'
import type { OpCase } from './case.js'
import { randomTriangles } from './raster.js'
import { nthValue } from './values.js'

const SCALE = 1 / 20

const table: readonly {
  readonly at: readonly [number, number, number]
  readonly vertices: number
  readonly meshes: 1 | 2
  /** x, y and z of the meshes. */
  readonly range: readonly [number, number]
  /** Of the fragments' lanes: depth, and no face where the last is negative. */
  readonly lanes?: readonly [number, number]
  readonly leastCover?: number
  readonly bench?: boolean
}[] = [
  // Vertices beyond the border, at it, hidden, with few pixels of the face about them.
  { at: [1, 37, 29], vertices: 151, meshes: 2, range: [-6, 42] },
  { at: [1, 37, 29], vertices: 151, meshes: 1, range: [-6, 42] },
  { at: [1, 37, 29], vertices: 151, meshes: 2, range: [-6, 42], leastCover: 0.05 },
  { at: [2, 19, 33], vertices: 67, meshes: 2, range: [-2, 34] },
  { at: [2, 33, 18], vertices: 67, meshes: 1, range: [-2, 34] },
  { at: [1, 1, 1], vertices: 30, meshes: 2, range: [-1, 2], lanes: [0, 60] },
  // Nothing hides the face; no face at all; places that are no pixel indices.
  { at: [1, 30, 30], vertices: 65, meshes: 2, range: [1, 29], lanes: [40, 60] },
  { at: [1, 30, 31], vertices: 65, meshes: 1, range: [0, 30], lanes: [-9, -1] },
  { at: [1, 9, 7], vertices: 20, meshes: 2, range: [-1e9, 1e9] },
  { at: [1, 224, 224], vertices: 468, meshes: 2, range: [20, 200], lanes: [0, 300], bench: true },
]

/** Every pixel has a depth of its own and may be off the face. */
function scatteredCase(row: (typeof table)[number]): OpCase {
  const { vertices, meshes, range, lanes = [-12, 60], leastCover, bench } = row
  const [n, h, w] = row.at
  const mesh = { n, h: 1, w: vertices, c: 3, range }
  return {
    name: `vertexMotion ${n}x${h}x${w}, ${meshes} x ${vertices} within ${range.join(' to ')}, fragments ${lanes.join(' to ')}${leastCover ? `, least cover ${leastCover}` : ''}`,
    op: 'vertexMotion',
    inputs: [
      { n, h, w, c: 3, range: [-20, 20] },
      { n, h, w, c: 4, range: lanes },
      ...Array.from({ length: meshes }, () => mesh),
    ],
    build: (graph, inputs) =>
      vertexMotion(graph, 'motion', nthValue(inputs, 0), nthValue(inputs, 1), oneOrTwo(inputs.slice(2)), {
        scale: SCALE,
        ...(leastCover !== undefined && { leastCover }),
      }),
    reference: (inputs) =>
      vertexMotionReference(inputOf(inputs, 0), inputOf(inputs, 1), inputs.slice(2), SCALE, leastCover),
    ...(bench && { bench }),
  }
}

/** Of the mesh that was rasterised: its own vertices lie on the surface, behind it or at its rim. */
function rasterisedCase(meshes: 1 | 2): OpCase {
  const [n, height, width, vertices] = [2, 41, 35, 43]
  const rules = { height, width, triangles: randomTriangles(40, vertices) }
  const mesh = { n, h: 1, w: vertices, c: 3, range: [-3, 40] as const }
  return {
    name: `vertexMotion of a rasterised mesh, ${meshes} mesh${meshes > 1 ? 'es' : ''}`,
    op: 'vertexMotion',
    inputs: [{ n, h: height, w: width, c: 3 }, ...Array.from({ length: meshes }, () => mesh)],
    build: (graph, inputs) => {
      const fragments = rasterise(graph, 'rasterise', nthValue(inputs, 1), rules)
      return vertexMotion(graph, 'motion', nthValue(inputs, 0), fragments, oneOrTwo(inputs.slice(1)), {
        scale: 3,
      })
    },
    reference: (inputs) =>
      vertexMotionReference(
        inputOf(inputs, 0),
        rasteriseReference(inputOf(inputs, 1), rules),
        inputs.slice(1),
        3,
      ),
  }
}

/**
 * With attributes of the vertices' places beside the motion: the first ones of these, 3, 6 or 7 channels.
 * @param whole see `VertexMotionAttrs`
 */
function besideCase(meshes: 1 | 2, channels: 3 | 6 | 7, whole = false): OpCase {
  const [n, h, w, vertices, scale] = [2, 23, 31, 75, 1 / 4]
  const mesh = { n, h: 1, w: vertices, c: 3, range: [-2, 33] as const }
  const origin = [12, -30, 4] as const
  const parts = [
    { kind: 'position', scale: 2, origin },
    { kind: 'difference', scale: 3 },
    { kind: 'depth', scale: 5 },
  ] as const
  return {
    name: `vertexMotion ${n}x${h}x${w} beside ${channels} channels, ${meshes} x ${vertices}${whole ? ', whole' : ''}`,
    op: 'vertexMotion',
    inputs: [
      { n, h, w, c: 3, range: [-20, 20] },
      { n, h, w, c: 4, range: [-12, 60] },
      ...Array.from({ length: meshes }, () => mesh),
    ],
    build: (graph, inputs) =>
      vertexMotion(graph, 'motion', nthValue(inputs, 0), nthValue(inputs, 1), oneOrTwo(inputs.slice(2)), {
        scale,
        whole,
        beside: parts.slice(0, Math.ceil(channels / 3)),
      }),
    reference: (inputs) => {
      const known = inputs.slice(2)
      const [flow, fragments] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      const at = (m: number, b: number, v: number, axis: number) =>
        elementOf(inputOf(known, m), b, 0, v, axis)
      const places = refTensor(n, 1, vertices, channels, (b, _y, v, c) => {
        if (c < 3) return 2 * (at(0, b, v, c) - (origin[c] ?? 0))
        return c < 6 ? 3 * (at(1, b, v, c - 3) - at(0, b, v, c - 3)) : 5 * at(0, b, v, 2)
      })
      return concatReference([places, vertexMotionReference(flow, fragments, known, scale, undefined, whole)])
    },
  }
}

function oneOrTwo(meshes: readonly Value[]): readonly [Value] | readonly [Value, Value] {
  const first = nthValue(meshes, 0)
  return meshes.length === 2 ? [first, nthValue(meshes, 1)] : [first]
}

export const vertexMotionCases: OpCase[] = [
  ...table.map(scatteredCase),
  rasterisedCase(1),
  rasterisedCase(2),
  besideCase(1, 3),
  besideCase(2, 3, true),
  besideCase(2, 6),
  besideCase(2, 7, true),
]
