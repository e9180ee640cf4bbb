import type { Rgba } from '../geometry/types.js'
import { grown } from './backdrop.js'
import { type HeadFrame, headFrame, headShare, heightInFace } from './head-depth.js'
import { type PersonMatte, personAround } from './matte.js'
import { topHat } from './top-hat.js'

/** How far from the person loose parts are looked for: beside ears and neck, where ornaments and braids hang, and above; heights of the face. */
const REACH = { beside: 0.3, above: 0.1 } as const
/** Where that begins, heights of the face above its middle. */
const ABOVE = 0.15
/** How wide and how high they are at most, and over what gaps they hang together; heights of the face. */
const WIDEST = 0.09
const HIGHEST = 0.5
const GAP = 0.015
/** By what they stand out, grey levels: at least, and so many times what nine tenths of the background in the squares around stand out by. */
const LEAST = 18
const TIMES = 2
const SHARE = 0.9
/** Side of these squares, heights of the face; of their pixels one in so many is asked, and so many tell. */
const SQUARE = 0.25
const SPARSE = 5
const LEAST_PIXELS = 40
/** Parts go with the head at least by this. */
const ON_HEAD = 0.5
/** Alpha of what may be the person, and how far beyond it colours are mixed, px. */
const SOME = 0.1
const MIXED = 1

interface Size {
  readonly width: number
  readonly height: number
}

/** Least height of a face that is looked at, px: larger ones are looked at smaller by a whole factor. */
const SMALLEST = 200

/**
 * The matte of one head's person: without what lies apart from them, somebody or something else, and with what a matte misses beside the
 * head: earrings, ends of braids, strands of hair. They are narrow, stand out from a calm background, hang from the person and end
 * before they are far away, where the edge of a door or a chair goes on. Alpha gains nothing by them, only `person`: there a sheet has what they
 * differ by from the backdrop, and so no edge of its own over another that is alike.
 * @param mesh 468x3, px of the picture
 */
export function wholeMatte(matte: PersonMatte, image: Rgba, mesh: ArrayLike<number>): PersonMatte {
  const frame = headFrame(mesh)
  const some = Uint8Array.from(matte.alpha, (value) => (value > SOME ? 1 : 0))
  const middle = pixelAt(image, frame.centre)
  // A matte that does not have the face tells nothing of what belongs to it.
  if (some[middle] === 0) return matte
  const own = new Uint8Array(some.length)
  for (const i of flood(some, image, middle)) own[i] = 1
  const alpha = matte.alpha.map((value, i) => (own[i] === 0 ? 0 : value))
  const person = personAround(alpha, image)
  const factor = Math.max(1, Math.floor(frame.height / SMALLEST))
  const small = smaller(image, factor)
  const smallFrame = headFrame(Float64Array.from(mesh, (value) => value / factor))
  const masks = [own, person].map((mask) => smallerMask(mask, image, factor)) as [Uint8Array, Uint8Array]
  const loose = looseParts(small, smallFrame, ...masks)
  for (let i = 0; i < person.length; i++) {
    const [x, y] = [i % image.width, Math.floor(i / image.width)]
    if (loose[Math.floor(y / factor) * small.width + Math.floor(x / factor)] !== 0) person[i] = 1
  }
  return { alpha, person }
}

/** @param own where the matte has the person @param person with what is around */
function looseParts(image: Rgba, frame: HeadFrame, own: Uint8Array, person: Uint8Array): Uint8Array {
  const { width, height } = image
  const px = (share: number) => Math.max(1, Math.round(share * frame.height))
  const heightOf = (i: number) => heightInFace(frame, i % width, Math.floor(i / width))
  const sure = grown(own, width, height, MIXED)
  const beside = grown(sure, width, height, px(REACH.beside))
  const near = grown(sure, width, height, px(REACH.above)).map((value, i) => {
    return heightOf(i) < ABOVE ? (beside[i] as number) : value
  })
  const salience = topHat(image, sure, px(WIDEST / 2))
  const isBackground = beside.map((value, i) => value & ~(person[i] as number))
  const limitAt = limits(salience, isBackground, image, px(SQUARE))
  const narrow = near.map((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    const standsOut = value !== 0 && (salience[i] as number) > limitAt(x, y)
    return standsOut && headShare(frame, x, y, height) >= ON_HEAD ? 1 : 0
  })
  const touching = grown(sure, width, height, MIXED)
  const out = new Uint8Array(width * height)
  for (const pixels of piecesOf(grown(narrow, width, height, px(GAP)), sure, image)) {
    const isHigh = spanOf(pixels.map(heightOf)) > HIGHEST
    const ends = pixels.every((i) => near[i] !== 0 && !isBorder(i, image))
    if (!isHigh && ends && pixels.some((i) => touching[i] !== 0)) for (const i of pixels) out[i] = 1
  }
  return out
}

