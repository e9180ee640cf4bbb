import { FOLLOW_OPENINGS_DEFAULTS, followOpenings } from '../../src/ops/flow/follow-openings.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

const table: readonly {
  /** n, h, w and how many gaps. */
  readonly at: readonly [number, number, number, number]
  /** Of all numbers of the edges: places from 0 to the size, directions as they fall. */
  readonly edges: readonly [number, number]
  readonly lanes: readonly [number, number]
  readonly source: 0 | 1
  readonly bench?: boolean
}[] = [
  { at: [1, 37, 29, 5], edges: [-4, 33], lanes: [-9, 60], source: 0 },
  { at: [2, 19, 33, 3], edges: [-2, 30], lanes: [-9, 60], source: 1 },
  // Edges without a direction are none; one pixel; no face.
  { at: [1, 17, 9, 4], edges: [0, 0], lanes: [1, 9], source: 0 },
  { at: [1, 1, 1, 2], edges: [-3, 3], lanes: [1, 2], source: 1 },
  { at: [1, 9, 7, 1], edges: [0, 8], lanes: [-9, -1], source: 0 },
  { at: [1, 224, 224, 23], edges: [40, 180], lanes: [-9, 300], source: 0, bench: true },
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
      for (const c of [0, 1]) sum[c] = (sum[c] as number) + weight * elementOf(flow, b, py, px, c)
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
  const { behind, tolerance } = FOLLOW_OPENINGS_DEFAULTS
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

export const followOpeningsCases: OpCase[] = table.map(
  ({ at: [n, h, w, gaps], edges: range, lanes, source, bench }): OpCase => {
    const { reach } = FOLLOW_OPENINGS_DEFAULTS
    const attrs = { ...FOLLOW_OPENINGS_DEFAULTS, source }
    return {
      name: `followOpenings ${n}x${h}x${w}, ${gaps} gaps of ${range.join(' to ')}, from image ${source}`,
      op: 'followOpenings',
      inputs: [
        { n, h, w, c: 3, range: [-6, 6] },
        { n, h, w, c: 4, range: lanes },
        { n, h: 4, w: gaps, c: 4, range },
      ],
      build: (graph, inputs) =>
        followOpenings(
          graph,
          'followed',
          nthValue(inputs, 0),
          nthValue(inputs, 1),
          nthValue(inputs, 2),
          attrs,
        ),
      reference: (inputs) => {
        const [flow, fragments, edges] = [inputOf(inputs, 0), inputOf(inputs, 1), inputOf(inputs, 2)]
        const changes = Array.from({ length: n }, (_, b) =>
          Array.from({ length: gaps }, (__, gap) => gapChange(flow, fragments, edges, { b, gap, source })),
        )
        return refTensor(n, h, w, 3, (b, y, x, c) => {
          const own = elementOf(flow, b, y, x, c)
          if (c === 2 || elementOf(fragments, b, y, x, 3) < 0) return own
          let [sum, weights] = [0, 0]
          for (const { edges: ends, moves } of changes[b] as GapChange[]) {
            for (const [side, [ex, ey, ox, oy]] of ends.entries()) {
              const near = 1 - ((x - ex) ** 2 + (y - ey) ** 2) / reach ** 2
              if (near <= 0 || (ox === 0 && oy === 0)) continue
              const weight = near ** 4 / (1 + Math.exp(-((x - ex) * ox + (y - ey) * oy + 0.5) / 0.5))
              weights += weight
              sum += weight * ((moves[side] as readonly number[])[c] as number)
            }
          }
          return own + sum / (weights + 0.01)
        })
      },
      ...(bench && { bench }),
    }
  },
)
