import type { RefTensor } from '../cases/case.js'
import { refTensor } from './dense.js'

export interface RefImage {
  readonly width: number
  readonly height: number
  /** Interleaved bytes. */
  readonly bytes: Uint8Array
  readonly bytesPerPixel: 3 | 4
  readonly rowStride: number
  /** Output pixel -> source pixel, centres at integer + 0.5: x' = a x + b y + c, y' = d x + e y + f. */
  readonly matrix: readonly number[]
  /** Samples per output pixel in x and y. */
  readonly taps: readonly [number, number]
  /** Samples take the pixel that they fall in. */
  readonly nearest: boolean
}

/** Colour in [0, 1] at a pixel; outside, black or that of the nearest pixel. */
function colourAt(image: RefImage, x: number, y: number, channel: number, border: 'black' | 'edge'): number {
  const inside = x >= 0 && y >= 0 && x < image.width && y < image.height
  if (!inside && border === 'black') return 0
  const cx = Math.min(image.width - 1, Math.max(0, x))
  const cy = Math.min(image.height - 1, Math.max(0, y))
  return (image.bytes[cy * image.rowStride + cx * image.bytesPerPixel + channel] as number) / 255
}

/** The mean of samples, bilinear or of the nearest pixel, over the area of an output pixel, times scale, plus offset. */
export function sampleReference(
  images: readonly RefImage[],
  width: number,
  height: number,
  options: { border: 'black' | 'edge'; scale: readonly number[]; offset: readonly number[] },
): RefTensor {
  return refTensor(images.length, height, width, 3, (n, y, x, channel) => {
    const image = images[n] as RefImage
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = image.matrix
    const [tapsX, tapsY] = image.taps
    let sum = 0
    for (let j = 0; j < tapsY; j++) {
      for (let i = 0; i < tapsX; i++) {
        const u = x + (i + 0.5) / tapsX
        const v = y + (j + 0.5) / tapsY
        const sx = a * u + b * v + c
        const sy = d * u + e * v + f
        if (image.nearest) {
          sum += colourAt(image, Math.floor(sx), Math.floor(sy), channel, options.border)
          continue
        }
        for (const [dx, dy] of [
          [0, 0],
          [1, 0],
          [0, 1],
          [1, 1],
        ] as const) {
          const px = Math.floor(sx - 0.5) + dx
          const py = Math.floor(sy - 0.5) + dy
          const weight = (1 - Math.abs(sx - 0.5 - px)) * (1 - Math.abs(sy - 0.5 - py))
          sum += weight * colourAt(image, px, py, channel, options.border)
        }
      }
    }
    const mean = sum / (tapsX * tapsY)
    return mean * (options.scale[channel] ?? 1) + (options.offset[channel] ?? 0)
  })
}
