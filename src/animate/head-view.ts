import type { Rgba } from '../geometry/types.js'

/** A head in a picture, so small that its outline is found to some hundredths of the face. */
export interface HeadView {
  /** Grey levels, a little soft: h*w. */
  readonly grey: Float32Array
  readonly width: number
  readonly height: number
  /** Its corner in the picture, px, and px of the picture, whole ones, along a side of its own. */
  readonly left: number
  readonly top: number
  readonly block: number
}

/** Distance of the outer eye corners in the view, px, at least, where the picture has as many. */
const UNIT = 45
/** Hair and ears lie within so many of them about the middle of the face. */
const REACH = 2.2
/** A view with a shorter side shows no head. */
const LEAST_SIDE = 16

/**
 * @param middle of the face, px
 * @param unit distance of the outer eye corners, px
 * @returns null where the picture shows too little about the face
 */
export function headView(image: Rgba, [x, y]: readonly number[], unit: number): HeadView | null {
  const block = Math.max(1, Math.floor(unit / UNIT))
  const from = (middle: number) => Math.max(0, Math.floor(middle - REACH * unit))
  const [left, top] = [from(x as number), from(y as number)]
  const blocks = (middle: number, first: number, size: number) =>
    Math.floor((Math.min(size, Math.ceil(middle + REACH * unit)) - first) / block)
  const width = blocks(x as number, left, image.width)
  const height = blocks(y as number, top, image.height)
  if (!(width >= LEAST_SIDE && height >= LEAST_SIDE)) return null
  const grey = new Float32Array(width * height)
  for (let row = 0; row < height * block; row++) {
    const line = Math.floor(row / block) * width
    let i = 4 * ((top + row) * image.width + left)
    for (let column = 0; column < width; column++) {
      let sum = 0
      for (let k = 0; k < block; k++, i += 4) {
        sum +=
          0.299 * (image.data[i] as number) +
          0.587 * (image.data[i + 1] as number) +
          0.114 * (image.data[i + 2] as number)
      }
      grey[line + column] = (grey[line + column] as number) + sum / (block * block)
    }
  }
  const soft = softened(softened(grey, width, height, 1, width), height, width, width, 1)
  return { grey: soft, width, height, left, top, block }
}

/** Along one axis: binomial means of five, but for the two at either end. */
function softened(
  from: Float32Array,
  count: number,
  lines: number,
  step: number,
  stride: number,
): Float32Array {
  const out = from.slice()
  for (let line = 0; line < lines; line++) {
    for (let k = 2, i = line * stride + 2 * step; k < count - 2; k++, i += step) {
      const near = (from[i - step] as number) + (from[i + step] as number)
      const far = (from[i - 2 * step] as number) + (from[i + 2 * step] as number)
      out[i] = (6 * (from[i] as number) + 4 * near + far) / 16
    }
  }
  return out
}
