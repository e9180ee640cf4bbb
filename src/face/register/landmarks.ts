import { FaceError } from '../../errors.js'
import { MESH_VERTICES } from '../../geometry/types.js'

/** Mesh vertex of each of the 68 landmarks in iBUG order. */
// biome-ignore format: one line per facial part
export const LANDMARK_VERTICES: readonly number[] = [
  /* jaw */ 162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
  /* brows */ 71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
  /* nose */ 168, 197, 5, 4, 75, 97, 2, 326, 305,
  /* eyes */ 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
  /* mouth */ 61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
]

/** Outer corners of the eyes among the 68: their distance is the interocular distance of error figures. */
export const OUTER_EYE_CORNERS = [36, 45] as const

/**
 * Picks the 68 landmarks from a mesh.
 * @param mesh 468x3
 * @returns 68x2, x and y of the mesh's frame
 * @throws FaceError INVALID_ARGUMENT for another mesh size
 */
export function landmarks68(mesh: ArrayLike<number>): Float32Array {
  if (mesh.length !== MESH_VERTICES * 3) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `landmarks68: mesh of ${mesh.length} numbers, expected ${MESH_VERTICES}x3`,
    )
  }
  const out = new Float32Array(LANDMARK_VERTICES.length * 2)
  LANDMARK_VERTICES.forEach((vertex, i) => {
    out[2 * i] = mesh[3 * vertex] as number
    out[2 * i + 1] = mesh[3 * vertex + 1] as number
  })
  return out
}

/** Distance between the outer eye corners of 68x2 landmarks, in their unit. */
export function interocularDistance(landmarks: ArrayLike<number>): number {
  const [left, right] = OUTER_EYE_CORNERS
  return Math.hypot(
    (landmarks[2 * left] as number) - (landmarks[2 * right] as number),
    (landmarks[2 * left + 1] as number) - (landmarks[2 * right + 1] as number),
  )
}
