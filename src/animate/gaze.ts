import { at } from '../geometry/array.js'
import type { Matrix3 } from '../geometry/rotation.js'
import type { Similarity3 } from '../geometry/types.js'
import { EYES, type Eye } from './face-parts.js'
import { between } from './points.js'

/** Where an iris stands in its eye. */
export interface Gaze {
  /** From the middle of the corners towards the picture's right along their line, in widths of the eye. */
  readonly along: number
  /** Across it, downwards, in widths of the eye. */
  readonly across: number
}

/** How far an iris lies behind the lids, widths of the eye. */
export const IRIS_BEHIND = 0.1

/** The same in the unit of the places. @param mesh 468x3 */
export function irisBehind(mesh: ArrayLike<number>, { corners }: Eye): number {
  const [x, y] = between(mesh, ...corners)
  return IRIS_BEHIND * Math.hypot(x, y)
}

/** Least share of its area that the plane of a turned head is taken to keep: what moves in a plane that is seen from its edge cannot be told. */
const LEAST_FORESHORTENING = 0.3

/**
 * Irises of another picture where they would be in this one, had the head not moved: in the depth in which eyeballs are drawn, for these go with the
 * head. Corners of the eyes, by which a gaze is measured, move with the skin, and their landmarks tremble.
 * @param own 10x2, px of this picture
 * @param depths of the irises in this picture, by eye
 * @param others 10x2, px of the other picture
 * @param motion of the head, from this picture to the other
 * @returns 10x2, px of this picture
 */
export function irisesUnmoved(
  own: ArrayLike<number>,
  depths: readonly [number, number],
  others: ArrayLike<number>,
  { rotation, scale, translation }: Similarity3,
): Float64Array {
  const [a, b, c, d, e, f] = rotation.map((value) => scale * value) as unknown as Matrix3
  const across = Math.max(LEAST_FORESHORTENING * scale ** 2, a * e - b * d)
  const out = new Float64Array(others.length)
  EYES.forEach(({ iris }, side) => {
    const z = depths[side] as number
    for (let k = 2 * iris; k < 2 * (iris + 5); k += 2) {
      const [right, down] = [at(own, k), at(own, k + 1)]
      const x = at(others, k) - (a * right + b * down + c * z + translation[0])
      const y = at(others, k + 1) - (d * right + e * down + f * z + translation[1])
      out[k] = right + (e * x - b * y) / across
      out[k + 1] = down + (a * y - d * x) / across
    }
  })
  return out
}

/**
 * Place of an iris between the corners of its eye.
 * @param mesh 468x3, photo px
 * @param irises 10x2, photo px
 */
export function gazeOf(mesh: ArrayLike<number>, irises: ArrayLike<number>, eye: Eye): Gaze {
  const [outer, inner] = eye.corners.map((v) => [mesh[3 * v] as number, mesh[3 * v + 1] as number]) as [
    [number, number],
    [number, number],
  ]
  const [left, right] = outer[0] <= inner[0] ? [outer, inner] : [inner, outer]
  const [dx, dy] = [right[0] - left[0], right[1] - left[1]]
  const width = Math.hypot(dx, dy)
  const [ux, uy] = [dx / width, dy / width]
  const x = (irises[2 * eye.iris] as number) - (left[0] + right[0]) / 2
  const y = (irises[2 * eye.iris + 1] as number) - (left[1] + right[1]) / 2
  return { along: (x * ux + y * uy) / width, across: (y * ux - x * uy) / width }
}

/** {@link gazeOf} of both eyes. */
export function gazesOf(mesh: ArrayLike<number>, irises: ArrayLike<number>): [Gaze, Gaze] {
  return [gazeOf(mesh, irises, EYES[0]), gazeOf(mesh, irises, EYES[1])]
}

/** Half the distance of an iris's right and left points, in the unit of the places. @param irises 10x2 */
export function irisRadius(irises: ArrayLike<number>, { iris }: Eye): number {
  const [right, left] = [2 * (iris + 1), 2 * (iris + 3)]
  return Math.hypot(at(irises, right) - at(irises, left), at(irises, right + 1) - at(irises, left + 1)) / 2
}
