import { at } from '../geometry/array.js'
import type { Rgba } from '../geometry/types.js'
import { type Colour, cellColour, eyesApart, PATCH, type Place, placesOf, skinColour } from './cell-colour.js'
import { INNER_LIPS, OUTER_LIPS } from './face-parts.js'

/** Whether something lies over the mouth, as a hand or a mask does: along the lips colours differ from those beside them as lips do, and both sides are alike. */

/** Points along the lips, from the right corner along the upper lip and back along the lower one: corners, the upper lip's sides and middle, the lower one's. */
const GROUPS: readonly (readonly number[])[] = [
  [0, 10],
  [1, 2, 8, 9],
  [3, 4, 5, 6, 7],
  [11, 12, 18, 19],
  [13, 14, 15, 16, 17],
]
/** For each of them the one on the other side. */
const MIRRORED: readonly number[] = /* @__PURE__ */ OUTER_LIPS.map((_, i) => (30 - i) % OUTER_LIPS.length)
/** Of them the middle of the upper lip, and of the lower one. */
const MIDDLE = [
  [4, 5, 6],
  [16, 15, 14],
] as const
/** How far beside the lips is looked, distances of the outer eye corners. */
const BESIDE = 0.07
const FARTHER = 0.17
/** Cheeks, forehead and between the brows: most of it is free where a hand lies before the mouth. */
const SKIN: readonly number[] = [50, 280, 117, 346, 205, 425, 9, 151]

/**
 * What each number of a mouth's look counts, in ten-thousandths a grey level: by a linear discriminant of 824 portraits and of such with hands, masks and things drawn before the mouth (`fit-covers` of training/README.md).
 */
// biome-ignore format: rows of brightness, blue, red
const WEIGHTS: readonly Colour[] = [
  [20, 150, 16], [21, -33, 64], [41, 24, -83], [28, -96, 140], [-63, -365, -271], // lips less beside them, by group
  [7, -141, 139], // line between the lips
  [112, 389, 378], [-27, -115, -40], [-29, 4, -6], // both sides, of that contrast, beside the lips, farther
  [-1, 5, 10], [5, 41, 24], // from the skin, beside the lips, farther
  [-56, -234, -109], [29, -92, 24], [-95, 139, -216], // spread of the contrast, beside the lips, of the lips
]
const CONSTANT = 0.74

/** Above that a mouth is covered. */
export const COVERED_MOUTH = 0.6
/** Beyond this turn to the side, degrees, one side of a free mouth looks unlike the other. */
export const WIDEST_TURN_OF_MOUTHS = 25
/** Below this brightness of the skin, grey levels, lips differ from it by little more than the noise; in ordinary light it has 80 and more. */
export const DARKEST_SKIN_OF_MOUTHS = 30

/**
 * How much the mouth looks as if something lay over it.
 * @param landmarks 468x3, px of the picture
 * @returns about -1 of free ones, 1 of covered ones; above {@link COVERED_MOUTH} something does
 */
export function coveredMouth(image: Rgba, landmarks: ArrayLike<number>): number {
  const look = mouthLook(image, landmarks)
  return look.reduce((sum, colour, i) => sum + dot(colour, WEIGHTS[i] as Colour) / 1e4, CONSTANT)
}

/** Of cheeks and forehead, grey levels. @param landmarks 468x3, px of the picture */
export function skinBrightness(image: Rgba, landmarks: ArrayLike<number>): number {
  return skinColour(image, landmarks, SKIN)[0]
}

/**
 * What a mouth looks like: rows of a brightness and two colours each, grey levels.
 * @param landmarks 468x3, px of the picture
 */
export function mouthLook(image: Rgba, landmarks: ArrayLike<number>): Colour[] {
  const point = placesOf(landmarks)
  const unit = eyesApart(landmarks)
  const side = PATCH * unit
  const colourAt = (place: Place) => cellColour(image, place, [side, 0], [0, side])
  const outer = OUTER_LIPS.map(point)
  const inner = INNER_LIPS.map(point)
  const between = outer.map((place, i) => middle([place, inner[i] as Place]))
  const centre = middle(outer)
  const lips = between.map(colourAt)
  const beside = outer.map((place, i) => colourAt(beyond(between[i] as Place, place, BESIDE * unit)))
  const farther = outer.map((place) => colourAt(beyond(centre, place, FARTHER * unit)))
  const contrast = lips.map((lip, i) => minus(lip, beside[i] as Colour))
  const line = MIDDLE[0].map((upper, i) => {
    return colourAt(middle([inner[upper] as Place, inner[at(MIDDLE[1], i)] as Place]))
  })
  const skin = skinColour(image, landmarks, SKIN)
  return [
    ...GROUPS.map((group) => mean(group.map((i) => contrast[i] as Colour))),
    minus(mean(line), mean(MIDDLE.flat().map((i) => lips[i] as Colour))),
    ...[contrast, beside, farther].map(asymmetry),
    ...[beside, farther].map((colours) => mean(colours.map((colour) => absolute(minus(colour, skin))))),
    ...[contrast, beside, lips].map(spread),
  ]
}

function distance([ax, ay]: Place, [bx, by]: Place): number {
  return Math.hypot(ax - bx, ay - by)
}

function middle(places: readonly Place[]): Place {
  const sum = (axis: 0 | 1) => places.reduce((total, place) => total + place[axis], 0)
  return [sum(0) / places.length, sum(1) / places.length]
}

/** From a place on through another one, and further by some px. */
function beyond(from: Place, [x, y]: Place, by: number): Place {
  const length = Math.max(distance(from, [x, y]), 1e-6)
  return [x + ((x - from[0]) / length) * by, y + ((y - from[1]) / length) * by]
}

function dot([a, b, c]: Colour, [d, e, f]: Colour): number {
  return a * d + b * e + c * f
}

function minus([a, b, c]: Colour, [d, e, f]: Colour): Colour {
  return [a - d, b - e, c - f]
}

function absolute([a, b, c]: Colour): Colour {
  return [Math.abs(a), Math.abs(b), Math.abs(c)]
}

function mean(colours: readonly Colour[]): Colour {
  const sum = (channel: number) => colours.reduce((total, colour) => total + at(colour, channel), 0)
  return [sum(0) / colours.length, sum(1) / colours.length, sum(2) / colours.length]
}

/** By how much both sides differ in the mean. */
function asymmetry(colours: readonly Colour[]): Colour {
  return mean(colours.map((colour, i) => absolute(minus(colour, colours[at(MIRRORED, i)] as Colour))))
}

/** Standard deviation along the lips. */
function spread(colours: readonly Colour[]): Colour {
  const [a, b, c] = mean(colours)
  const squares = mean(colours.map(([d, e, f]): Colour => [(d - a) ** 2, (e - b) ** 2, (f - c) ** 2]))
  return [Math.sqrt(squares[0]), Math.sqrt(squares[1]), Math.sqrt(squares[2])]
}
