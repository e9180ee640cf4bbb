import type { Rgba } from '../geometry/types.js'

/** Composing pictures from RGBA rasters and SVG overlays. */

export type Rgb = readonly [r: number, g: number, b: number]

/** Colour around tiles and behind captions. */
export const BACKGROUND: Rgb = [22, 24, 28]
/** Colour of pixels that have no value (off the face mask). */
export const NO_VALUE: Rgb = [44, 47, 54]

/** A one-coloured opaque image. */
export function blank(width: number, height: number, colour: Rgb = BACKGROUND): Rgba {
  return fromFunction(width, height, () => colour)
}

/** An opaque image from a colour per pixel. */
export function fromFunction(
  width: number,
  height: number,
  colour: (x: number, y: number, index: number) => Rgb,
): Rgba {
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      data.set(colour(x, y, i), 4 * i)
      data[4 * i + 3] = 255
    }
  }
  return { width, height, data }
}

/** Copies `source` into `target` with its top left corner at (x, y); what sticks out is cut off. */
export function paste(target: Rgba, source: Rgba, x: number, y: number): void {
  const left = Math.max(0, -x)
  const right = Math.min(source.width, target.width - x)
  for (let row = Math.max(0, -y); row < Math.min(source.height, target.height - y); row++) {
    const from = 4 * (row * source.width + left)
    target.data.set(
      source.data.subarray(from, from + 4 * Math.max(0, right - left)),
      4 * ((y + row) * target.width + x + left),
    )
  }
}
