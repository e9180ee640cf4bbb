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
 * @param lowest px: what lies below is left out
 * @returns null where the picture shows too little about the face
 */
export function headView(
  image: Rgba,
  [x, y]: readonly number[],
  unit: number,
  lowest = image.height,
): HeadView | null {
  const block = Math.max(1, Math.floor(unit / UNIT))
  const from = (middle: number) => Math.max(0, Math.floor(middle - REACH * unit))
  const [left, top] = [from(x as number), from(y as number)]
  const blocks = (middle: number, first: number, size: number) =>
    Math.floor((Math.min(size, Math.ceil(middle + REACH * unit)) - first) / block)
  const width = blocks(x as number, left, image.width)
  const height = blocks(y as number, top, Math.min(image.height, Math.ceil(lowest)))
  if (!(width >= LEAST_SIDE && height >= LEAST_SIDE)) return null
  const grey = new Float32Array(width * height)
  const line = new Float32Array(width)
  for (let row = 0; row < height; row++) {
    greyLine(line, image, left, top + row * block, block)
    softenLine(grey, row * width, line)
  }
  return { grey: softenedDown(grey, width, height), width, height, left, top, block }
}

/** Grey levels of a row of blocks, from the one on whose corner is (left, top). */
function greyLine(line: Float32Array, { data, width }: Rgba, left: number, top: number, block: number): void {
  const area = block * block
  line.fill(0)
  for (let row = top; row < top + block; row++) {
    let i = 4 * (row * width + left)
    for (let column = 0; column < line.length; column++) {
      let sum = 0
      for (let end = i + 4 * block; i < end; i += 4) {
        sum += 0.299 * (data[i] as number) + 0.587 * (data[i + 1] as number) + 0.114 * (data[i + 2] as number)
      }
      line[column] = (line[column] as number) + sum / area
    }
  }
}

/** Binomial means of five along a line, but for the two at either end. */
function softenLine(out: Float32Array, first: number, line: Float32Array): void {
  out.set(line, first)
  let [a, b, c, d] = [line[0] as number, line[1] as number, line[2] as number, line[3] as number]
  for (let i = 2; i < line.length - 2; i++) {
    const e = line[i + 2] as number
    out[first + i] = (6 * c + 4 * (b + d) + (a + e)) / 16
    a = b
    b = c
    c = d
    d = e
  }
}

/** The same down the columns, row by row as the memory lies. */
function softenedDown(from: Float32Array, width: number, height: number): Float32Array {
  const out = from.slice()
  const [above, below] = [2 * width, (height - 2) * width]
  for (let i = above; i < below; i++) {
    const near = (from[i - width] as number) + (from[i + width] as number)
    const far = (from[i - above] as number) + (from[i + above] as number)
    out[i] = (6 * (from[i] as number) + 4 * near + far) / 16
  }
  return out
}
