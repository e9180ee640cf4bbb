import sharp, { type Sharp } from 'sharp'
import type { Rgba } from '../src/index.js'

/**
 * Pictures side by side in rows, each cell a square of one size; what is not square is cut to its middle.
 * @param rows of pictures or files
 * @param side px of a cell
 */
export async function contactSheet(
  rows: readonly (readonly (Rgba | string)[])[],
  side: number,
): Promise<Sharp> {
  const columns = Math.max(...rows.map((row) => row.length))
  const cells = await Promise.all(
    rows.flatMap((row, y) =>
      row.map(async (picture, x) => ({
        input: await opened(picture).resize(side, side, { fit: 'cover' }).png().toBuffer(),
        left: x * side,
        top: y * side,
      })),
    ),
  )
  const background = { r: 255, g: 255, b: 255 }
  return sharp({
    create: { width: columns * side, height: rows.length * side, channels: 3, background },
  }).composite(cells)
}

function opened(picture: Rgba | string): Sharp {
  if (typeof picture === 'string') return sharp(picture).autoOrient()
  const { width, height, data } = picture
  return sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha()
}
