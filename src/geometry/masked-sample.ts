import { TEMPLATE_SIZE } from './types.js'

const N = TEMPLATE_SIZE

/**
 * Bilinear sample of a masked field at a point between pixels. Neighbours off the mask do not count, so
 * that values at the rim are not pulled towards the zeros beyond it.
 * @param field 224x224x`channels`
 * @param mask 224x224; 0 = no value there
 * @param x template px, pixel centres at integer + 0.5
 * @param out receives `channels` numbers
 * @returns share in [0, 1] of the bilinear weight that lay on the mask; 0 leaves `out` zero
 */
export function sampleMasked(
  field: ArrayLike<number>,
  channels: number,
  mask: ArrayLike<number>,
  x: number,
  y: number,
  out: Float64Array,
): number {
  out.fill(0)
  const left = Math.floor(x - 0.5)
  const top = Math.floor(y - 0.5)
  const fx = x - 0.5 - left
  const fy = y - 0.5 - top
  let sum = 0
  for (let j = 0; j < 2; j++) {
    for (let i = 0; i < 2; i++) {
      const px = left + i
      const py = top + j
      if (px < 0 || py < 0 || px >= N || py >= N || mask[py * N + px] === 0) continue
      const w = (i === 0 ? 1 - fx : fx) * (j === 0 ? 1 - fy : fy)
      sum += w
      for (let c = 0; c < channels; c++) {
        out[c] = (out[c] as number) + w * (field[(py * N + px) * channels + c] as number)
      }
    }
  }
  if (sum > 0) for (let c = 0; c < channels; c++) out[c] = (out[c] as number) / sum
  return sum
}
