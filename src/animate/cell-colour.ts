import { at } from '../geometry/array.js'
import { medianInPlace } from '../geometry/median.js'
import { sampleColour } from '../geometry/sample-colour.js'
import type { Rgba } from '../geometry/types.js'
import { EYE_CORNERS } from './face-parts.js'

/** Brightness and differences of blue and red from it (BT.601), grey levels. */
export type Colour = readonly [brightness: number, blue: number, red: number]

export type Place = readonly [x: number, y: number]

/** Where vertices lie in the picture. @param landmarks 468x3, px */
export function placesOf(landmarks: ArrayLike<number>): (vertex: number) => Place {
  return (vertex) => [at(landmarks, 3 * vertex), at(landmarks, 3 * vertex + 1)]
}

/** Between the outer corners of the eyes in the picture, px. */
export function eyesApart(landmarks: ArrayLike<number>): number {
  const [[ax, ay], [bx, by]] = EYE_CORNERS.map(placesOf(landmarks)) as [Place, Place]
  return Math.hypot(ax - bx, ay - by)
}

/** Samples along a side of a cell. */
const SAMPLES = 4
/** Side of a patch of skin, distances of the outer eye corners. */
export const PATCH = 0.06

/** Mean over a parallelogram about a point. */
export function cellColour(image: Rgba, [x, y]: Place, across: Place, along: Place): Colour {
  const sum = [0, 0, 0]
  const colour = [0, 0, 0]
  for (let k = 0; k < SAMPLES * SAMPLES; k++) {
    const u = ((k % SAMPLES) + 0.5) / SAMPLES - 0.5
    const v = (Math.floor(k / SAMPLES) + 0.5) / SAMPLES - 0.5
    sampleColour(
      image,
      x + u * across[0] + v * along[0] - 0.5,
      y + u * across[1] + v * along[1] - 0.5,
      colour,
    )
    for (let c = 0; c < 3; c++) sum[c] = at(sum, c) + at(colour, c)
  }
  const [r, g, b] = sum.map((value) => value / (SAMPLES * SAMPLES)) as [number, number, number]
  const brightness = 0.299 * r + 0.587 * g + 0.114 * b
  return [brightness, 0.564 * (b - brightness), 0.713 * (r - brightness)]
}

/** Of skin: of each channel the median over patches about vertices. */
export function skinColour(image: Rgba, landmarks: ArrayLike<number>, vertices: readonly number[]): Colour {
  const side = PATCH * eyesApart(landmarks)
  const patches = vertices
    .map(placesOf(landmarks))
    .map((place) => cellColour(image, place, [side, 0], [0, side]))
  const median = (channel: number): number => {
    return medianInPlace(
      Float64Array.from(patches, (colour) => at(colour, channel)),
      (value) => value,
    )
  }
  return [median(0), median(1), median(2)]
}
