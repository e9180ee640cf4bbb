import type { Rgba } from '../geometry/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { fromFunction, NO_VALUE, type Rgb } from './canvas.js'
import { divergingColour, niceScale, sequentialColour, wheelColour } from './colour-maps.js'

/** Fields of the template frame as 224x224 images, one pixel a pixel, and the scales they are drawn with. */

const N = TEMPLATE_SIZE

/** Smallest colour scale of flow and depth change, template px. */
const MOTION_FLOOR = 1

/** Colour scale of the 2D part of a flow: template px of full saturation. */
export function flowScale(flow: Float32Array, mask: Uint8Array): number {
  return niceScale(
    masked(mask, (i) => Math.hypot(flow[3 * i] as number, flow[3 * i + 1] as number)),
    MOTION_FLOOR,
  )
}

/** Colour scale of the depth change: template px at the ends of the bar. */
export function depthScale(flow: Float32Array, mask: Uint8Array): number {
  return niceScale(
    masked(mask, (i) => Math.abs(flow[3 * i + 2] as number)),
    MOTION_FLOOR,
  )
}

/**
 * The 2D part of a flow in the colour wheel of Baker et al., "A database and evaluation methodology for optical flow"
 * (IJCV 2011).
 * @param flow 224x224x3, (dx, dy, dz) in template px
 * @param mask 224x224, 0 where there is no flow
 * @param full the motion in template px that gets the full colour
 */
export function flowMap(flow: Float32Array, mask: Uint8Array, full: number): Rgba {
  return paint(mask, (i) => wheelColour(flow[3 * i] as number, flow[3 * i + 1] as number, full))
}

/**
 * The depth change: red towards the camera, blue away.
 * @param flow 224x224x3, (dx, dy, dz) in template px
 * @param mask 224x224, 0 where there is no flow
 * @param full the depth change in template px that gets the full colour
 */
export function depthMap(flow: Float32Array, mask: Uint8Array, full: number): Rgba {
  return paint(mask, (i) => divergingColour(-(flow[3 * i + 2] as number), full))
}

/**
 * A field of non-negative scalars, dark blue 0 to yellow `full`.
 * @param values 224x224, in any unit
 * @param mask 224x224, 0 where there is nothing to show
 * @param full the value that gets yellow, in the same unit
 */
export function scalarMap(values: Float32Array, mask: Uint8Array, full: number): Rgba {
  return paint(mask, (i) => sequentialColour(values[i] as number, full))
}

/**
 * PNCC with its three axes as red, green and blue.
 * @param pncc 224x224x3, each in [0, 1]
 */
export function pnccMap(pncc: Float32Array): Rgba {
  return fromFunction(N, N, (_x, _y, i) => [byte(pncc[3 * i]), byte(pncc[3 * i + 1]), byte(pncc[3 * i + 2])])
}

/** Photo with the occluded pixels tinted red and everything off the face darkened. */
export function occlusionMap(photo: Rgba, occlusion: Uint8Array, mask: Uint8Array): Rgba {
  return fromFunction(N, N, (_x, _y, i) => {
    const pixel = rgbAt(photo, i)
    if (mask[i] !== 0 && occlusion[i] === 0) return pixel
    const red = mask[i] === 0 ? 0 : 165
    return [Math.round(pixel[0] * 0.35) + red, Math.round(pixel[1] * 0.35), Math.round(pixel[2] * 0.35)]
  })
}

/**
 * Disc of all motions up to full saturation, for the legend.
 * @param diameter in px of the picture
 */
export function wheelLegend(diameter: number): Rgba {
  const radius = diameter / 2
  return fromFunction(diameter, diameter, (x, y) => {
    const u = (x + 0.5 - radius) / radius
    const v = (y + 0.5 - radius) / radius
    return Math.hypot(u, v) <= 1 ? wheelColour(u, v, 1) : NO_VALUE
  })
}

/** Vertical colour bar from `low` at the bottom to `high` at the top. */
export function barLegend(
  width: number,
  height: number,
  low: number,
  high: number,
  colour: (value: number) => Rgb,
): Rgba {
  return fromFunction(width, height, (_x, y) => colour(high + ((low - high) * (y + 0.5)) / height))
}

function paint(mask: Uint8Array, colour: (index: number) => Rgb): Rgba {
  return fromFunction(N, N, (_x, _y, i) => (mask[i] === 0 ? NO_VALUE : colour(i)))
}

function* masked(mask: Uint8Array, value: (index: number) => number): Generator<number> {
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) yield value(i)
}

function rgbAt(image: Rgba, i: number): Rgb {
  return [image.data[4 * i] as number, image.data[4 * i + 1] as number, image.data[4 * i + 2] as number]
}

function byte(value: number | undefined): number {
  return Math.round(Math.max(0, Math.min(1, value ?? 0)) * 255)
}
