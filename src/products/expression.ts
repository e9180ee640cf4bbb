import { at } from '../geometry/array.js'
import { applySimilarity3, type Similarity3 } from '../geometry/similarity3.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'

const N = TEMPLATE_SIZE

/**
 * Flow that the rigid motion alone would cause on the visible surface.
 * @returns 224x224x3, zero off the mask
 */
export function rigidFlow(
  rigid: Similarity3,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(N * N * 3)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const i = y * N + x
      if (mask[i] === 0) continue
      const z = at(depth, i)
      const [u, v, w] = applySimilarity3(rigid, x + 0.5, y + 0.5, z)
      out[3 * i] = u - x - 0.5
      out[3 * i + 1] = v - y - 0.5
      out[3 * i + 2] = w - z
    }
  }
  return out
}

/** What is left of the flow when the rigid motion is taken away. @returns 224x224x3, zero off the mask */
export function expressionFlow(
  flow: ArrayLike<number>,
  rigid: Similarity3,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): Float32Array {
  const out = rigidFlow(rigid, mask, depth)
  for (let i = 0; i < out.length; i++) {
    if (mask[Math.floor(i / 3)] !== 0) out[i] = at(flow, i) - at(out, i)
  }
  return out
}
