import type { Rgb } from './canvas.js'

/** Colour codings of flow and of scalar values. */

/**
 * Hue segments of the optical-flow colour wheel of Baker et al. (IJCV 2011): how many steps from each
 * primary to the next, and which channel rises (+) or falls (-) on the way.
 */
const WHEEL_SEGMENTS: readonly (readonly [steps: number, from: Rgb, to: Rgb])[] = [
  [15, [255, 0, 0], [255, 255, 0]],
  [6, [255, 255, 0], [0, 255, 0]],
  [4, [0, 255, 0], [0, 255, 255]],
  [11, [0, 255, 255], [0, 0, 255]],
  [13, [0, 0, 255], [255, 0, 255]],
  [6, [255, 0, 255], [255, 0, 0]],
]

const WHEEL: readonly Rgb[] = /* @__PURE__ */ WHEEL_SEGMENTS.flatMap(([steps, from, to]) =>
  Array.from({ length: steps }, (_, i) => mix(from, to, i / steps)),
)

/**
 * Colour of a motion: hue tells the direction, saturation the length; no motion is white. Lengths above
 * `full` are darkened, as in the original coding.
 * @param full length of full saturation, in the unit of u and v
 */
export function wheelColour(u: number, v: number, full: number): Rgb {
  const length = Math.hypot(u, v) / full
  const turn = ((Math.atan2(-v, -u) / Math.PI + 1) / 2) * (WHEEL.length - 1)
  const first = Math.floor(turn)
  const hue = mix(entry(WHEEL, first), entry(WHEEL, (first + 1) % WHEEL.length), turn - first)
  if (length <= 1) return mix([255, 255, 255], hue, length)
  return mix([0, 0, 0], hue, 0.75)
}

const DIVERGING: readonly Rgb[] = [
  [33, 72, 165],
  [104, 150, 224],
  [240, 240, 240],
  [228, 122, 92],
  [160, 22, 34],
]

/** Blue through white to red for a value in [-full, full]; zero is exactly white. */
export function divergingColour(value: number, full: number): Rgb {
  return ramp(DIVERGING, (value / full + 1) / 2)
}

/** Key colours of matplotlib's viridis (CC0): even steps in lightness, readable in grey too. */
const SEQUENTIAL: readonly Rgb[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
]

/** Dark blue to yellow for a value in [0, full]. */
export function sequentialColour(value: number, full: number): Rgb {
  return ramp(SEQUENTIAL, value / full)
}

function ramp(keys: readonly Rgb[], position: number): Rgb {
  const p = Math.max(0, Math.min(1, position)) * (keys.length - 1)
  const first = Math.min(Math.floor(p), keys.length - 2)
  return mix(entry(keys, first), entry(keys, first + 1), p - first)
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [
    Math.round(a[0] + (b[0] - a[0]) * share),
    Math.round(a[1] + (b[1] - a[1]) * share),
    Math.round(a[2] + (b[2] - a[2]) * share),
  ]
}

function entry(colours: readonly Rgb[], index: number): Rgb {
  return colours[index] ?? [0, 0, 0]
}

/**
 * A round number (1, 2 or 5 times a power of ten) not below the 99th percentile of the values: scales of
 * legends that a few outliers cannot stretch.
 * @param floor smallest scale, so that noise does not fill the colour range
 */
export function niceScale(values: Iterable<number>, floor: number): number {
  const sorted = Float64Array.from(values).sort()
  const percentile = sorted[Math.floor(0.99 * (sorted.length - 1))] ?? 0
  const target = Math.max(percentile, floor)
  const power = 10 ** Math.floor(Math.log10(target))
  const factor = [1, 2, 5, 10].find((f) => f * power >= target * (1 - 1e-9)) ?? 10
  return factor * power
}
