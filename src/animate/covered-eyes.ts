import { at } from '../geometry/array.js'
import type { Rgba } from '../geometry/types.js'
import { type Colour, cellColour, type Place, placesOf, skinColour } from './cell-colour.js'
import { EYES, type Eye } from './face-parts.js'

/** Whether something lies over the eyes, as sunglasses do: what is there looks unlike an eye, and below it unlike skin. */

/** An eye from its outer corner to its inner one and about it, brightness of 6x7 cells: mean of 388 faces, most of them drawn by networks. */
// biome-ignore format: a picture
const EYE_PICTURE: readonly number[] = [
   0,  -3,  -6,  -9,  -8,  -3,  6,
  -2,  -2,  -5,  -9, -11,  -8,  0,
  -3, -14, -17, -21, -14, -10,  0,
  -3,  -9,  -3,  -9,  -2,  -1,  5,
  11,  10,   5,   4,   5,   9, 11,
  15,  18,  17,  15,  16,  15, 14,
]
const [ROWS, COLUMNS] = [6, 7]
/** Half sides of the picture, widths of the eye. */
const HALF = { across: 0.9, along: 0.8 } as const
/** Cells of the skin right below the eye, which sunglasses cover too. */
const BELOW: readonly number[] = [30, 31, 32]
/** Points of skin that they leave free. */
const SKIN = {
  cheeks: [205, 425, 187, 411, 36, 266],
  /** For who wears a mask; else hair and hats lie on it more often than anything on cheeks. */
  forehead: [9, 151, 108, 337, 69, 299],
} as const
/** Grey levels below which a cell's contrast is noise. */
const NOISE = 10
/** What a grey level of another colour and of another brightness below the eye counts against likeness to an eye, which is 1 at most. */
const WEIGHT = { colour: 0.02, brightness: 0.006 } as const

/** Above that eyes are covered. */
export const COVERED_EYES = 0.25

/**
 * How much the eyes look as if something lay over them.
 * @param landmarks 468x3, px of the picture
 * @param skin where the face's own colour is looked for
 * @returns at least -1; above {@link COVERED_EYES} something does
 */
export function coveredEyes(
  image: Rgba,
  landmarks: ArrayLike<number>,
  skin: keyof typeof SKIN = 'cheeks',
): number {
  const point = placesOf(landmarks)
  const own = skinColour(image, landmarks, SKIN[skin])
  let [likeness, colour, brightness] = [-1, 0, 0]
  EYES.forEach((eye, i) => {
    const cells = eyeCells(image, eye, point, i === 0 ? 1 : -1)
    likeness = Math.max(
      likeness,
      correlation(
        cells.map(([level]) => level),
        EYE_PICTURE,
      ),
    )
    const below = [0, 1, 2].map((c) => {
      return BELOW.reduce((sum, cell) => sum + at(cells[cell] as Colour, c), 0) / BELOW.length - at(own, c)
    })
    colour += Math.hypot(at(below, 1), at(below, 2)) / 2
    brightness += Math.abs(at(below, 0)) / 2
  })
  return WEIGHT.colour * colour + WEIGHT.brightness * brightness - likeness
}

/** @param down 1 where turning the way from the outer to the inner corner by a right angle, x to y, leads down the face, else -1 */
function eyeCells(
  image: Rgba,
  { corners: [outer, inner] }: Eye,
  point: (v: number) => Place,
  down: number,
): Colour[] {
  const [from, to] = [point(outer), point(inner)]
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]]
  const across = [(2 * HALF.across * dx) / COLUMNS, (2 * HALF.across * dy) / COLUMNS] as const
  const along = [(-2 * HALF.along * down * dy) / ROWS, (2 * HALF.along * down * dx) / ROWS] as const
  return Array.from({ length: ROWS * COLUMNS }, (_, i) => {
    const [u, v] = [(i % COLUMNS) - (COLUMNS - 1) / 2, Math.floor(i / COLUMNS) - (ROWS - 1) / 2]
    const x = (from[0] + to[0]) / 2 + u * across[0] + v * along[0]
    const y = (from[1] + to[1]) / 2 + u * across[1] + v * along[1]
    return cellColour(image, [x, y], across, along)
  })
}

/** Of Pearson; what hardly varies has none. */
function correlation(values: readonly number[], picture: readonly number[]): number {
  const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length
  const [a, b] = [mean(values), mean(picture)]
  const product = mean(values.map((value, i) => (value - a) * (at(picture, i) - b)))
  const spread = mean(values.map((value) => (value - a) ** 2)) + NOISE ** 2
  return product / Math.sqrt(spread * mean(picture.map((value) => (value - b) ** 2)))
}
