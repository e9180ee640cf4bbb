import type { Template } from '../geometry/template.js'
import { canonicalMesh, headPose, sharedView } from '../products/face-shape.js'
import { sharpness } from '../products/sharpness.js'
import type { PairFigures } from '../products/warnings.js'
import { unlikeness } from './look/look.js'
import type { PairOutputs } from './registered-pair.js'

/**
 * What pictures and meshes of a registered pair say about whether its flow can be trusted.
 * @param mask 224x224, the mesh of A
 */
export function measurePair(
  { frames, mesh, meshOfB, faces, backward }: PairOutputs,
  mask: Uint8Array,
  {
    triangles,
    ncc,
    template,
  }: { readonly triangles: Uint32Array; readonly ncc: Float32Array; readonly template: Template },
): Pick<PairFigures, 'faces' | 'unlikeness' | 'sharedView'> {
  const canonical = canonicalMesh(ncc, template)
  const meshes = meshOfB === undefined ? [mesh] : [mesh, meshOfB]
  // Without the way back the face of B is taken to lie where that of A does: both are registered.
  const masks = [mask, backward?.meshMask ?? mask]
  return {
    faces: faces.map((face, index) => {
      const { yaw, pitch } = headPose(meshes[index] as Float32Array, canonical)
      return {
        ...face,
        yaw,
        pitch,
        sharpness: sharpness(frames[index as 0 | 1], masks[index] as ArrayLike<number>),
      }
    }),
    unlikeness: meshOfB && unlikeness(frames, [mesh, meshOfB]),
    sharedView: meshOfB && sharedView(mesh, meshOfB, triangles),
  }
}
