import type { Rgba } from '../geometry/types.js'
import { cropAndResize } from '../platform/index.js'
import { headFrame } from './head-depth.js'

/** The part of a photo in which something can move, at a size that is drawn at once. */
export interface WorkingPhoto {
  readonly image: Rgba
  /** Of the photo, px. */
  readonly window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
  /** Px of `image` per px of the photo; at most 1. */
  readonly scale: number
}

/** Layers, places and fragments of a picture take some 120 bytes a pixel on the GPU. */
export const MOST_PIXELS = 2 ** 21
/** Hair and shoulders lie within so many heights of the face around its middle. */
const REACH = 2.5

/** @param mesh 468x3, photo px */
export async function workingPhoto(photo: Rgba, mesh: ArrayLike<number>): Promise<WorkingPhoto> {
  const { width, height } = photo
  const whole = { x: 0, y: 0, width, height }
  if (width * height <= MOST_PIXELS) return { image: photo, window: whole, scale: 1 }
  const frame = headFrame(mesh)
  const reach = REACH * frame.height
  const [x, y] = frame.centre.map((c) => Math.max(0, Math.floor(c - reach))) as [number, number]
  const window = {
    x,
    y,
    width: Math.min(width, Math.ceil(frame.centre[0] + reach)) - x,
    height: Math.min(height, Math.ceil(frame.centre[1] + reach)) - y,
  }
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (window.width * window.height)))
  const size = [window.width, window.height].map((side) => Math.max(1, Math.floor(side * scale))) as [
    number,
    number,
  ]
  return { image: await cropAndResize(photo, window, ...size), window, scale }
}

/** Px of the photo over which its own pixels pass into the drawn ones at the window's border, as a share of its sides. */
const BLEND = 0.03

/** The photo with its window drawn anew. */
export async function intoPhoto(photo: Rgba, { image, window }: WorkingPhoto, drawn: Rgba): Promise<Rgba> {
  if (image === photo) return drawn
  const { width, height } = window
  const whole = { x: 0, y: 0, width: drawn.width, height: drawn.height }
  const large =
    drawn.width === width && drawn.height === height
      ? drawn
      : await cropAndResize(drawn, whole, width, height)
  const data = photo.data.slice()
  // At the photo's own border there is nothing to pass into.
  const ramp = (k: number, size: number, from: number, all: number): number => {
    const soft = Math.max(1, BLEND * size)
    const low = from === 0 ? 1 : (k + 0.5) / soft
    const high = from + size === all ? 1 : (size - k - 0.5) / soft
    return Math.min(1, low, high)
  }
  for (let y = 0; y < height; y++) {
    const down = ramp(y, height, window.y, photo.height)
    for (let x = 0; x < width; x++) {
      const share = Math.min(down, ramp(x, width, window.x, photo.width))
      const to = 4 * ((window.y + y) * photo.width + window.x + x)
      const from = 4 * (y * width + x)
      for (let c = 0; c < 3; c++) {
        const own = data[to + c] as number
        data[to + c] = Math.round(own + share * ((large.data[from + c] as number) - own))
      }
    }
  }
  return { width: photo.width, height: photo.height, data }
}
