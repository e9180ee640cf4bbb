import type { Rgba } from '../src/index.js'
import { filled, hull, type Point } from './polygons.js'

/** How near a drawn frame comes to the real one, in parts of the head. */

export const REGIONS = ['face', 'mouth', 'eyes', 'head'] as const
export type Region = (typeof REGIONS)[number]

const OUTER_LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
const EYES = [
  [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246],
  [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466],
]

/**
 * Pixels of the regions: the hull of all landmarks; those of lips and lids, widened; the face's hull widened by hair, ears and chin.
 * @param landmarks 468x3 of the real frame, px
 */
export function regionMasks(
  landmarks: ArrayLike<number>,
  { width, height }: Pick<Rgba, 'width' | 'height'>,
): Readonly<Record<Region, Uint8Array>> {
  const point = (v: number): Point => [landmarks[3 * v] as number, landmarks[3 * v + 1] as number]
  const all = Array.from({ length: landmarks.length / 3 }, (_, v) => point(v))
  const face = hull(all)
  const [top, chin] = [point(10), point(152)]
  const tall = Math.hypot(top[0] - chin[0], top[1] - chin[1])
  const up: Point = [(top[0] - chin[0]) / tall, (top[1] - chin[1]) / tall]
  const middle = mean(all)
  const head = face.map(([x, y]): Point => {
    const [dx, dy] = [x - middle[0], y - middle[1]]
    const across = 1.35 * (-dx * up[1] + dy * up[0])
    const along = dx * up[0] + dy * up[1]
    const tallness = along * (along > 0 ? 1.6 : 1.12)
    return [middle[0] - across * up[1] + tallness * up[0], middle[1] + across * up[0] + tallness * up[1]]
  })
  const fill = (polygons: readonly (readonly Point[])[]) => filled(polygons, width, height)
  return {
    face: fill([face]),
    mouth: fill([widened(OUTER_LIPS.map(point), 1.25, 1.6)]),
    eyes: fill(EYES.map((rim) => widened(rim.map(point), 1.3, 2.2))),
    head: fill([head]),
  }
}

function mean(points: readonly Point[]): Point {
  return [0, 1].map((axis) => points.reduce((sum, p) => sum + (p[axis] as number), 0) / points.length) as [
    number,
    number,
  ]
}

function widened(points: readonly Point[], across: number, along: number): Point[] {
  const [mx, my] = mean(points)
  return hull(points).map(([x, y]) => [mx + across * (x - mx), my + along * (y - my)])
}

/** Peak signal to noise over a mask, dB. */
export function psnr(a: Rgba, b: Rgba, mask: Uint8Array): number {
  let [sum, count] = [0, 0]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    count += 3
    for (let c = 4 * i; c < 4 * i + 3; c++) sum += ((a.data[c] as number) - (b.data[c] as number)) ** 2
  }
  return 10 * Math.log10(255 ** 2 / Math.max(sum / count, 1e-9))
}

/** Structural similarity of grey levels (Wang et al. 2004: Gaussian of 1.5 px, 11x11), mean over a mask. */
export function ssim(a: Rgba, b: Rgba, mask: Uint8Array): number {
  const { width, height } = a
  const [x, y] = [greyOf(a), greyOf(b)]
  const blur = (values: Float64Array) => blurred(values, width, height)
  const times = (p: Float64Array, q: Float64Array) => p.map((value, i) => value * (q[i] as number))
  const [mx, my, xx, yy, xy] = [blur(x), blur(y), blur(times(x, x)), blur(times(y, y)), blur(times(x, y))]
  let [sum, count] = [0, 0]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const [p, q] = [mx[i] as number, my[i] as number]
    const [vx, vy, v] = [(xx[i] as number) - p * p, (yy[i] as number) - q * q, (xy[i] as number) - p * q]
    sum += ((2 * p * q + 6.5025) * (2 * v + 58.5225)) / ((p * p + q * q + 6.5025) * (vx + vy + 58.5225))
    count++
  }
  return sum / count
}

function greyOf({ width, height, data }: Rgba): Float64Array {
  return Float64Array.from({ length: width * height }, (_, i) => {
    return (
      0.299 * (data[4 * i] as number) +
      0.587 * (data[4 * i + 1] as number) +
      0.114 * (data[4 * i + 2] as number)
    )
  })
}

function blurred(values: Float64Array, width: number, height: number): Float64Array {
  const weights = Array.from({ length: 11 }, (_, k) => Math.exp(-0.5 * ((k - 5) / 1.5) ** 2))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const pass = (from: Float64Array, dx: number, dy: number) =>
    from.map((_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)]
      let sum = 0
      for (let k = -5; k <= 5; k++) {
        const px = Math.max(0, Math.min(width - 1, x + k * dx))
        const py = Math.max(0, Math.min(height - 1, y + k * dy))
        sum += (weights[k + 5] as number) * (from[py * width + px] as number)
      }
      return sum / total
    })
  return pass(pass(values, 1, 0), 0, 1)
}
