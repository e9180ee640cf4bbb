import { EngineError } from '../errors.js'
import {
  anything,
  checkArguments,
  finite,
  finiteFloats,
  list,
  positive,
  record,
  whole,
} from '../graph/arguments.js'
import { checkedBuilder, type GraphBuilder, type Value } from '../graph/graph.js'
import { type ImageTransform, imageInput } from '../ops/image/image-input.js'
import { meanVertices } from '../ops/mesh/vertices.js'
import { batchSlice } from '../ops/tensor/concat.js'
import { MESH_REGRESSOR_INPUT, meshRegressor } from './mesh-regressor.js'

/** What {@link registeredMeshes} builds. */
export interface RegisteredMeshesConfig {
  /** Side of the template frame, px. */
  readonly size: number
  /** What 3DMeshReg sees of a registered frame: an unturned square, template px. */
  readonly regressorRoi: { readonly cx: number; readonly cy: number; readonly side: number }
  /** Normalised coordinates code of each vertex, [vertex][3] in [0, 1]; tells which vertices are mirror images. */
  readonly ncc: Float32Array
}

/**
 * 3DMeshReg on registered frames: on the region of each frame and on its mirror image, averaged. What the network gets
 * wrong on one it does not get wrong in the same way on the other, and a mirrored pair gets mirrored meshes.
 * @param frames RGBA8, size x size
 * @param transform `registeredRoiTransform`, packed
 * @returns n x 1 x 468 x 3, template px, z away from the camera
 * @throws EngineError INVALID_GRAPH if a vertex has no mirror image in `ncc`
 */
export function registeredMeshes(
  graph: GraphBuilder,
  name: string,
  frames: readonly Value[],
  transform: Value,
  config: RegisteredMeshesConfig,
): Value {
  return registeredFaces(graph, name, frames, transform, config).meshes
}

export interface RegisteredFaces {
  /** As of `registeredMeshes`. */
  readonly meshes: Value
  /** n x 1 x 1 x 1: logit that the frame holds a face. */
  readonly flags: Value
}

const what = 'registered meshes'
const ROI = record({ cx: finite, cy: finite, side: positive })
const ROI_CONFIG = { size: whole(), regressorRoi: ROI }
const MESHES_CONFIG = { ...ROI_CONFIG, ncc: finiteFloats }

/** As `registeredMeshes`, with what 3DMeshReg says of each frame as it is: whether it is a face at all. */
export function registeredFaces(
  graph: GraphBuilder,
  name: string,
  frames: readonly Value[],
  transform: Value,
  config: RegisteredMeshesConfig,
): RegisteredFaces {
  checkArguments(what, MESHES_CONFIG, config)
  checkArguments(what, { frames: list(anything, 1) }, { frames })
  return checkedBuilder(graph).precise(() => facesOf(graph, name, frames, transform, config))
}

/** All of it in f32: a vertex a hundredth of a pixel further covers other pixels. */
function facesOf(
  graph: GraphBuilder,
  name: string,
  frames: readonly Value[],
  transform: Value,
  { ncc, regressorRoi }: RegisteredMeshesConfig,
): RegisteredFaces {
  const { cx, cy, side } = regressorRoi
  const crops = imageInput(
    graph,
    `${name} crops`,
    frames.map((pixels) => ({ pixels, transform })),
    {
      width: MESH_REGRESSOR_INPUT.width,
      height: MESH_REGRESSOR_INPUT.height,
      border: 'black',
      mirrored: true,
    },
  )
  const { mesh, flag } = meshRegressor(graph, crops)
  const n = frames.length
  const scale = side / MESH_REGRESSOR_INPUT.width
  const [left, right, top] = [cx - side / 2, cx + side / 2, cy - side / 2]
  const seen = batchSlice(graph, `${name} of frames`, mesh, 0, n)
  const mirrored = batchSlice(graph, `${name} of mirror images`, mesh, n, n)
  return {
    meshes: meanVertices(
      graph,
      name,
      [seen, mirrored],
      [
        { scale: [scale, scale, scale], offset: [left, top, 0] },
        { scale: [-scale, scale, scale], offset: [right, top, 0], order: mirroredVertices(ncc) },
      ],
    ),
    flags: batchSlice(graph, `${name} flags`, flag, 0, n),
  }
}

/** Content of the input `roi`. @throws EngineError INVALID_ARGUMENT for another configuration */
export function registeredRoiTransform(
  config: Pick<RegisteredMeshesConfig, 'size' | 'regressorRoi'>,
): ImageTransform {
  checkArguments(what, ROI_CONFIG, config)
  const { size } = config
  const { cx, cy, side } = config.regressorRoi
  const scale = side / MESH_REGRESSOR_INPUT.width
  return { width: size, height: size, matrix: [scale, 0, cx - side / 2, 0, scale, cy - side / 2] }
}

/** Largest difference of a coordinate; neighbouring vertices lie 1e-2 and more apart, rounding leaves 1e-7. */
const SAME_PLACE = 1e-4

/**
 * For each vertex the one at its place on the other side of the face.
 * @param ncc [vertex][3] in [0, 1]
 * @throws EngineError INVALID_GRAPH if a vertex has no mirror image
 */
export function mirroredVertices(ncc: Float32Array): Uint32Array {
  const vertices = ncc.length / 3
  const coordinate = (vertex: number, axis: number): number => ncc[3 * vertex + axis] as number
  return Uint32Array.from({ length: vertices }, (_, vertex) => {
    for (let other = 0; other < vertices; other++) {
      const apart = Math.max(
        Math.abs(1 - coordinate(vertex, 0) - coordinate(other, 0)),
        Math.abs(coordinate(vertex, 1) - coordinate(other, 1)),
        Math.abs(coordinate(vertex, 2) - coordinate(other, 2)),
      )
      if (apart < SAME_PLACE) return other
    }
    throw new EngineError('INVALID_GRAPH', `vertex ${vertex} of the face has no mirror image`, { vertex })
  })
}
