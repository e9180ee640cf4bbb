import { at } from '../geometry/array.js'
import { sampleMasked } from '../geometry/masked-sample.js'
import { applySimilarity, invertSimilarity, similarityScale } from '../geometry/similarity.js'
import type { Similarity } from '../geometry/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'

/** A flow field in the pixels of the photos behind its frames. Fields are 224x224. */

const N = TEMPLATE_SIZE

/**
 * Where one photo point goes: q = T1^-1(p) moves to T2^-1(p + F_xy(p)).
 * @param x photo px of A
 * @returns the point in photo px of B, or null when (x, y) is off the face mask
 */
export function mapPhotoPoint(
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  toTemplateA: Similarity,
  toTemplateB: Similarity,
  x: number,
  y: number,
): [number, number] | null {
  const [px, py] = applySimilarity(toTemplateA, x, y)
  const step = new Float64Array(3)
  if (sampleMasked(flow, 3, mask, px, py, step) < 0.5) return null
  return applySimilarity(invertSimilarity(toTemplateB), px + at(step, 0), py + at(step, 1))
}

/**
 * The flow at the full resolution of photo A.
 * @param size pixels of photo A
 * @returns `flow` HxWx3: (dx, dy) from a pixel of A to its place in B, in photo px; dz is the template's
 *   depth change in px of photo A (divided by the scale of T1). `mask` HxW is 1 where it is defined;
 *   zero elsewhere.
 */
export function flowToPhoto(
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  toTemplateA: Similarity,
  toTemplateB: Similarity,
  size: { readonly width: number; readonly height: number },
): { flow: Float32Array; mask: Uint8Array } {
  const { width, height } = size
  const out = new Float32Array(width * height * 3)
  const outMask = new Uint8Array(width * height)
  const back = invertSimilarity(toTemplateB)
  const zScale = 1 / similarityScale(toTemplateA)
  const step = new Float64Array(3)
  const [x0, y0, x1, y1] = templateBounds(toTemplateA, width, height)
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const [px, py] = applySimilarity(toTemplateA, x + 0.5, y + 0.5)
      if (sampleMasked(flow, 3, mask, px, py, step) < 0.5) continue
      const [u, v] = applySimilarity(back, px + at(step, 0), py + at(step, 1))
      const i = y * width + x
      out[3 * i] = u - x - 0.5
      out[3 * i + 1] = v - y - 0.5
      out[3 * i + 2] = at(step, 2) * zScale
      outMask[i] = 1
    }
  }
  return { flow: out, mask: outMask }
}

/** Pixel range [x0, y0, x1, y1) of the photo that the template square covers. */
function templateBounds(
  toTemplate: Similarity,
  width: number,
  height: number,
): [number, number, number, number] {
  const back = invertSimilarity(toTemplate)
  const corners = [
    [0, 0],
    [N, 0],
    [0, N],
    [N, N],
  ].map(([x, y]) => applySimilarity(back, x as number, y as number))
  const xs = corners.map(([x]) => x)
  const ys = corners.map(([, y]) => y)
  return [
    Math.max(0, Math.floor(Math.min(...xs))),
    Math.max(0, Math.floor(Math.min(...ys))),
    Math.min(width, Math.ceil(Math.max(...xs))),
    Math.min(height, Math.ceil(Math.max(...ys))),
  ]
}
