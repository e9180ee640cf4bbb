import type { Rgba } from './types.js'

/**
 * Colour between the pixels of a picture, bilinear; beyond the border its pixels go on.
 * @param x px, pixel centres at integers
 * @param out receives R, G and B, levels, not rounded
 * @param levels for R, G and B what each of the 256 levels counts as; default the level itself
 */
export function sampleColour(
  { width, height, data }: Rgba,
  x: number,
  y: number,
  out: Float64Array | number[],
  levels?: readonly Float64Array[],
): void {
  const px = Math.max(0, Math.min(width - 1, x))
  const py = Math.max(0, Math.min(height - 1, y))
  const left = Math.floor(px)
  const top = Math.floor(py)
  const fx = px - left
  const fy = py - top
  const corner = 4 * (top * width + left)
  const right = corner + (left < width - 1 ? 4 : 0)
  const down = top < height - 1 ? 4 * width : 0
  for (let c = 0; c < 3; c++) {
    const counted = levels?.[c]
    const above = (1 - fx) * level(data, corner + c, counted) + fx * level(data, right + c, counted)
    const below =
      (1 - fx) * level(data, corner + down + c, counted) + fx * level(data, right + down + c, counted)
    out[c] = (1 - fy) * above + fy * below
  }
}

function level(data: Rgba['data'], index: number, counted: Float64Array | undefined): number {
  const value = data[index] as number
  return counted ? (counted[value] as number) : value
}
