import { VERTEX_MOTION } from '../../src/ops/mesh/vertex-motion.js'
import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'
import { sampleReference } from './warp.js'

/** Three samples with zeros outside, of flow, depth and cover, each times the mask; straight from the definition. */
export function vertexMotionReference(
  flow: RefTensor,
  fragments: RefTensor,
  meshes: readonly RefTensor[],
  scale: number,
  leastCover: number = VERTEX_MOTION.leastCover,
  whole = false,
): RefTensor {
  const [first, second] = meshes
  if (first === undefined) throw new RangeError('there is no mesh')
  const masked = refTensor(flow.n, flow.h, flow.w, 5, (n, y, x, c) => {
    if (elementOf(fragments, n, y, x, 3) < 0) return 0
    return c < 3 ? elementOf(flow, n, y, x, c) : c === 3 ? elementOf(fragments, n, y, x, 0) : 1
  })
  return refTensor(flow.n, 1, first.w, 3, (n, _y, v, c) => {
    const [x = 0, y = 0, z = 0] = [0, 1, 2].map((axis) => elementOf(first, n, 0, v, axis))
    const sampled = (channel: number) => sampleReference(masked, n, y - 0.5, x - 0.5, channel, 'zero')
    const cover = sampled(4)
    const mean = (channel: number) => sampled(channel) / Math.max(cover, leastCover)
    const known = second ? elementOf(second, n, 0, v, c) - elementOf(first, n, 0, v, c) : 0
    const unseen = cover < leastCover || z - mean(3) >= VERTEX_MOTION.tolerance
    if (unseen) return whole ? known * scale : 0
    return (whole ? mean(c) : mean(c) - known) * scale
  })
}
