import type { Rgba } from '../geometry/types.js'
import { drawSvg } from '../platform/index.js'
import { svgText, textWidth } from './text.js'

const WORD = 'SYNTHETIC'

/** Draws the word into the lower right corner. @returns `image`, whose pixels are changed */
export async function drawSyntheticMark(image: Rgba): Promise<Rgba> {
  const size = Math.max(9, Math.round(0.035 * Math.min(image.width, image.height)))
  const pad = size / 2
  const width = textWidth(WORD, size)
  const [right, bottom] = [image.width - pad, image.height - pad]
  const box = `<rect x="${right - width - 2 * pad}" y="${bottom - 1.7 * size}" width="${width + 2 * pad}" height="${1.7 * size}" fill="#000000" fill-opacity="0.55"/>`
  return await drawSvg(image, [box, svgText(WORD, right - pad, bottom - 0.5 * size, { size, anchor: 'end' })])
}
