import { type ResizeAttrs, resize } from '../../src/ops/image/resize.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { inputOf } from '../reference/dense.js'
import { bilinearReference, nearestReference } from '../reference/resize.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

interface ResizeCase extends ResizeAttrs {
  readonly n?: number
  readonly from: readonly [number, number]
  readonly c: number
  readonly bench?: boolean
}

const table: ResizeCase[] = [
  { from: [7, 7], c: 3, height: 14, width: 14, mode: 'bilinear' },
  { from: [1, 1], c: 1, height: 2, width: 2, mode: 'bilinear' },
  { from: [5, 3], c: 5, height: 10, width: 6, mode: 'bilinear', n: 2 },
  { from: [4, 4], c: 3, height: 7, width: 7, mode: 'bilinear' },
  { from: [1, 1], c: 4, height: 5, width: 3, mode: 'bilinear' },
  { from: [13, 9], c: 1, height: 1, width: 1, mode: 'bilinear' },
  { from: [13, 9], c: 5, height: 4, width: 6, mode: 'bilinear' },
  { from: [6, 10], c: 2, height: 12, width: 13, mode: 'bilinear', n: 2 },
  { from: [7, 5], c: 3, height: 14, width: 10, mode: 'bilinear', alignCorners: true },
  { from: [7, 5], c: 6, height: 3, width: 11, mode: 'bilinear', alignCorners: true },
  { from: [7, 5], c: 1, height: 1, width: 1, mode: 'bilinear', alignCorners: true },
  { from: [1, 5], c: 1, height: 4, width: 5, mode: 'bilinear', alignCorners: true },
  { from: [5, 7], c: 3, height: 10, width: 14, mode: 'nearest' },
  { from: [13, 9], c: 5, height: 5, width: 4, mode: 'nearest', n: 2 },
  { from: [3, 3], c: 1, height: 7, width: 1, mode: 'nearest' },
  { from: [112, 112], c: 3, height: 224, width: 224, mode: 'bilinear', bench: true },
]

const tableCases = table.map(({ n = 1, from: [h, w], c, bench = false, ...attrs }): OpCase => {
  const { height, width, mode, alignCorners = false } = attrs
  return {
    name: `resize ${mode}${alignCorners ? ' corners' : ''} ${n}x${h}x${w}x${c} -> ${height}x${width}`,
    op: 'resize',
    inputs: [{ n, h, w, c }],
    build: (graph, inputs) => resize(graph, 'resize', nthValue(inputs, 0), attrs),
    reference: (inputs) =>
      mode === 'nearest'
        ? nearestReference(inputOf(inputs, 0), height, width)
        : bilinearReference(inputOf(inputs, 0), height, width, alignCorners),
    variants: [{ schedule: 'software' }, { schedule: 'hardware' }, { schedule: 'software', variant: 'any' }],
    bench,
  }
})

const ofConcatenation: OpCase = {
  name: 'resize bilinear of a concatenation 2x3x5x(3+2) -> 6x10',
  op: 'resize',
  inputs: [3, 2].map((c) => ({ n: 2, h: 3, w: 5, c })),
  build: (graph, inputs) =>
    resize(graph, 'resize', concat(graph, 'concat', inputs), { height: 6, width: 10, mode: 'bilinear' }),
  reference: (inputs) => bilinearReference(concatReference(inputs), 6, 10, false),
}

export const resizeCases: OpCase[] = [...tableCases, ofConcatenation]
