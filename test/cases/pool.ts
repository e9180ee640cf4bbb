import { poolAvg, poolMax } from '../../src/ops/tensor/pool.js'
import { inputOf } from '../reference/dense.js'
import { type PoolGeometry, poolReference } from '../reference/pool.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

interface PoolCase extends PoolGeometry {
  readonly input: readonly [number, number, number, number]
  /** As given to the op; the geometry is worked out by hand. */
  readonly given: number | 'same' | readonly [number, number, number, number]
}

const table: PoolCase[] = [
  {
    input: [1, 8, 8, 24],
    kernel: [2, 2],
    stride: [2, 2],
    given: 0,
    padding: [0, 0],
    outHeight: 4,
    outWidth: 4,
  },
  {
    input: [2, 7, 5, 3],
    kernel: [2, 2],
    stride: [2, 2],
    given: 'same',
    padding: [0, 0],
    outHeight: 4,
    outWidth: 3,
  },
  {
    input: [1, 7, 9, 5],
    kernel: [3, 3],
    stride: [2, 2],
    given: 1,
    padding: [1, 1],
    outHeight: 4,
    outWidth: 5,
  },
  {
    input: [1, 6, 6, 1],
    kernel: [3, 3],
    stride: [1, 1],
    given: 'same',
    padding: [1, 1],
    outHeight: 6,
    outWidth: 6,
  },
  {
    input: [1, 5, 8, 4],
    kernel: [5, 8],
    stride: [1, 1],
    given: 0,
    padding: [0, 0],
    outHeight: 1,
    outWidth: 1,
  },
  {
    input: [1, 5, 7, 2],
    kernel: [1, 3],
    stride: [2, 1],
    given: [0, 2, 0, 1],
    padding: [0, 1],
    outHeight: 3,
    outWidth: 8,
  },
]

export const poolCases: OpCase[] = table.flatMap((geometry) =>
  (['max', 'avg'] as const).map((mode): OpCase => {
    const { input, kernel, stride, given } = geometry
    const [n, h, w, c] = input
    return {
      name: `pool ${mode} ${kernel.join('x')} s${stride.join('x')} p${given} ${input.join('x')}`,
      op: 'pool',
      inputs: [{ n, h, w, c }],
      build: (graph, inputs) =>
        (mode === 'max' ? poolMax : poolAvg)(graph, 'pool', nthValue(inputs, 0), {
          kernel,
          stride,
          padding: given,
        }),
      reference: (inputs) => poolReference(inputOf(inputs, 0), mode, geometry),
    }
  }),
)
