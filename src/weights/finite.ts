/**
 * Index of the first NaN or infinity, -1 if there is none. A loop of its own over arithmetic alone: there are some 10^7
 * weights, for which callbacks take a tenth of a second, and so do 10^7 looks at the global `Number` in a `node:vm` context.
 */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (value - value !== 0) return i
  }
  return -1
}
