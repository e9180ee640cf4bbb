import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { applySimilarity, invertSimilarity } from '../../src/geometry/similarity.js'
import type { Rgba, Similarity } from '../../src/geometry/types.js'
import { decodePhoto } from '../../src/platform/node/image.js'

/** Photos made from the fixtures' photos, for tests that run the networks. */

/** @param file path from the repository's root */
export const repositoryPath = (file: string): string =>
  fileURLToPath(new URL(`../../${file}`, import.meta.url))

export const readPhoto = (file: string): Promise<Rgba> => decodePhoto(repositoryPath(file))

export function plain(width: number, height: number, grey: number): Rgba {
  const data = new Uint8Array(width * height * 4).fill(grey)
  for (let i = 3; i < data.length; i += 4) data[i] = 255
  return { width, height, data }
}

/** Noise of a fixed seed, smooth over `cell` px: structure everywhere, a face nowhere. */
export function clouds(width: number, height: number, cell: number): Rgba {
  const out = plain(width, height, 0)
  const value = (x: number, y: number) => {
    const s = Math.sin(x * 127.1 + y * 311.7) * 43758.5453
    return s - Math.floor(s)
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / cell, y / cell]
      const [i, j] = [Math.floor(u), Math.floor(v)]
      const [fx, fy] = [u - i, v - j]
      const top = value(i, j) * (1 - fx) + value(i + 1, j) * fx
      const bottom = value(i, j + 1) * (1 - fx) + value(i + 1, j + 1) * fx
      out.data.fill(40 + 170 * (top * (1 - fy) + bottom * fy), 4 * (y * width + x), 4 * (y * width + x) + 3)
    }
  }
  return out
}

export async function resized(photo: Rgba, width: number): Promise<Rgba> {
  const { data, info } = await sharp(photo.data, { raw: { ...sizeOf(photo), channels: 4 } })
    .resize(width)
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data: new Uint8Array(data) }
}

/** Photos laid on a canvas of its own, later ones on top; parts beyond its edges are cut off. */
export function collage(
  canvas: Rgba,
  photos: readonly { readonly photo: Rgba; readonly x: number; readonly y: number }[],
): Rgba {
  const data = Uint8Array.from(canvas.data)
  for (const { photo, x, y } of photos) {
    const left = Math.max(0, -x)
    const right = Math.min(photo.width, canvas.width - x)
    for (let row = Math.max(0, -y); row < Math.min(photo.height, canvas.height - y); row++) {
      const from = 4 * (row * photo.width + left)
      const line = photo.data.subarray(from, from + 4 * Math.max(0, right - left))
      data.set(line, 4 * ((y + row) * canvas.width + x + left))
    }
  }
  return { ...sizeOf(canvas), data }
}

/** Turned clockwise by quarter turns, pixel by pixel. */
export function turned(photo: Rgba, quarters: 1 | 2 | 3): Rgba {
  const { width, height } = photo
  const [outWidth, outHeight] = quarters === 2 ? [width, height] : [height, width]
  const data = new Uint8Array(photo.data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = turnedPoint(photo, quarters, x, y, 1)
      const from = 4 * (y * width + x)
      data.set(photo.data.subarray(from, from + 4), 4 * (v * outWidth + u))
    }
  }
  return { width: outWidth, height: outHeight, data }
}

/** Where `turned` brings a point. @param extent 1 for indices of pixels, 0 for photo px */
export function turnedPoint(
  { width, height }: { readonly width: number; readonly height: number },
  quarters: 1 | 2 | 3,
  x: number,
  y: number,
  extent: 0 | 1 = 0,
): [number, number] {
  if (quarters === 1) return [height - extent - y, x]
  if (quarters === 2) return [width - extent - x, height - extent - y]
  return [y, width - extent - x]
}

/** Left and right exchanged. */
export function mirrored(photo: Rgba): Rgba {
  const { width, height } = photo
  const data = new Uint8Array(photo.data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + x)
      data.set(photo.data.subarray(from, from + 4), 4 * (y * width + width - 1 - x))
    }
  }
  return { width, height, data }
}

/**
 * The photo as another camera would have framed it: the point q of the photo is seen at `motion`(q). Catmull-Rom
 * interpolation, edges continued.
 */
export function moved(photo: Rgba, motion: Similarity): Rgba {
  const { width, height } = photo
  const back = invertSimilarity(motion)
  const out = plain(width, height, 0)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = applySimilarity(back, x + 0.5, y + 0.5)
      sampleCubic(photo, u - 0.5, v - 0.5, out.data, 4 * (y * width + x))
    }
  }
  return out
}

function sampleCubic({ width, height, data }: Rgba, u: number, v: number, out: Uint8Array, to: number): void {
  const [left, top] = [Math.floor(u), Math.floor(v)]
  const [across, down] = [catmullRom(u - left), catmullRom(v - top)]
  for (let c = 0; c < 3; c++) {
    let sum = 0
    for (let j = 0; j < 4; j++) {
      const y = Math.min(height - 1, Math.max(0, top - 1 + j))
      for (let i = 0; i < 4; i++) {
        const x = Math.min(width - 1, Math.max(0, left - 1 + i))
        sum += (down[j] ?? 0) * (across[i] ?? 0) * (data[4 * (y * width + x) + c] ?? 0)
      }
    }
    out[to + c] = Math.min(255, Math.max(0, Math.round(sum)))
  }
}

/** Weights of the pixels at -1, 0, 1 and 2 for a place `t` in [0, 1) between 0 and 1. */
function catmullRom(t: number): [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t]
  return [(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2, (t3 - t2) / 2]
}

function sizeOf({ width, height }: Rgba): { width: number; height: number } {
  return { width, height }
}
