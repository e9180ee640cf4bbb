import { inputOf } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const shapes = [
  [1, 1, 1, 1],
  [1, 5, 7, 3],
  [1, 3, 4, 5],
  [2, 9, 2, 4],
  [3, 1, 13, 17],
  [1, 65, 3, 8],
] as const

/** Into the engine's layout and back: the result is the input. */
export const borderCases: OpCase[] = shapes.map(([n, h, w, c]) => ({
  name: `border ${n}x${h}x${w}x${c}`,
  op: 'border',
  inputs: [{ n, h, w, c }],
  build: (_, inputs) => nthValue(inputs, 0),
  reference: (inputs) => inputOf(inputs, 0),
  bounds: { nmse: 0, maxError: 0 },
}))
