import type { Rgba } from '../geometry/types.js'
import { cropAndResize } from '../platform/index.js'

/** A head in a picture, so small that its outline is found to some hundredths of the face. */
export interface HeadView {
  readonly image: Rgba
  /** Grey levels, a little soft: h*w. */
  readonly grey: Float32Array
  /** Its corner in the picture, px, and its px per px of the picture. */
  readonly left: number
  readonly top: number
  readonly scale: readonly [number, number]
}

/** Distance of the outer eye corners in the view, px, at most. */
const UNIT = 60
/** Hair and ears lie within so many of them about the middle of the face. */
const REACH = 2.2
/** A window with a shorter side shows no head. */
const LEAST_SIDE = 16

/**
 * @param middle of the face, px
 * @param unit distance of the outer eye corners, px
 * @returns null where the picture shows too little about the face
 */
export async function headView(
  image: Rgba,
  middle: ArrayLike<number>,
  unit: number,
): Promise<HeadView | null> {
  const [x, y] = [middle[0] as number, middle[1] as number]
  const [left, top] = [Math.max(0, Math.floor(x - REACH * unit)), Math.max(0, Math.floor(y - REACH * unit))]
  const width = Math.min(image.width, Math.ceil(x + REACH * unit)) - left
  const height = Math.min(image.height, Math.ceil(y + REACH * unit)) - top
  const small = Math.min(1, UNIT / unit)
  const [w, h] = [Math.round(small * width), Math.round(small * height)]
  if (!(w >= LEAST_SIDE && h >= LEAST_SIDE)) return null
  const part = await cropAndResize(image, { x: left, y: top, width, height }, w, h)
  return { image: part, grey: softGrey(part), left, top, scale: [w / width, h / height] }
}

function softGrey({ width, height, data }: Rgba): Float32Array {
  const grey = new Float32Array(width * height)
  for (let i = 0; i < grey.length; i++) {
    grey[i] =
      0.299 * (data[4 * i] as number) +
      0.587 * (data[4 * i + 1] as number) +
      0.114 * (data[4 * i + 2] as number)
  }
  return softened(softened(grey, width, height, 1, width), height, width, width, 1)
}

/** Along one axis: binomial means of five. */
function softened(
  from: Float32Array,
  count: number,
  lines: number,
  step: number,
  stride: number,
): Float32Array {
  const out = new Float32Array(from.length)
  for (let line = 0; line < lines; line++) {
    const value = (k: number) => from[line * stride + Math.max(0, Math.min(count - 1, k)) * step] as number
    for (let k = 0; k < count; k++) {
      out[line * stride + k * step] =
        (6 * value(k) + 4 * (value(k - 1) + value(k + 1)) + value(k - 2) + value(k + 2)) / 16
    }
  }
  return out
}
