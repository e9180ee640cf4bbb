import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'

export function reduceReference(
  input: RefTensor,
  result: 'mean' | 'min' | 'max',
  mask: RefTensor | undefined,
): RefTensor {
  return refTensor(input.n, 1, 1, input.c, (n, _y, _x, c) => {
    const values: number[] = []
    const weights: number[] = []
    for (let y = 0; y < input.h; y++) {
      for (let x = 0; x < input.w; x++) {
        const weight = mask ? elementOf(mask, n, y, x, 0) : 1
        if (weight === 0) continue
        values.push(elementOf(input, n, y, x, c))
        weights.push(weight)
      }
    }
    if (values.length === 0) return 0
    if (result === 'min') return Math.min(...values)
    if (result === 'max') return Math.max(...values)
    const total = weights.reduce((sum, w) => sum + w, 0)
    return values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0) / total
  })
}

export function differenceReference(a: RefTensor, b: RefTensor, error: 'squared' | 'absolute'): RefTensor {
  return refTensor(a.n, a.h, a.w, a.c, (n, y, x, c) => {
    const difference = elementOf(a, n, y, x, c) - elementOf(b, n, y, x, c)
    return error === 'squared' ? difference ** 2 : Math.abs(difference)
  })
}