/** Means of squares of pixels. */
function smaller(image: Rgba, factor: number): Rgba {
  if (factor === 1) return image
  const [width, height] = [Math.ceil(image.width / factor), Math.ceil(image.height / factor)]
  const data = new Uint8Array(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    const [left, top] = [(i % width) * factor, Math.floor(i / width) * factor]
    const [right, bottom] = [Math.min(image.width, left + factor), Math.min(image.height, top + factor)]
    for (let c = 0; c < 4; c++) {
      let sum = 0
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) sum += image.data[4 * (y * image.width + x) + c] as number
      }
      data[4 * i + c] = sum / ((right - left) * (bottom - top))
    }
  }
  return { width, height, data }
}

/** Squares of which any pixel is marked. */
function smallerMask(mask: Uint8Array, { width, height }: Size, factor: number): Uint8Array {
  const columns = Math.ceil(width / factor)
  const out = new Uint8Array(columns * Math.ceil(height / factor))
  mask.forEach((value, i) => {
    if (value !== 0) out[Math.floor(i / width / factor) * columns + Math.floor((i % width) / factor)] = 1
  })
  return out
}

function pixelAt({ width, height }: Size, [x, y]: readonly [number, number]): number {
  const [column, row] = [
    Math.max(0, Math.min(width - 1, Math.round(x))),
    Math.max(0, Math.min(height - 1, Math.round(y))),
  ]
  return row * width + column
}

/** Above what a place stands out from the background about it; where there is none nothing does. */
function limits(
  salience: Float32Array,
  isBackground: Uint8Array,
  { width, height }: Size,
  side: number,
): (x: number, y: number) => number {
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)]
  const squares: number[][] = Array.from({ length: columns * rows }, () => [])
  salience.forEach((value, i) => {
    // Along a diagonal, lest these be whole columns.
    if ((i + 2 * Math.floor(i / width)) % SPARSE !== 0 || isBackground[i] === 0) return
    squares[Math.floor(i / width / side) * columns + Math.floor((i % width) / side)]?.push(value)
  })
  const found = squares.map((_, square) => {
    const [column, row] = [square % columns, Math.floor(square / columns)]
    const around: number[] = []
    for (let v = Math.max(0, row - 1); v <= Math.min(rows - 1, row + 1); v++) {
      for (let u = Math.max(0, column - 1); u <= Math.min(columns - 1, column + 1); u++) {
        for (const value of squares[v * columns + u] as number[]) around.push(value)
      }
    }
    if (around.length < LEAST_PIXELS) return Number.POSITIVE_INFINITY
    const sorted = Float32Array.from(around).sort()
    return Math.max(LEAST, TIMES * (sorted[Math.floor(SHARE * sorted.length)] as number))
  })
  return (x, y) => found[Math.floor(y / side) * columns + Math.floor(x / side)] as number
}

/** The pieces of what a mask has beyond another. @returns pixels of each */
function piecesOf(mask: Uint8Array, without: Uint8Array, size: Size): number[][] {
  const rest = mask.map((value, i) => value & ~(without[i] as number))
  const pieces: number[][] = []
  for (let start = 0; start < rest.length; start++)
    if (rest[start] !== 0) pieces.push(flood(rest, size, start))
  return pieces
}

function spanOf(values: readonly number[]): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return most - least
}

function isBorder(i: number, { width, height }: Size): boolean {
  const [x, y] = [i % width, Math.floor(i / width)]
  return x === 0 || y === 0 || x === width - 1 || y === height - 1
}

/** Takes the piece around a pixel out of a mask. @returns its pixels */
function flood(mask: Uint8Array, { width }: Size, start: number): number[] {
  const pixels = [start]
  mask[start] = 0
  for (let k = 0; k < pixels.length; k++) {
    const i = pixels[k] as number
    const x = i % width
    for (const j of [x > 0 ? i - 1 : -1, x + 1 < width ? i + 1 : -1, i - width, i + width]) {
      if (j < 0 || j >= mask.length || mask[j] === 0) continue
      mask[j] = 0
      pixels.push(j)
    }
  }
  return pixels
}
