import { flowOnFace } from '../../src/ops/flow/flow-on-face.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

/** Radius of the mean of dz. */
const RADIUS = 4

const table: readonly {
  readonly at: readonly [number, number, number]
  /** Of the fragments' lanes: no face where the last is negative. */
  readonly lanes: readonly [number, number]
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
]

export const flowOnFaceCases: OpCase[] = table.map(({ at: [n, h, w], lanes, bench }): OpCase => {
  const scale = 20
  return {
    name: `flowOnFace ${n}x${h}x${w}, fragments ${lanes.join(' to ')}`,
    op: 'flowOnFace',
    inputs: [
      { n, h, w, c: 3, range: [-1, 1] },
      { n, h, w, c: 4, range: lanes },
    ],
    build: (graph, inputs) => flowOnFace(graph, 'flow', nthValue(inputs, 0), nthValue(inputs, 1), scale),
    reference: (inputs) => {
      const [flow, fragments] = [inputOf(inputs, 0), inputOf(inputs, 1)]
      const isFace = (b: number, y: number, x: number) => elementOf(fragments, b, y, x, 3) >= 0
      return refTensor(n, h, w, 3, (b, y, x, c) => {
        if (!isFace(b, y, x)) return 0
        if (c < 2) return scale * elementOf(flow, b, y, x, c)
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
        return (scale * sum) / total
      })
    },
    ...(bench && { bench }),
  }
})
