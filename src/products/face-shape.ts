import { type EulerAngles, eulerAngles } from '../geometry/rotation.js'
import { fitSimilarity3 } from '../geometry/similarity3.js'
import type { Template } from '../geometry/template.js'

/**
 * The canonical face in its own unit, x right, y down, z away from the viewer, as meshes of pictures are.
 * @param ncc Vx3 in [0, 1]: place of each vertex in the box of the canonical face
 */
export function canonicalMesh(ncc: Float32Array, { ncc: { min, max } }: Pick<Template, 'ncc'>): Float32Array {
  return ncc.map((value, i) => {
    const axis = (i % 3) as 0 | 1 | 2
    return min[axis] + value * (max[axis] - min[axis])
  })
}

/**
 * How a face is turned against the camera, degrees; signs as in `RigidMotion.angles`.
 * @param mesh Vx3, template px
 * @param canonical Vx3, see {@link canonicalMesh}
 */
export function headPose(mesh: ArrayLike<number>, canonical: ArrayLike<number>): EulerAngles {
  return eulerAngles(fitSimilarity3(canonical, mesh).rotation)
}

/**
 * Share of the faces that both pictures show: area of what both meshes turn to the camera, as the picture shows less of it, over
 * that of the face which shows less.
 * @param triangles Tx3 vertices
 * @returns in [0, 1]; 1 for the same view
 */
export function sharedView(
  meshA: ArrayLike<number>,
  meshB: ArrayLike<number>,
  triangles: ArrayLike<number>,
): number {
  let [shown, ofA, ofB, shared] = [0, 0, 0, 0]
  const areas = Array.from({ length: triangles.length / 3 }, (_, t) => {
    const pair = [facingArea(meshA, triangles, t), facingArea(meshB, triangles, t)] as const
    shown += pair[0]
    return pair
  })
  // Which order of corners faces the camera is that of most of the face.
  const front = Math.sign(shown)
  for (const [a, b] of areas) {
    const [inA, inB] = [Math.max(0, front * a), Math.max(0, front * b)]
    ofA += inA
    ofB += inB
    shared += Math.min(inA, inB)
  }
  const least = Math.min(ofA, ofB)
  return least > 0 ? shared / least : 0
}

/** Twice the signed area of a triangle in the picture. Called some 100,000 times a mesh (`SkinFolds`), so without checks. */
export function facingArea(mesh: ArrayLike<number>, triangles: ArrayLike<number>, t: number): number {
  const a = 3 * (triangles[3 * t] as number)
  const b = 3 * (triangles[3 * t + 1] as number)
  const c = 3 * (triangles[3 * t + 2] as number)
  const [x, y] = [mesh[a] as number, mesh[a + 1] as number]
  return (
    ((mesh[b] as number) - x) * ((mesh[c + 1] as number) - y) -
    ((mesh[c] as number) - x) * ((mesh[b + 1] as number) - y)
  )
}
