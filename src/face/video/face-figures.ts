import { at } from '../../geometry/array.js'
import { applySimilarityToPoints } from '../../geometry/similarity.js'
import type { Template } from '../../geometry/template.js'
import { TEMPLATE_SIZE } from '../../geometry/types.js'
import { canonicalMesh, headPose } from '../../products/face-shape.js'
import { sharpness } from '../../products/sharpness.js'
import { outsideShare } from '../find/face-finder.js'
import type { FaceFrame, FaceMeasures } from '../types.js'

const N = TEMPLATE_SIZE

/**
 * Figures of a face.
 * @param ncc 468x3, see `NetworkFiles`
 * @param triangles Tx3 vertices
 */
export function faceMeasures(
  { landmarks468, toTemplate, registered, image }: FaceFrame,
  ncc: Float32Array,
  template: Template,
  triangles: Uint32Array,
): FaceMeasures {
  const mesh = applySimilarityToPoints(toTemplate, landmarks468, 3)
  return {
    pose: headPose(landmarks468, canonicalMesh(ncc, template)),
    sharpness: sharpness(registered, meshMask(mesh, triangles)) ?? null,
    outside: outsideShare(landmarks468, image),
  }
}

/**
 * The pixels that a mesh covers.
 * @param mesh 468x3, template px
 * @param triangles Tx3 vertices
 * @returns 224x224, 1 where a pixel's centre lies in a triangle
 */
export function meshMask(mesh: ArrayLike<number>, triangles: ArrayLike<number>): Uint8Array {
  const mask = new Uint8Array(N * N)
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((corner) => 3 * at(triangles, t + corner)) as [number, number, number]
    const [ax, ay, bx, by, cx, cy] = [
      at(mesh, a),
      at(mesh, a + 1),
      at(mesh, b),
      at(mesh, b + 1),
      at(mesh, c),
      at(mesh, c + 1),
    ]
    const turn = Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    if (turn === 0) continue
    const [left, right] = [
      Math.max(0, Math.floor(Math.min(ax, bx, cx))),
      Math.min(N - 1, Math.ceil(Math.max(ax, bx, cx))),
    ]
    const [top, bottom] = [
      Math.max(0, Math.floor(Math.min(ay, by, cy))),
      Math.min(N - 1, Math.ceil(Math.max(ay, by, cy))),
    ]
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const [px, py] = [x + 0.5, y + 0.5]
        const inside =
          turn * ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) >= 0 &&
          turn * ((cx - bx) * (py - by) - (cy - by) * (px - bx)) >= 0 &&
          turn * ((ax - cx) * (py - cy) - (ay - cy) * (px - cx)) >= 0
        if (inside) mask[y * N + x] = 1
      }
    }
  }
  return mask
}
