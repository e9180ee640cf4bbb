import type { Rgba } from '../geometry/types.js'

/** Composing pictures from RGBA rasters and shapes over them. */

export type Rgb = readonly [r: number, g: number, b: number]

/** Colour around tiles and behind captions. */
export const BACKGROUND: Rgb = [22, 24, 28]
/** Colour of pixels that have no value (off the face mask). */
export const NO_VALUE: Rgb = [44, 47, 54]

/** A one-coloured opaque image. */
export function blank(width: number, height: number, colour: Rgb = BACKGROUND): Rgba {
  const [r, g, b] = colour
  const data = new Uint8Array(width * height * 4)
  if (data.length > 0) data.set([r, g, b, 255])
  // Each copy doubles what is filled.
  for (let filled = 4; filled < data.length; filled *= 2) data.copyWithin(filled, 0, filled)
  return { width, height, data }
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
      const [r, g, b] = colour(x, y, i)
      // Not `data.set`: a call a pixel takes longer than the colours.
      data[4 * i] = r
      data[4 * i + 1] = g
      data[4 * i + 2] = b
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
