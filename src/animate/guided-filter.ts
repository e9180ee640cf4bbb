import type { Rgba } from '../geometry/types.js'
import { boxMean } from './box-mean.js'

/** Radius, as a share of the picture's longer side, and the variance of grey below which there is no edge. */
const RADIUS = 0.012
const NO_EDGE = 6e-4

/**
 * Leads the edges of a map along those of a picture (He, Sun and Tang, "Guided image filtering", 2013; guide: grey).
 * @param map h*w
 * @returns h*w
 */
export function guidedFilter(map: Float32Array, guide: Rgba): Float32Array {
  const { width, height, data } = guide
  const radius = Math.max(1, Math.round(RADIUS * Math.max(width, height)))
  const grey = new Float32Array(width * height)
  for (let i = 0; i < grey.length; i++) {
    const [r, g, b] = [data[4 * i] as number, data[4 * i + 1] as number, data[4 * i + 2] as number]
    grey[i] = (0.299 * r + 0.587 * g + 0.114 * b) / 255
  }
  const mean = (values: Float32Array) => boxMean(values, width, height, radius)
  const product = (a: Float32Array, b: Float32Array) => a.map((value, i) => value * (b[i] as number))
  const [meanGrey, meanMap] = [mean(grey), mean(map)]
  const [meanSquare, meanProduct] = [mean(product(grey, grey)), mean(product(grey, map))]
  const slope = new Float32Array(map.length)
  const offset = new Float32Array(map.length)
  for (let i = 0; i < map.length; i++) {
    const [g, m] = [meanGrey[i] as number, meanMap[i] as number]
    slope[i] = ((meanProduct[i] as number) - g * m) / ((meanSquare[i] as number) - g * g + NO_EDGE)
    offset[i] = m - (slope[i] as number) * g
  }
  const [meanSlope, meanOffset] = [mean(slope), mean(offset)]
  return grey.map((value, i) =>
    Math.max(0, Math.min(1, (meanSlope[i] as number) * value + (meanOffset[i] as number))),
  )
}
