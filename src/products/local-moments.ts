/**
 * Means over squares of (2 radius + 1)^2 pixels, of the pixels under the mask alone, by a summed-area table: the time does not grow
 * with the radius.
 * @param values width x width
 * @param mask width x width; 0 off it
 * @returns 0 off the mask
 */
export function localMean(
  values: ArrayLike<number>,
  mask: ArrayLike<number>,
  width: number,
  radius: number,
): Float64Array {
  const stride = width + 1
  const sums = new Float64Array(stride * stride)
  const counts = new Float64Array(stride * stride)
  for (let y = 0; y < width; y++) {
    let [sum, count] = [0, 0]
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      if (mask[i] !== 0) {
        sum += values[i] as number
        count++
      }
      const below = (y + 1) * stride + x + 1
      sums[below] = (sums[below - stride] as number) + sum
      counts[below] = (counts[below - stride] as number) + count
    }
  }
  const out = new Float64Array(width * width)
  for (let y = 0; y < width; y++) {
    const top = Math.max(0, y - radius) * stride
    const bottom = Math.min(width, y + radius + 1) * stride
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue
      const left = Math.max(0, x - radius)
      const right = Math.min(width, x + radius + 1)
      const inSquare = (table: Float64Array): number =>
        (table[bottom + right] as number) -
        (table[top + right] as number) -
        (table[bottom + left] as number) +
        (table[top + left] as number)
      out[y * width + x] = inSquare(sums) / inSquare(counts)
    }
  }
  return out
}
