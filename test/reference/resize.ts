import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)

/** Two neighbours and the weight of the second, for one axis. */
function neighbours(output: number, outSize: number, size: number, alignCorners: boolean) {
  const position = alignCorners
    ? outSize > 1
      ? (output * (size - 1)) / (outSize - 1)
      : 0
    : clamp(((output + 0.5) * size) / outSize - 0.5, 0, size - 1)
  const first = clamp(Math.floor(position), 0, size - 1)
  return [
    { at: first, weight: 1 - (position - first) },
    { at: Math.min(first + 1, size - 1), weight: position - first },
  ]
}

export function bilinearReference(input: RefTensor, h: number, w: number, alignCorners: boolean): RefTensor {
  return refTensor(input.n, h, w, input.c, (n, y, x, c) => {
    let sum = 0
    for (const row of neighbours(y, h, input.h, alignCorners)) {
      for (const column of neighbours(x, w, input.w, alignCorners)) {
        sum += row.weight * column.weight * elementOf(input, n, row.at, column.at, c)
      }
    }
    return sum
  })
}

export function nearestReference(input: RefTensor, h: number, w: number): RefTensor {
  return refTensor(input.n, h, w, input.c, (n, y, x, c) =>
    elementOf(input, n, Math.floor((y * input.h) / h), Math.floor((x * input.w) / w), c),
  )
}
