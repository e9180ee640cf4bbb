import type { GraphBuilder, Value } from '../graph/graph.js'
import { regionCrop, regionPoints, regionTransform } from '../ops/mesh/landmark-attention.js'
import { refineMesh } from '../ops/mesh/refine-mesh.js'
import {
  branch,
  MESH_CHANNELS,
  type MeshRegression,
  meshBranch,
  meshTrunk,
  wholeMapConv,
} from './mesh-regressor.js'
import { FACE_REGIONS } from './mesh-topology.js'
import { type BlockRow, separableBlocks } from './separable-block.js'

/** Vertices of the refined mesh: 468 and 5 of each iris. */
export const REFINED_VERTICES = 478

/** Regions are 1.5 times the rectangle around their vertices, and sampled at 16x16. */
const REGION_MARGIN = 1.5
const REGION_SIDE = 16
/** Crop pixels per pixel of the trunk's 48x48 map. */
const MAP_STRIDE = 4

// biome-ignore format: one line per map size
const REGION_BLOCKS: readonly BlockRow[] = [
  [32, 1], [32, 1],                // 16x16
  [64, 2], [64, 1], [64, 1],       //  8x8
  [128, 2],                        //  4x4
]
// biome-ignore format: one line per map size
const PART_BLOCKS: readonly BlockRow[] = [
  [128, 1], [128, 1],              //  4x4
  [128, 2], [128, 1], [128, 1],    //  2x2
]

/**
 * MediaPipe's face mesh regressor with attention: coarse mesh, then close looks at lips and eyes where the coarse
 * mesh says they are. Weights: mesh-regressor-attention.safetensors.
 * @param crop n x 192 x 192 x 3, see MESH_REGRESSOR_INPUT
 * @returns `mesh` as n x 1 x 1 x 1434: the 468 vertices with refined lips and eyes (z stays the coarse mesh's), then
 * the two irises (left in the picture first; centre, right, top, left, bottom)
 */
export function meshRegressorAttention(graph: GraphBuilder, crop: Value): MeshRegression {
  const { map48, map6 } = meshTrunk(graph, crop)
  const features = meshBranch(graph, map6)
  const coarse = wholeMapConv(graph, 'mesh.output', features, 3, MESH_CHANNELS)

  let mesh = coarse
  for (const { name, axis, vertices, parts } of FACE_REGIONS) {
    const placement = regionTransform(graph, `${name}.placement`, coarse, {
      line: axis,
      vertices,
      scale: 1 / MAP_STRIDE,
      side: REGION_SIDE,
      margin: REGION_MARGIN,
    })
    const closeUp = regionCrop(graph, `${name}.crop`, map48, placement, {
      height: REGION_SIDE,
      width: REGION_SIDE,
    })
    const region = separableBlocks(graph, `${name}.region.`, closeUp, REGION_BLOCKS, 'prelu')
    for (const { branch: part, ...places } of parts) {
      const reduced = branch(graph, part, region, PART_BLOCKS)
      const points = wholeMapConv(graph, `${part}.output`, reduced, 2, 2 * places.vertices.length)
      const inCrop = regionPoints(graph, `${part}.points`, points, placement, { scale: MAP_STRIDE })
      mesh = refineMesh(graph, `${part}.refine`, mesh, inCrop, places)
    }
  }
  return { mesh, flag: wholeMapConv(graph, 'flag.output', features, 3, 1) }
}
