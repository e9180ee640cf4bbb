import { type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { localMean } from './local-moments.js'

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

/** Half side of the squares in which the pictures are compared, px, and of those over which their difference is averaged. */
const PATCH = 5
const PATCH_DIFFERENCE = 3
/** Variance of noise, grey levels squared: it keeps patches without texture from disagreeing by it. */
const NOISE_VARIANCE = 16

/**
 * How much each sign of occlusion weighs: logistic regression on 96 pairs with exact visibility (a third each of rendered heads, warped
 * photos and heads of a second model), as is the limit, chosen so that about as many pixels are missed as are called hidden
 * wrongly. Signs are cut off where they stop telling more.
 */
const WEIGHT = { bias: -5.31, error: 0.387, difference: 0.0565, structure: 0.0618, correlation: 0.936 }
const MOST = { error: 8, difference: 60, structure: 40 }
const HIDDEN_PROBABILITY = 0.2

/**
 * What of A is hidden in B. The flow of a hidden point is a guess that fits its surroundings and often comes home, so consistency
 * alone misses most of it; but B does not look like A there. Where a point lands off the mesh of B says little: the rim of the mesh
 * is not that of the face.
 * @param error 224x224 of {@link forwardBackward}
 * @param a registered A, 224x224
 * @param moved 224x224x3, B moved back to A and with A's exposure, grey levels
 * @param mask 224x224, the face of A
 * @returns 224x224 of 0/1; zero off the mask
 */
export function occlusionMap(
  error: ArrayLike<number>,
  a: Rgba,
  moved: ArrayLike<number>,
  mask: ArrayLike<number>,
): Uint8Array {
  const pixels = N * N
  const greyA = new Float64Array(pixels)
  const greyB = new Float64Array(pixels)
  const differences = new Float64Array(pixels)
  for (let i = 0; i < pixels; i++) {
    if (mask[i] === 0) continue
    for (let c = 0; c < 3; c++) {
      const [of, back] = [a.data[4 * i + c] as number, moved[3 * i + c] as number]
      greyA[i] = (greyA[i] as number) + (LUMINANCE[c] as number) * of
      greyB[i] = (greyB[i] as number) + (LUMINANCE[c] as number) * back
      differences[i] = (differences[i] as number) + Math.abs(of - back) / 3
    }
  }
  const mean = (values: ArrayLike<number>) => localMean(values, mask, N, PATCH)
  const product = (u: Float64Array, v: Float64Array) => u.map((value, i) => value * (v[i] as number))
  const [meanA, meanB] = [mean(greyA), mean(greyB)]
  const [squareA, squareB, both] = [
    mean(product(greyA, greyA)),
    mean(product(greyB, greyB)),
    mean(product(greyA, greyB)),
  ]
  const difference = localMean(differences, mask, N, PATCH_DIFFERENCE)
  const threshold = Math.log(HIDDEN_PROBABILITY / (1 - HIDDEN_PROBABILITY))
  return Uint8Array.from({ length: pixels }, (_, i) => {
    if (mask[i] === 0) return 0
    const [ma, mb] = [meanA[i] as number, meanB[i] as number]
    const varianceA = Math.max(0, (squareA[i] as number) - ma * ma)
    const varianceB = Math.max(0, (squareB[i] as number) - mb * mb)
    const covariance = (both[i] as number) - ma * mb
    const structure = Math.sqrt(Math.max(0, varianceA + varianceB - 2 * covariance))
    const correlation = covariance / Math.sqrt((varianceA + NOISE_VARIANCE) * (varianceB + NOISE_VARIANCE))
    const evidence =
      WEIGHT.bias +
      WEIGHT.error * Math.min(MOST.error, error[i] as number) +
      WEIGHT.difference * Math.min(MOST.difference, difference[i] as number) +
      WEIGHT.structure * Math.min(MOST.structure, structure) +
      WEIGHT.correlation * (1 - correlation)
    return evidence > threshold ? 1 : 0
  })
}

/** Of R, G and B. */
const LUMINANCE = [0.299, 0.587, 0.114]
