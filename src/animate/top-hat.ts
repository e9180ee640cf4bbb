import type { Rgba } from '../geometry/types.js'

/**
 * By how much each pixel is brighter or darker than anything as wide as a square that it is part of: what is narrow stands out, edges and
 * shades do not (white and black top hats of Serra, the largest of the three colours').
 * @param hidden h*w; pixels that are not 0 are no part of any square
 * @param reach half the square's side, px
 * @returns h*w, grey levels; 0 where hidden
 */
export function topHat({ width, height, data }: Rgba, hidden: Uint8Array, reach: number): Float32Array {
  const out = new Float32Array(width * height)
  for (let c = 0; c < 3; c++) {
    for (const sign of [1, -1]) {
      const values = out.map((_, i) => sign * (data[4 * i + c] as number))
      const open = opened(values, hidden, width, height, reach)
      for (let i = 0; i < out.length; i++) {
        if (hidden[i] === 0) out[i] = Math.max(out[i] as number, (values[i] as number) - (open[i] as number))
      }
    }
  }
  return out
}

function opened(
  values: Float32Array,
  hidden: Uint8Array,
  width: number,
  height: number,
  reach: number,
): Float32Array {
  const least = (map: Float32Array) => {
    return leastAround(leastAround(map, width, height, 1, width, reach), height, width, width, 1, reach)
  }
  const where = (map: Float32Array, sign: number) => {
    return map.map((value, i) => (hidden[i] === 0 ? sign * value : Number.POSITIVE_INFINITY))
  }
  return least(where(least(where(values, 1)), -1)).map((value) => -value)
}

/** Least value within `reach` along one axis, in a time that does not depend on it (van Herk 1992): of each block from its ends. */
function leastAround(
  values: Float32Array,
  count: number,
  lines: number,
  step: number,
  stride: number,
  reach: number,
): Float32Array {
  const block = 2 * reach + 1
  const padded = Math.ceil((count + 2 * reach) / block) * block
  const line = new Float32Array(padded).fill(Number.POSITIVE_INFINITY)
  const [before, after] = [new Float32Array(padded), new Float32Array(padded)]
  const out = new Float32Array(values.length)
  for (let l = 0; l < lines; l++) {
    for (let k = 0; k < count; k++) line[reach + k] = values[l * stride + k * step] as number
    for (let k = 0; k < padded; k++) {
      const value = line[k] as number
      before[k] = k % block === 0 ? value : Math.min(before[k - 1] as number, value)
    }
    for (let k = padded - 1; k >= 0; k--) {
      const value = line[k] as number
      after[k] = k % block === block - 1 ? value : Math.min(after[k + 1] as number, value)
    }
    for (let k = 0; k < count; k++) {
      out[l * stride + k * step] = Math.min(after[k] as number, before[k + 2 * reach] as number)
    }
  }
  return out
}
