import type { ConsistencyAttrs } from '../../src/ops/flow/consistency.js'
import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'
import { sampleReference } from './warp.js'

export function consistencyReference(
  forward: RefTensor,
  backward: RefTensor,
  mask: RefTensor | undefined,
  { scale, alpha, beta }: ConsistencyAttrs,
): RefTensor {
  const { n: batches, h, w } = forward
  return refTensor(batches, h, w, 3, (n, y, x, channel) => {
    if (mask && elementOf(mask, n, y, x, 0) === 0) return 0
    const there = [0, 1].map((k) => scale * elementOf(forward, n, y, x, k))
    const goalX = x + (there[0] ?? 0)
    const goalY = y + (there[1] ?? 0)
    const back = there.map((_, k) => scale * sampleReference(backward, n, goalY, goalX, k, 'clamp'))
    const square = (v: number[]) => v.reduce((sum, value) => sum + value * value, 0)
    const distance = Math.sqrt(square(there.map((value, k) => value + (back[k] ?? 0))))
    const threshold = alpha * (square(there) + square(back)) + beta
    const outside = goalX < -0.5 || goalY < -0.5 || goalX > w - 0.5 || goalY > h - 0.5
    if (channel === 0) return distance
    if (channel === 1) return outside || distance ** 2 > threshold ? 1 : 0
    return outside ? 0 : Math.exp(-distance / Math.sqrt(threshold))
  })
}
