import { addNode, type GraphBuilder, type Value } from '../../src/graph/graph.js'
import { flowOnFace, OPENING_DEFAULTS } from '../../src/ops/flow/flow-on-face.js'
import { unpackOp } from '../../src/ops/tensor/border.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

/** The input of a case as raw floats. */
function dense(graph: GraphBuilder, value: Value): Value {
  return addNode(graph, unpackOp, 'edges', {}, [value])
}

/** Radius of the mean of dz. */
const RADIUS = 4
/** px per unit of the flow. */
const SCALE = 20

const table: readonly {
  readonly at: readonly [number, number, number]
  /** Of the fragments' lanes: no face where the last is negative. */
  readonly lanes: readonly [number, number]
  /** How many lie in the image, of which all numbers fall between two bounds; from which image the flow starts. */
  readonly gaps?: {
    readonly count: number
    readonly range: readonly [number, number]
    readonly source: 0 | 1
  }
  readonly bench?: boolean
}[] = [
  { at: [1, 37, 29], lanes: [-30, 30] },
  { at: [2, 19, 33], lanes: [-9, 60] },
  // Smaller than the mean; one pixel; all face; no face.
  { at: [1, 3, 5], lanes: [-3, 9] },
  { at: [1, 1, 1], lanes: [1, 2] },
  { at: [1, 30, 31], lanes: [1, 9] },
  { at: [1, 9, 7], lanes: [-9, -1] },
  { at: [1, 224, 224], lanes: [-60, 300], bench: true },
  { at: [1, 13, 11], lanes: [-9, 60], gaps: { count: 3, range: [-1, 12], source: 0 } },
  { at: [1, 37, 29], lanes: [-9, 60], gaps: { count: 5, range: [-4, 33], source: 0 } },
  { at: [2, 19, 33], lanes: [-9, 60], gaps: { count: 3, range: [-2, 30], source: 1 } },
  // Edges without a direction are none; one pixel; no face.
  { at: [1, 17, 9], lanes: [1, 9], gaps: { count: 4, range: [0, 0], source: 0 } },
  { at: [1, 1, 1], lanes: [1, 2], gaps: { count: 2, range: [-3, 3], source: 1 } },
  { at: [1, 9, 7], lanes: [-9, -1], gaps: { count: 1, range: [0, 8], source: 0 } },
  { at: [1, 224, 224], lanes: [-9, 300], gaps: { count: 23, range: [40, 180], source: 0 }, bench: true },
]

/** (dx, dy) between the pixels of the face, and their share. */
function flowAt(flow: RefTensor, fragments: RefTensor, b: number, [x, y]: readonly number[]): number[] {
  const { h, w } = flow
  const clamped = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1)
  const [u, v] = [clamped(x as number, w), clamped(y as number, h)]
  const [left, top] = [Math.floor(u), Math.floor(v)]
  const sum = [0, 0, 0]
  for (const dy of [0, 1]) {
    for (const dx of [0, 1]) {
      const [px, py] = [Math.min(left + dx, w - 1), Math.min(top + dy, h - 1)]
      const weight = Math.abs(1 - dx - (u - left)) * Math.abs(1 - dy - (v - top))
      if (elementOf(fragments, b, py, px, 3) < 0) continue
      for (const c of [0, 1]) sum[c] = (sum[c] as number) + weight * SCALE * elementOf(flow, b, py, px, c)
      sum[2] = (sum[2] as number) + weight
    }
  }
  const share = sum[2] as number
  return [(sum[0] as number) / Math.max(share, 1e-6), (sum[1] as number) / Math.max(share, 1e-6), share]
}

type Edge = readonly [number, number, number, number]

/** Edges of a gap in the image that the flow starts from, and what either side is to move beyond its flow. */
interface GapChange {
  readonly edges: readonly [Edge, Edge]
  readonly moves: readonly [readonly number[], readonly number[]]
}

