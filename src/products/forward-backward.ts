import { TEMPLATE_SIZE } from '../geometry/types.js'

const N = TEMPLATE_SIZE

/** Spread of the confidence: forward-backward error at which it has fallen to 0.61, template px. */
const CONFIDENCE_SIGMA = 1.5

/**
 * Forward-backward consistency: a point carried to B by the forward flow and back by the backward flow
 * should come home. Lengths are those of (dx, dy): dz is the part of the flow with the largest errors, which say nothing about
 * what is hidden.
 * @param forward 224x224x3 on `maskA`
 * @param backward 224x224x3 on `maskB`
 * @returns `error` 224x224, |F + B| in template px, 0 where the point lands off the face of B, which has no flow back; `confidence`
 * 224x224 in [0, 1], 0 there; both zero off `maskA`
 */
export function forwardBackward(
  forward: ArrayLike<number>,
  maskA: ArrayLike<number>,
  backward: ArrayLike<number>,
  maskB: ArrayLike<number>,
): { error: Float32Array; confidence: Float32Array } {
  const errors = new Float32Array(N * N)
  const confidence = new Float32Array(N * N)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const i = y * N + x
      if (maskA[i] === 0) continue
      const dx = forward[3 * i] as number
      const dy = forward[3 * i + 1] as number
      // As sampleMasked, of two channels: this runs for every pixel of the face.
      const u = x + 0.5 + dx - 0.5
      const v = y + 0.5 + dy - 0.5
      const left = Math.floor(u)
      const top = Math.floor(v)
      let [share, bx, by] = [0, 0, 0]
      for (let k = 0; k < 4; k++) {
        const px = left + (k & 1)
        const py = top + (k >> 1)
        if (px < 0 || py < 0 || px >= N || py >= N) continue
        const j = py * N + px
        if (maskB[j] === 0) continue
        const w = ((k & 1) === 0 ? 1 - (u - left) : u - left) * (k >> 1 === 0 ? 1 - (v - top) : v - top)
        share += w
        bx += w * (backward[3 * j] as number)
        by += w * (backward[3 * j + 1] as number)
      }
      if (share < 0.5) continue
      const error = Math.hypot(dx + bx / share, dy + by / share)
      errors[i] = error
      confidence[i] = Math.exp(-(error ** 2) / (2 * CONFIDENCE_SIGMA ** 2))
    }
  }
  return { error: errors, confidence }
}
