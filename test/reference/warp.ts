import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'

/** Bilinear sample at (x, y) in pixels, pixel centres at whole numbers. */
export function sampleReference(
  input: RefTensor,
  n: number,
  y: number,
  x: number,
  c: number,
  border: 'zero' | 'clamp',
): number {
  const top = Math.floor(y)
  const left = Math.floor(x)
  let sum = 0
  for (const row of [top, top + 1]) {
    for (const column of [left, left + 1]) {
      const weight = (1 - Math.abs(y - row)) * (1 - Math.abs(x - column))
      const inside = row >= 0 && row < input.h && column >= 0 && column < input.w
      if (inside) sum += weight * elementOf(input, n, row, column, c)
      else if (border === 'clamp') {
        const nearestRow = Math.min(Math.max(row, 0), input.h - 1)
        const nearestColumn = Math.min(Math.max(column, 0), input.w - 1)
        sum += weight * elementOf(input, n, nearestRow, nearestColumn, c)
      }
    }
  }
  return sum
}

export function warpReference(
  input: RefTensor,
  flow: RefTensor,
  scale: number,
  border: 'zero' | 'clamp',
): RefTensor {
  return refTensor(input.n, input.h, input.w, input.c, (n, y, x, c) => {
    const dx = scale * elementOf(flow, n, y, x, 0)
    const dy = scale * elementOf(flow, n, y, x, 1)
    return sampleReference(input, n, y + dy, x + dx, c, border)
  })
}