function gapChange(
  flow: RefTensor,
  fragments: RefTensor,
  edges: RefTensor,
  { b, gap, source }: { readonly b: number; readonly gap: number; readonly source: 0 | 1 },
): GapChange {
  const edge = (row: number): Edge =>
    [0, 1, 2, 3].map((c) => elementOf(edges, b, row, gap, c)) as unknown as Edge
  const { behind, tolerance } = OPENING_DEFAULTS
  const ends = [edge(2 * source), edge(2 * source + 1)] as const
  const seen = ends.map(([x, y, ox, oy]) => flowAt(flow, fragments, b, [x + behind * ox, y + behind * oy]))
  if (seen.some(([, , share]) => (share as number) <= 0.01))
    return {
      edges: ends,
      moves: [
        [0, 0],
        [0, 0],
      ],
    }
  const [up, down] = ends.map((from, side) => {
    const to = edge(2 - 2 * source + side)
    return [0, 1].map(
      (axis) => (to[axis] as number) - (from[axis] as number) - (seen[side]?.[axis] as number),
    )
  }) as [number[], number[]]
  const missed = up.map((value, axis) => value - (down[axis] as number))
  const believed = Math.max(0, 1 - tolerance ** 2 / Math.max(Math.hypot(...missed) ** 2, 1e-12))
  const share = Math.hypot(...up) / Math.max(Math.hypot(...up) + Math.hypot(...down), 1e-6)
  return {
    edges: ends,
    moves: [
      missed.map((value) => share * believed * value),
      missed.map((value) => (share - 1) * believed * value),
    ],
  }
}

/** By what all gaps move the pixel. */
function changeAt(changes: readonly GapChange[], y: number, x: number, axis: number): number {
  const { reach } = OPENING_DEFAULTS
  let [sum, weights] = [0, 0]
  for (const { edges, moves } of changes) {
    for (const [side, [ex, ey, ox, oy]] of edges.entries()) {
      const near = 1 - ((x - ex) ** 2 + (y - ey) ** 2) / reach ** 2
      if (near <= 0 || (ox === 0 && oy === 0)) continue
      const weight = near ** 4 / (1 + Math.exp(-((x - ex) * ox + (y - ey) * oy + 0.5) / 0.5))
      weights += weight
      sum += weight * ((moves[side] as readonly number[])[axis] as number)
    }
  }
  return sum / (weights + 0.01)
}

export const flowOnFaceCases: OpCase[] = table.map(({ at: [n, h, w], lanes, gaps, bench }): OpCase => {
  const led = gaps ? `, ${gaps.count} gaps of ${gaps.range.join(' to ')} from image ${gaps.source}` : ''
  return {
    name: `flowOnFace ${n}x${h}x${w}, fragments ${lanes.join(' to ')}${led}`,
    op: 'flowOnFace',
    inputs: [
      { n, h, w, c: 3, range: [-1, 1] },
      { n, h, w, c: 4, range: lanes },
      ...(gaps ? [{ n, h: 4, w: gaps.count, c: 4, range: gaps.range }] : []),
    ],
    build: (graph, inputs) => {
      const openings = gaps && {
        source: gaps.source,
        ...OPENING_DEFAULTS,
        edges: dense(graph, nthValue(inputs, 2)),
      }
      return flowOnFace(graph, 'flow', nthValue(inputs, 0), nthValue(inputs, 1), SCALE, openings)
    },
    reference: (inputs) => {
      const [flow, fragments] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      const isFace = (b: number, y: number, x: number) => elementOf(fragments, b, y, x, 3) >= 0
      const changes = Array.from({ length: n }, (_, b) =>
        Array.from({ length: gaps?.count ?? 0 }, (__, gap) =>
          gapChange(flow, fragments, inputOf(inputs, 2), { b, gap, source: gaps?.source ?? 0 }),
        ),
      )
      return refTensor(n, h, w, 3, (b, y, x, c) => {
        if (!isFace(b, y, x)) return 0
        if (c < 2) return SCALE * elementOf(flow, b, y, x, c) + changeAt(changes[b] as GapChange[], y, x, c)
        let [sum, total] = [0, 0]
        for (let v = Math.max(0, y - RADIUS); v <= Math.min(h - 1, y + RADIUS); v++) {
          for (let u = Math.max(0, x - RADIUS); u <= Math.min(w - 1, x + RADIUS); u++) {
            if (!isFace(b, v, u)) continue
            const half = (distance: number) => (Math.abs(distance) === RADIUS ? 0.5 : 1)
            const weight = half(v - y) * half(u - x)
            sum += weight * elementOf(flow, b, v, u, 2)
            total += weight
          }
        }
        return (SCALE * sum) / total
      })
    },
    ...(bench && { bench }),
  }
})
