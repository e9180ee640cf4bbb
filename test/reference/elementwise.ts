import type { RefTensor } from '../cases/case.js'
import { elementOf, inputOf, mapTensor, refTensor } from './dense.js'

export const activationReferences = {
  relu: (x: number) => Math.max(x, 0),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  tanh: (x: number) => Math.tanh(x),
}

export function leakyReference(input: RefTensor, slope: (channel: number) => number): RefTensor {
  return mapTensor(input, (x, c) => (x > 0 ? x : slope(c) * x))
}

/** A right operand of one channel meets every channel of the left one. */
export function binaryReference(
  inputs: readonly RefTensor[],
  f: (left: number, right: number) => number,
): RefTensor {
  const left = inputOf(inputs, 0)
  const right = inputOf(inputs, 1)
  return refTensor(left.n, left.h, left.w, left.c, (n, y, x, c) =>
    f(elementOf(left, n, y, x, c), elementOf(right, n, y, x, right.c === 1 ? 0 : c)),
  )
}
