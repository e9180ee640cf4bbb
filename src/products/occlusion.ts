import { TEMPLATE_SIZE } from '../geometry/types.js'

const N = TEMPLATE_SIZE

/** Spread of the confidence: forward-backward error at which it has fallen to 0.61, template px. */
const CONFIDENCE_SIGMA = 1.5

/**
 * Forward-backward error that is no sign of occlusion, template px. Both flows err by half a pixel to a pixel on
 * average and by several where the expression changes much; the half pixel that is usual for variational flow would
 * call a laughing cheek occluded.
 */
const OCCLUSION_FLOOR = 3

/** The same, relative to the squared lengths of both flows in the plane. */
const OCCLUSION_SHARE = 0.05

/**
 * Forward-backward consistency: a point carried to B by the forward flow and back by the backward flow
 * should come home. A pixel counts as occluded when |F + B|^2 exceeds a share of |F|^2 + |B|^2 plus a floor
 * (the form of the bound of Sundaram, Brox and Keutzer, ECCV 2010), or when it lands off the face of B. Lengths are
 * those of (dx, dy): dz is the part of the flow with the largest errors, which say nothing about what is hidden.
 * @param forward 224x224x3 on `maskA`
 * @param backward 224x224x3 on `maskB`
 * @returns `occlusion` 224x224 of 0/1 and `confidence` 224x224 in [0, 1]; both zero off `maskA`
 */
export function forwardBackward(
  forward: ArrayLike<number>,
  maskA: ArrayLike<number>,
  backward: ArrayLike<number>,
  maskB: ArrayLike<number>,
): { occlusion: Uint8Array; confidence: Float32Array } {
  const occlusion = new Uint8Array(N * N)
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
      if (share < 0.5) {
        occlusion[i] = 1
        continue
      }
      bx /= share
      by /= share
      const error = (dx + bx) ** 2 + (dy + by) ** 2
      const squares = dx * dx + dy * dy + bx * bx + by * by
      const bound = OCCLUSION_SHARE * squares + OCCLUSION_FLOOR ** 2
      occlusion[i] = error > bound ? 1 : 0
      confidence[i] = Math.exp(-error / (2 * CONFIDENCE_SIGMA ** 2))
    }
  }
  return { occlusion, confidence }
}
