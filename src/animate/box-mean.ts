/**
 * Means over squares about each pixel, cut off at the border, by running sums.
 * @param values h*w*channels
 * @param radius half the square's side, px
 */
export function boxMean(
  values: Float32Array,
  width: number,
  height: number,
  radius: number,
  channels = 1,
): Float32Array {
  const rows = runningMean(values, width, height, channels, width * channels, radius, channels)
  return runningMean(rows, height, width, width * channels, channels, radius, channels)
}

function runningMean(
  values: Float32Array,
  count: number,
  lines: number,
  step: number,
  stride: number,
  radius: number,
  channels: number,
): Float32Array {
  const out = new Float32Array(values.length)
  for (let line = 0; line < lines; line++) {
    for (let c = 0; c < channels; c++) {
      const base = line * stride + c
      let sum = 0
      for (let k = 0; k < Math.min(radius, count); k++) sum += values[base + k * step] as number
      for (let k = 0; k < count; k++) {
        if (k + radius < count) sum += values[base + (k + radius) * step] as number
        if (k - radius - 1 >= 0) sum -= values[base + (k - radius - 1) * step] as number
        const inside = Math.min(count - 1, k + radius) - Math.max(0, k - radius) + 1
        out[base + k * step] = sum / inside
      }
    }
  }
  return out
}
