import type { Similarity3 } from '../geometry/types.js'
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
  const [a, b, c, d, e, f, g, h, k] = rigid.rotation.map((r) => rigid.scale * r) as Nine
  const [tx, ty, tz] = rigid.translation
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const i = y * N + x
      if (mask[i] === 0) continue
      const [u, v, w] = [x + 0.5, y + 0.5, depth[i] as number]
      out[3 * i] = a * u + b * v + c * w + tx - u
      out[3 * i + 1] = d * u + e * v + f * w + ty - v
      out[3 * i + 2] = g * u + h * v + k * w + tz - w
    }
  }
  return out
}

type Nine = [number, number, number, number, number, number, number, number, number]

/** What is left of the flow when the rigid motion is taken away. @returns 224x224x3, zero off the mask */
export function expressionFlow(
  flow: ArrayLike<number>,
  rigid: Similarity3,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): Float32Array {
  const out = rigidFlow(rigid, mask, depth)
  for (let i = 0; i < N * N; i++) {
    if (mask[i] === 0) continue
    for (let k = 3 * i; k < 3 * i + 3; k++) out[k] = (flow[k] as number) - (out[k] as number)
  }
  return out
}
