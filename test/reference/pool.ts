import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'

export interface PoolGeometry {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  /** Top and left. */
  readonly padding: readonly [number, number]
  readonly outHeight: number
  readonly outWidth: number
}

export function poolReference(input: RefTensor, mode: 'max' | 'avg', geometry: PoolGeometry): RefTensor {
  const { kernel, stride, padding, outHeight, outWidth } = geometry
  return refTensor(input.n, outHeight, outWidth, input.c, (n, y, x, c) => {
    const inside: number[] = []
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const sy = y * stride[0] + ky - padding[0]
        const sx = x * stride[1] + kx - padding[1]
        if (sy >= 0 && sy < input.h && sx >= 0 && sx < input.w) inside.push(elementOf(input, n, sy, sx, c))
      }
    }
    return mode === 'max' ? Math.max(...inside) : inside.reduce((sum, v) => sum + v, 0) / inside.length
  })
}
