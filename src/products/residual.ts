import { FaceError } from '../errors.js'
import { sampleColour } from '../geometry/sample-colour.js'
import { type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'

/** Mean absolute difference of B from A over the face mask, grey levels 0..255, averaged over RGB. */
export interface ResidualFigures {
  /** Registered B against registered A, before any motion is undone. */
  readonly before: number
  /** B warped by the flow against registered A. */
  readonly after: number
}

/** Residual of the pictures as they are, which light and exposure are part of, and without those. */
export interface PhotometricResidual extends ResidualFigures {
  /** After each channel of B was given the mean and the spread over the face that A has. */
  readonly exposureMatched: ResidualFigures
}

/**
 * Undoes a motion: resamples B at p + F(p), bilinear, so that it should look like A.
 * @param image registered B, 224x224
 * @param flow 224x224x3, template px
 * @param mask 224x224; black where 0. Samples beyond the border take the border's colour.
 */
export function warpByFlow(image: Rgba, flow: ArrayLike<number>, mask: ArrayLike<number>): Rgba {
  const n = requireTemplateSize(image)
  const data = new Uint8Array(n * n * 4)
  const colour = new Float64Array(3)
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const i = y * n + x
      data[4 * i + 3] = 255
      if (mask[i] === 0) continue
      sampleColour(image, x + (flow[3 * i] as number), y + (flow[3 * i + 1] as number), colour)
      for (let c = 0; c < 3; c++) data[4 * i + c] = Math.round(colour[c] as number)
    }
  }
  return { width: n, height: n, data }
}

/** Spread in grey levels below which a channel shows nothing that could be matched. */
const SPREAD_FLOOR = 1

/**
 * B with A's exposure: each channel scaled and shifted so that its mean and standard deviation over the mask are those of A.
 * Not rounded, and not cut off at black and white: what B lost there no exposure brings back.
 * @param a 224x224
 * @param b 224x224, registered or warped
 * @param mask 224x224
 * @returns 224x224x3 grey levels, also off the mask
 */
export function matchExposure(a: Rgba, b: Rgba, mask: ArrayLike<number>): Float32Array {
  const n = requireTemplateSize(a)
  requireTemplateSize(b)
  const out = new Float32Array(n * n * 3)
  for (let c = 0; c < 3; c++) {
    const [of, from] = [channelMoments(a, c, mask), channelMoments(b, c, mask)]
    const gain = from.spread < SPREAD_FLOOR ? 1 : of.spread / from.spread
    for (let i = 0; i < n * n; i++)
      out[3 * i + c] = of.mean + gain * ((b.data[4 * i + c] as number) - from.mean)
  }
  return out
}

function channelMoments(
  { data }: Rgba,
  channel: number,
  mask: ArrayLike<number>,
): { readonly mean: number; readonly spread: number } {
  let [count, sum, squares] = [0, 0, 0]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const value = data[4 * i + channel] as number
    count++
    sum += value
    squares += value * value
  }
  if (count === 0) return { mean: 0, spread: 0 }
  const mean = sum / count
  return { mean, spread: Math.sqrt(Math.max(0, squares / count - mean * mean)) }
}

/** Mean over the mask and RGB of |a - b|. @param b 224x224x3 of {@link matchExposure} */
function matchedDifference(a: Rgba, b: Float32Array, mask: ArrayLike<number>): number {
  let [sum, count] = [0, 0]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    for (let c = 0; c < 3; c++) sum += Math.abs((a.data[4 * i + c] as number) - (b[3 * i + c] as number))
    count += 3
  }
  return count > 0 ? sum / count : 0
}

/** Per pixel mean over RGB of |a - b|, grey levels; zero off the mask. @returns 224x224 */
export function absoluteDifference(a: Rgba, b: Rgba, mask: ArrayLike<number>): Float32Array {
  const n = requireTemplateSize(a)
  requireTemplateSize(b)
  const out = new Float32Array(n * n)
  for (let i = 0; i < n * n; i++) {
    if (mask[i] === 0) continue
    let sum = 0
    for (let k = 4 * i; k < 4 * i + 3; k++) sum += Math.abs((a.data[k] as number) - (b.data[k] as number))
    out[i] = sum / 3
  }
  return out
}

/**
 * Residual of B against A before and after the motion is undone, as the pictures are and after the exposure is matched, and its
 * map as they are; in grey levels (0 to 255).
 * @param mask of the images' size: where there is a flow, and the map is not 0
 * @param counted pixels of it that the figures are means of
 */
export function photometricResidual(
  a: Rgba,
  b: Rgba,
  warpedB: Rgba,
  mask: ArrayLike<number>,
  counted: ArrayLike<number> = mask,
): { residual: Float32Array; photometric: PhotometricResidual } {
  const residual = absoluteDifference(a, warpedB, mask)
  return {
    residual,
    photometric: {
      before: maskedMean(absoluteDifference(a, b, counted), counted),
      after: maskedMean(residual, counted),
      exposureMatched: {
        before: matchedDifference(a, matchExposure(a, b, counted), counted),
        after: matchedDifference(a, matchExposure(a, warpedB, counted), counted),
      },
    },
  }
}

/** Mean over the pixels where the mask is set; 0 for an empty mask. */
export function maskedMean(values: ArrayLike<number>, mask: ArrayLike<number>): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    sum += values[i] as number
    count++
  }
  return count > 0 ? sum / count : 0
}

function requireTemplateSize(image: Rgba): number {
  if (image.width !== TEMPLATE_SIZE || image.height !== TEMPLATE_SIZE) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `image of ${image.width}x${image.height}; a registered image has ${TEMPLATE_SIZE}x${TEMPLATE_SIZE} pixels`,
    )
  }
  return TEMPLATE_SIZE
}
