import type { Similarity } from '../geometry/types.js'

/**
 * What hair and ears do beyond the motion that the mesh has them do, in the plane: by how much they are larger (share), turned (radians,
 * x to y) and shifted (right and down, distances of the outer eye corners), about the middle of the face. Depth behind the rim of the
 * mesh is a guess, and where it is wrong the outline of a turned head is.
 */
export type Surround = readonly [scale: number, roll: number, right: number, down: number]

export const STILL_SURROUND: Surround = [0, 0, 0, 0]

/**
 * @param middle where the middle of the face is, px
 * @param unit distance of the outer eye corners there, px
 * @returns the same as a similarity of the picture, px
 */
export function surroundSimilarity(
  [scale, roll, right, down]: Surround,
  [mx, my]: readonly [number, number],
  unit: number,
): Similarity {
  return {
    a: 1 + scale,
    b: roll,
    tx: unit * right - scale * mx + roll * my,
    ty: unit * down - scale * my - roll * mx,
  }
}
