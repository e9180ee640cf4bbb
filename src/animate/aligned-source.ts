import { at } from '../geometry/array.js'
import { sampleColour } from '../geometry/sample-colour.js'
import {
  applySimilarity,
  composeSimilarity,
  invertSimilarity,
  similarityScale,
} from '../geometry/similarity.js'
import type { Rgba, Similarity } from '../geometry/types.js'
import { cropAndResize } from '../platform/index.js'

/** A further photo as if it had been taken where the photo was. */
export interface AlignedSource {
  /** In the size of the working photo, in its contrast and exposure. */
  readonly image: Rgba
  /** h*w; not 0 where the further photo shows something. */
  readonly shown: Uint8Array
}

/**
 * @param toWorking px of the further photo -> px of the working one
 * @param levels of red, green and blue: what each of its 256 levels is in the photo's contrast and exposure
 */
export async function alignSource(
  source: Rgba,
  toWorking: Similarity,
  levels: readonly Float64Array[],
  { width, height }: Pick<Rgba, 'width' | 'height'>,
): Promise<AlignedSource> {
  const { image, toImage } = await reduced(source, similarityScale(toWorking))
  const back = composeSimilarity(toImage, invertSimilarity(toWorking))
  const data = new Uint8Array(width * height * 4).fill(255)
  const shown = new Uint8Array(width * height)
  const colour = new Float64Array(3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [px, py] = applySimilarity(back, x + 0.5, y + 0.5)
      const i = y * width + x
      if (px >= 0 && py >= 0 && px <= image.width && py <= image.height) shown[i] = 1
      sampleColour(image, px - 0.5, py - 0.5, colour, levels)
      for (let c = 0; c < 3; c++) data[4 * i + c] = Math.min(255, Math.round(at(colour, c)))
    }
  }
  return { image: { width, height, data }, shown }
}

/** The picture so small that a bilinear sample leaves nothing out. */
async function reduced(
  image: Rgba,
  scale: number,
): Promise<{ readonly image: Rgba; readonly toImage: Similarity }> {
  const [width, height] = [image.width, image.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  ) as [number, number]
  if (scale >= 1 || width === image.width) return { image, toImage: { a: 1, b: 0, tx: 0, ty: 0 } }
  const whole = { x: 0, y: 0, width: image.width, height: image.height }
  const small = await cropAndResize(image, whole, width, height)
  return { image: small, toImage: { a: width / image.width, b: 0, tx: 0, ty: 0 } }
}

/** Within this of its border, distances of the outer eye corners, a further photo fades out; at less than these px it is gone. */
const BORDER = 0.4
const GONE = 6

/**
 * How much of a further photo may be seen, by how far its border is: what it does not show must not end in a line.
 * @param places Vx4, x and y first, px of the working photo
 * @param size of the further photo
 * @param unit distance of the outer eye corners, px of the working photo
 * @returns V, in [0, 1]
 */
export function withinPicture(
  places: ArrayLike<number>,
  { width, height }: Pick<Rgba, 'width' | 'height'>,
  toWorking: Similarity,
  unit: number,
): Float32Array {
  const back = invertSimilarity(toWorking)
  return Float32Array.from({ length: places.length / 4 }, (_, i) => {
    const [x, y] = applySimilarity(back, at(places, 4 * i), at(places, 4 * i + 1))
    const inside = similarityScale(toWorking) * Math.min(x, y, width - x, height - y)
    return Math.max(0, Math.min(1, (inside - GONE) / (BORDER * unit)))
  })
}

/** Grey levels by which background that did not change differs, and least share of the picture that must be background in both. */
const SAME_BACKGROUND = { level: 8, share: 0.04 } as const

/**
 * Whether two pictures of one size were taken by a camera that stood still, by what both show beside the person.
 * @param persons of both: h*w, not 0 where the person is
 */
export function isSameView(a: Rgba, b: Rgba, persons: readonly [Uint8Array, Uint8Array]): boolean {
  if (a.width !== b.width || a.height !== b.height) return false
  let [sum, count] = [0, 0]
  for (let i = 0; i < persons[0].length; i++) {
    if (persons[0][i] !== 0 || persons[1][i] !== 0) continue
    count++
    for (let c = 4 * i; c < 4 * i + 3; c++) sum += Math.abs(at(a.data, c) - at(b.data, c)) / 3
  }
  return count >= SAME_BACKGROUND.share * persons[0].length && sum / count <= SAME_BACKGROUND.level
}
