import { FaceError } from '../errors.js'
import { MESH_VERTICES } from '../geometry/types.js'
import { EXTENT_WEIGHT, extendedRows, extendedTriangles, type FaceExtentConfig } from '../nets/face-extent.js'
import { type ShippedFiles, shippedWeights } from '../platform/index.js'
import { readSafetensors } from '../weights/safetensors.js'
import type { WeightFile } from '../weights/weight-file.js'

/** What the face level knows of the face beyond the mesh. */
export interface FaceExtent {
  readonly config: FaceExtentConfig
  readonly weights: WeightFile
  /** Added vertices by those of the mesh, [added][468]. */
  readonly table: Float32Array
  /** Those of the mesh, then those of the ring. */
  readonly triangles: Uint32Array
  /** (468 + added)x3: colour of each vertex in the PNCC, beyond [0, 1] where it lies beyond the canonical mesh. */
  readonly ncc: Float32Array
}

/**
 * Reads the table that the training package's `fit-extent` writes.
 * @param mesh triangles and colours of the mesh that it goes on from
 * @throws EngineError or FaceError INVALID_WEIGHTS
 */
export async function readFaceExtent(
  mesh: { readonly triangles: Uint32Array; readonly ncc: Float32Array },
  source: ShippedFiles,
): Promise<FaceExtent> {
  const weights = await readSafetensors(shippedWeights('face-extent.safetensors', source), source)
  const rows = (tensor: string) => weights.entries().find(({ name }) => name === tensor)?.shape[0] ?? 0
  const [added, count] = [rows(EXTENT_WEIGHT), rows('extent.triangles')]
  const table = weights.tensor(EXTENT_WEIGHT, [added, MESH_VERTICES])
  const triangles = Uint32Array.from(weights.indices('extent.triangles', [count, 3]))
  const wrong = triangles.find((vertex) => vertex >= MESH_VERTICES + added)
  if (wrong !== undefined) {
    throw new FaceError(
      'INVALID_WEIGHTS',
      `${weights.name}: a triangle has vertex ${wrong}, but there are ${MESH_VERTICES + added}; write it again with fit-extent`,
      { file: weights.name },
    )
  }
  return {
    config: { added, triangles },
    weights,
    table,
    triangles: extendedTriangles(mesh.triangles, triangles),
    ncc: extendedRows(mesh.ncc, table, 3),
  }
}
