/** `contrastOf` with all fields computed everywhere, in full resolution. */

import { at } from '../../src/geometry/array.js'
import { MESH_VERTICES, type Rgba, TEMPLATE_SIZE } from '../../src/geometry/types.js'

const FINE = 1.5
const COARSE = 5
const SPREAD_FLOOR = 4

/**
 * Local contrast at the vertices, of mean 0.
 * @param mesh 468x3, template px
 */
export function referenceContrast(registered: Rgba, mesh: ArrayLike<number>): Float64Array {
  const pixels = TEMPLATE_SIZE * TEMPLATE_SIZE
  const grey = new Float64Array(pixels)
  for (let i = 0; i < pixels; i++) {
    const { data } = registered
    grey[i] = 0.299 * at(data, 4 * i) + 0.587 * at(data, 4 * i + 1) + 0.114 * at(data, 4 * i + 2)
  }
  const coarse = blurred(grey, COARSE)
  const spread = blurred(
    grey.map((value, i) => (value - at(coarse, i)) ** 2),
    COARSE,
  )
  const contrast = blurred(grey, FINE).map(
    (value, i) => (value - at(coarse, i)) / (Math.sqrt(at(spread, i)) + SPREAD_FLOOR),
  )
  const look = new Float64Array(MESH_VERTICES)
  let mean = 0
  for (let v = 0; v < MESH_VERTICES; v++) {
    look[v] = sample(contrast, at(mesh, 3 * v) - 0.5, at(mesh, 3 * v + 1) - 0.5)
    mean += at(look, v) / MESH_VERTICES
  }
  return look.map((value) => value - mean)
}

/** Gaussian blur of a template frame, edges continued. */
function blurred(image: Float64Array, sigma: number): Float64Array {
  const n = TEMPLATE_SIZE
  const radius = Math.ceil(3 * sigma)
  const weights = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2)),
  )
  const total = weights.reduce((sum, w) => sum + w, 0)
  const kernel = Float64Array.from(weights, (w) => w / total)
  const line = new Float64Array(n + 2 * radius)
  const pass = (source: Float64Array, step: number, stride: number): Float64Array => {
    const out = new Float64Array(n * n)
    for (let row = 0; row < n; row++) {
      for (let i = 0; i < line.length; i++) {
        line[i] = source[row * stride + Math.min(n - 1, Math.max(0, i - radius)) * step] as number
      }
      for (let i = 0; i < n; i++) {
        let sum = 0
        for (let k = 0; k < kernel.length; k++) sum += (kernel[k] as number) * (line[i + k] as number)
        out[row * stride + i * step] = sum
      }
    }
    return out
  }
  return pass(pass(image, 1, n), n, 1)
}

/** Bilinear, edges continued. */
function sample(image: Float64Array, x: number, y: number): number {
  const last = TEMPLATE_SIZE - 1
  const [u, v] = [Math.min(last, Math.max(0, x)), Math.min(last, Math.max(0, y))]
  const [i, j] = [Math.min(last - 1, Math.floor(u)), Math.min(last - 1, Math.floor(v))]
  const [fx, fy] = [u - i, v - j]
  const pixel = (dx: number, dy: number) => at(image, (j + dy) * TEMPLATE_SIZE + i + dx)
  return (
    (1 - fy) * ((1 - fx) * pixel(0, 0) + fx * pixel(1, 0)) + fy * ((1 - fx) * pixel(0, 1) + fx * pixel(1, 1))
  )
}
