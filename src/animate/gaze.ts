import { at } from '../geometry/array.js'
import type { Eye } from './face-parts.js'

/** Where an iris stands in its eye. */
export interface Gaze {
  /** From the middle of the corners towards the picture's right along their line, in widths of the eye. */
  readonly along: number
  /** Across it, downwards, in widths of the eye. */
  readonly across: number
}

/** How far an iris lies behind the lids, widths of the eye. */
export const IRIS_BEHIND = 0.1

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

/** Half the distance of an iris's right and left points, in the unit of the places. @param irises 10x2 */
export function irisRadius(irises: ArrayLike<number>, { iris }: Eye): number {
  const [right, left] = [2 * (iris + 1), 2 * (iris + 3)]
  return Math.hypot(at(irises, right) - at(irises, left), at(irises, right + 1) - at(irises, left + 1)) / 2
}
