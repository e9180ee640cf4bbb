import type { Rgba } from '../geometry/types.js'
import { drawShapes } from '../platform/index.js'
import { textShape, textWidth } from './text.js'

const WORD = 'SYNTHETIC'

/** Draws the word into the lower right corner. @returns `image`, whose pixels are changed */
export async function drawSyntheticMark(image: Rgba): Promise<Rgba> {
  const size = Math.max(9, Math.round(0.035 * Math.min(image.width, image.height)))
  const width = textWidth(WORD, size) + size
  const [left, top] = [image.width - width - size / 2, image.height - 2.2 * size]
  const box = `M${left} ${top}h${width}v${1.7 * size}h${-width}z`
  return await drawShapes(image, [
    { path: box, fill: '#303030' },
    textShape(WORD, left + size / 2, top + 1.2 * size, { size }),
  ])
}
