import { fromBase64, toBase64 } from '../../geometry/base64.js'
import type { Rgba } from '../../geometry/types.js'

/** Cuts: where a picture has little to do with the one before. */

const WIDTH = 32
const HEIGHT = 24
/** Correlation of the small pictures: frames of one shot are above 0.99, and at 0.94 where a head fills them and turns. */
const SAME_SHOT = 0.93

/** A picture shrunk to 32x24 grey levels. */
export type Thumbnail = Uint8Array<ArrayBuffer>

/** Means over the picture's cells; large pictures are read at some of their pixels. */
export function thumbnail({ width, height, data }: Rgba): Thumbnail {
  const out = new Uint8Array(WIDTH * HEIGHT)
  const stepX = Math.max(1, Math.floor(width / (WIDTH * 8)))
  const stepY = Math.max(1, Math.floor(height / (HEIGHT * 8)))
  for (let row = 0; row < HEIGHT; row++) {
    const [top, bottom] = bounds(row, HEIGHT, height)
    for (let column = 0; column < WIDTH; column++) {
      const [left, right] = bounds(column, WIDTH, width)
      let [r, g, b, count] = [0, 0, 0, 0]
      for (let y = top; y < bottom; y += stepY) {
        const end = 4 * (y * width + right)
        for (let i = 4 * (y * width + left); i < end; i += 4 * stepX) {
          r += data[i] as number
          g += data[i + 1] as number
          b += data[i + 2] as number
          count++
        }
      }
      out[row * WIDTH + column] = Math.round((0.299 * r + 0.587 * g + 0.114 * b) / count)
    }
  }
  return out
}

function bounds(index: number, cells: number, length: number): [number, number] {
  const start = Math.floor((index * length) / cells)
  return [start, Math.max(start + 1, Math.floor(((index + 1) * length) / cells))]
}

/** Whether the camera cut between two pictures. Changes of exposure are none. */
export function isCut(a: Thumbnail, b: Thumbnail): boolean {
  let [sumA, sumB, dot, aa, bb] = [0, 0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [a[i] as number, b[i] as number]
    sumA += p
    sumB += q
    dot += p * q
    aa += p * p
    bb += q * q
  }
  dot -= (sumA * sumB) / a.length
  aa -= sumA ** 2 / a.length
  bb -= sumB ** 2 / a.length
  // Pictures of one grey have no content that could change.
  const flat = a.length
  if (aa < flat && bb < flat) return false
  return dot < SAME_SHOT * Math.sqrt(Math.max(aa, flat) * Math.max(bb, flat))
}

export function encodeThumbnail(picture: Thumbnail): string {
  return toBase64(picture)
}

/** @returns null if the text holds no picture */
export function decodeThumbnail(text: string): Thumbnail | null {
  const bytes = fromBase64(text)
  return bytes?.length === WIDTH * HEIGHT ? bytes : null
}
