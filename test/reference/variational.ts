import { VARIATIONAL, type VariationalAttrs } from '../../src/ops/flow/variational.js'
import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'
import { sampleReference } from './warp.js'

const C = VARIATIONAL

interface Pixel {
  readonly x: number
  readonly y: number
  /** Data matrix, right side for the change of the displacement, weight of the smoothness. */
  readonly xx: number
  readonly xy: number
  readonly yy: number
  readonly right: readonly [number, number]
  readonly smoothness: number
  readonly start: readonly [number, number]
  change: [number, number]
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)

/** One batch entry at a time, for the change of the flow rather than for the flow, by Cramer's rule. */
export function variationalReference(
  flow: RefTensor,
  source: RefTensor,
  target: RefTensor,
  fragments: RefTensor,
  attrs: VariationalAttrs,
): RefTensor {
  const solved = Array.from({ length: flow.n }, (_, n) => {
    const pixels = linearised(flow, source, target, fragments, attrs, n)
    for (let sweep = 0; sweep < attrs.sweeps; sweep++) {
      for (const colour of [0, 1]) {
        for (const pixel of pixels.values()) if ((pixel.x + pixel.y) % 2 === colour) relax(pixel, pixels)
      }
    }
    return pixels
  })
  return refTensor(flow.n, flow.h, flow.w, 3, (n, y, x, c) => {
    const before = elementOf(flow, n, y, x, c)
    return before + (c < 2 ? (solved[n]?.get(key(x, y))?.change[c] ?? 0) : 0)
  })
}

const key = (x: number, y: number) => `${x},${y}`

function linearised(
  flow: RefTensor,
  source: RefTensor,
  target: RefTensor,
  fragments: RefTensor,
  attrs: VariationalAttrs,
  n: number,
): Map<string, Pixel> {
  const { h, w } = flow
  const grey = (at: (c: number) => number) => attrs.grey.reduce((sum, weight, c) => sum + weight * at(c), 0)
  const first: number[] = []
  const warped: number[] = []
  const face: boolean[] = []
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const row = clamp(y + elementOf(flow, n, y, x, 1), 0, h - 1)
      const column = clamp(x + elementOf(flow, n, y, x, 0), 0, w - 1)
      first.push(grey((c) => elementOf(source, n, y, x, c)))
      warped.push(grey((c) => sampleReference(target, n, row, column, c, 'clamp')))
      face.push(elementOf(fragments, n, y, x, 3) >= 0)
    }
  }
  const [ofFirst, ofWarped] = [moments(first, face), moments(warped, face)]
  const gain = clamp(
    Math.sqrt((ofFirst.variance + C.gainFloor) / (ofWarped.variance + C.gainFloor)),
    1 / C.gainLimit,
    C.gainLimit,
  )
  const second = warped.map((v) => gain * (v - ofWarped.mean) + ofFirst.mean)

  const index = (y: number, x: number) => clamp(y, 0, h - 1) * w + clamp(x, 0, w - 1)
  const at = (values: readonly number[], y: number, x: number) => values[index(y, x)] as number
  const middle = first.map((v, i) => (v + (second[i] as number)) / 2)
  const difference = first.map((v, i) => (second[i] as number) - v)
  const pixels = new Map<string, Pixel>()
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      if (!face[index(y, x)]) continue
      const slopeX = (values: readonly number[]) => (at(values, y, x + 1) - at(values, y, x - 1)) / 2
      const slopeY = (values: readonly number[]) => (at(values, y + 1, x) - at(values, y - 1, x)) / 2
      const corner = (dy: number, dx: number) => at(middle, y + dy, x + dx)
      const xx = corner(0, 1) + corner(0, -1) - 2 * corner(0, 0)
      const yy = corner(1, 0) + corner(-1, 0) - 2 * corner(0, 0)
      const xy = (corner(1, 1) + corner(-1, -1) - corner(1, -1) - corner(-1, 1)) / 4
      // Constraints g . change + t = 0 with their robust weights; those of the gradient share one.
      const scale = (gx: number, gy: number) => 1 / (gx * gx + gy * gy + C.noise ** 2)
      const robust = (square: number) => 1 / Math.sqrt(square + C.sharpness ** 2)
      const brightness = { gx: slopeX(middle), gy: slopeY(middle), t: at(difference, y, x) }
      const alongX = { gx: xx, gy: xy, t: slopeX(difference) }
      const alongY = { gx: xy, gy: yy, t: slopeY(difference) }
      const size = (c: typeof brightness) => scale(c.gx, c.gy) * c.t ** 2
      const ofGradient = C.gradient * robust(size(alongX) + size(alongY))
      const constraints = [
        {
          ...brightness,
          weight: C.brightness * robust(size(brightness)) * scale(brightness.gx, brightness.gy),
        },
        { ...alongX, weight: ofGradient * scale(alongX.gx, alongX.gy) },
        { ...alongY, weight: ofGradient * scale(alongY.gx, alongY.gy) },
      ]
      const sum = (of: (c: (typeof constraints)[number]) => number) =>
        constraints.reduce((total, c) => total + c.weight * of(c), 0)
      // Off the face and outside, the flow counts as the pixel's own.
      const beside = (dy: number, dx: number, c: number) => {
        const [row, column] = [clamp(y + dy, 0, h - 1), clamp(x + dx, 0, w - 1)]
        return face[index(row, column)] ? elementOf(flow, n, row, column, c) : elementOf(flow, n, y, x, c)
      }
      const bends = [0, 1].flatMap((c) => [
        (beside(0, 1, c) - beside(0, -1, c)) / 2,
        (beside(1, 0, c) - beside(-1, 0, c)) / 2,
      ])
      pixels.set(key(x, y), {
        x,
        y,
        xx: sum((c) => c.gx * c.gx) + C.rest,
        xy: sum((c) => c.gx * c.gy),
        yy: sum((c) => c.gy * c.gy) + C.rest,
        right: [-sum((c) => c.gx * c.t), -sum((c) => c.gy * c.t)],
        smoothness: C.smoothness * robust(bends.reduce((total, bend) => total + bend * bend, 0)),
        start: [elementOf(flow, n, y, x, 0), elementOf(flow, n, y, x, 1)],
        change: [0, 0],
      })
    }
  }
  return pixels
}

function moments(values: readonly number[], face: readonly boolean[]) {
  const chosen = values.filter((_, i) => face[i])
  const count = Math.max(1, chosen.length)
  const mean = chosen.reduce((sum, v) => sum + v, 0) / count
  return { mean, variance: chosen.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count }
}

function relax(pixel: Pixel, pixels: ReadonlyMap<string, Pixel>): void {
  const { x, y, xx, xy, yy, right, start, change } = pixel
  const around = [key(x - 1, y), key(x + 1, y), key(x, y - 1), key(x, y + 1)]
    .map((place) => pixels.get(place))
    .filter((other) => other !== undefined)
  let total = 0
  const pull = [...right] as [number, number]
  for (const other of around) {
    const weight = (pixel.smoothness + other.smoothness) / 2
    total += weight
    for (const c of [0, 1] as const) pull[c] += weight * (other.start[c] + other.change[c] - start[c])
  }
  const determinant = (xx + total) * (yy + total) - xy * xy
  const solution = [
    ((yy + total) * pull[0] - xy * pull[1]) / determinant,
    ((xx + total) * pull[1] - xy * pull[0]) / determinant,
  ] as const
  for (const c of [0, 1] as const) change[c] += C.relaxation * (solution[c] - change[c])
}
