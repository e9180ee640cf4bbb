import { type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'

const N = TEMPLATE_SIZE
/** Gaussians in template px: detail between the first two is compared with that between the last two. */
const FINE = 1
const MIDDLE = 2
const COARSE = 4
/** Px of the rim that are left out: hair and background begin there. */
const RIM = 6
/** Pixels of a face that say enough. */
const LEAST_PIXELS = 500

/**
 * How sharp a registered face is: spread of its grey levels between Gaussians of 1 and 2 px over that between 2 and 4 px. Light and
 * contrast fall out. Photos have 0.5 to 0.8, faces of 60 px made larger 0.47; blurred by 3 px 0.36 to 0.43.
 * @param image 224x224
 * @param mask 224x224, not 0 on the face; what lies nearer than 6 px to its rim is left out
 * @returns undefined for a face that is too small in the frame, or has no contrast
 */
export function sharpness({ data }: Rgba, mask: ArrayLike<number>): number | undefined {
  const isFace = (pixel: number) => isInner(mask, pixel)
  const grey = new Float64Array(N * N)
  for (let i = 0; i < N * N; i++) {
    grey[i] =
      0.299 * (data[4 * i] as number) +
      0.587 * (data[4 * i + 1] as number) +
      0.114 * (data[4 * i + 2] as number)
  }
  const [fine, middle, coarse] = [FINE, MIDDLE, COARSE].map((sigma) => gaussian(grey, sigma)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const [finer, coarser] = [spread(fine, middle, isFace), spread(middle, coarse, isFace)]
  return finer.count >= LEAST_PIXELS && coarser.value > 0 ? finer.value / coarser.value : undefined
}

function isInner(mask: ArrayLike<number>, pixel: number): boolean {
  const x = pixel % N
  if (x < RIM || x >= N - RIM) return false
  return [0, -RIM, RIM, -RIM * N, RIM * N].every((step) => (mask[pixel + step] ?? 0) !== 0)
}

function spread(
  u: Float64Array,
  v: Float64Array,
  isFace: (pixel: number) => boolean,
): { readonly value: number; readonly count: number } {
  let [count, sum, squares] = [0, 0, 0]
  for (let i = 0; i < N * N; i++) {
    if (!isFace(i)) continue
    const difference = (u[i] as number) - (v[i] as number)
    count++
    sum += difference
    squares += difference ** 2
  }
  return { value: count > 0 ? Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)) : 0, count }
}

/** Edges continued. */
function gaussian(image: Float64Array, sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma)
  const weights = Float64Array.from({ length: radius + 1 }, (_, k) => Math.exp(-(k ** 2) / (2 * sigma ** 2)))
  const total = weights.reduce((sum, weight, k) => sum + (k === 0 ? weight : 2 * weight), 0)
  const line = new Float64Array(N + 2 * radius)
  const pass = (source: Float64Array, step: number, across: number): Float64Array => {
    const out = new Float64Array(N * N)
    for (let start = 0; start < N * across; start += across) {
      for (let k = -radius; k < N + radius; k++) {
        line[k + radius] = source[start + Math.min(N - 1, Math.max(0, k)) * step] as number
      }
      for (let k = 0; k < N; k++) {
        const middle = k + radius
        let sum = (weights[0] as number) * (line[middle] as number)
        for (let j = 1; j <= radius; j++) {
          sum += (weights[j] as number) * ((line[middle - j] as number) + (line[middle + j] as number))
        }
        out[start + k * step] = sum / total
      }
    }
    return out
  }
  return pass(pass(image, 1, N), N, 1)
}
