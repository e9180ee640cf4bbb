import { indices, record, whole } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { extendVertices } from '../ops/mesh/extend-vertices.js'
import { interpolate } from '../ops/mesh/interpolate.js'
import { rasterise } from '../ops/mesh/rasterise.js'
import { smoothRim } from '../ops/mesh/smooth-rim.js'
import { vertexMotion } from '../ops/mesh/vertex-motion.js'
import { concatPart } from '../ops/tensor/concat.js'

/** How far the face reaches: `mesh`, as far as the 468 vertices; `face`, on to the hair line, the ears and below the chin. */
export const EXTENTS = ['face', 'mesh'] as const

/** One of {@link EXTENTS}. */
export type Extent = (typeof EXTENTS)[number]

/** The ring of vertices about the mesh that {@link extendFace} adds. */
export interface FaceExtentConfig {
  /** How many vertices are added. */
  readonly added: number
  /** Triangles of the ring, Tx3: of the mesh's vertices and, after the last of these, the added ones. */
  readonly triangles: Uint32Array
}

/** What a {@link FaceExtentConfig} must be. */
export const FACE_EXTENT = record({ added: whole(), triangles: indices })

/** Weights of the added vertices by those of the mesh, [added, vertices]; each row's sum is 1. */
export const EXTENT_WEIGHT = 'extent.weight'

/**
 * Any pixel of the face about a vertex tells its motion: vertices on the rim of the mesh, where the ring begins, have less than half
 * of their surroundings covered.
 */
const LEAST_COVER = 0.05

/** Over so many px the network's flow, which is least sure where the mesh ends, passes into what is carried on. */
const RIM_RADIUS = 3

/** A flow and the fragments that it is defined on. */
export interface ExtendedFlow {
  /** n x h x w x 3: (dx, dy, dz), template px; as it was where the mesh is, but for a few px along its rim. */
  readonly flow: Value
  /** n x h x w x 4 of `rasterise`, with triangles as {@link extendedTriangles} lists them; as they were where the mesh is. */
  readonly fragments: Value
}

/**
 * Carries a flow on beyond the mesh. The added vertices' places are weighted sums of the mesh's, and so are their motions: turns and
 * shifts carry over as they are, and what an expression does near the rim as far as the heads that the weights are fitted to show
 * it. No more than a first guess, which the images then refine.
 * @param flow n x h x w x 3, template px, zero off the mesh
 * @param fragments n x h x w x 4: of the mesh of I1
 * @param meshes n x 1 x V x 3 each, template px: of I1 and I2
 * @param triangles of the mesh
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function extendFace(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  meshes: readonly [Value, Value],
  triangles: Uint32Array,
  { added, triangles: ring }: FaceExtentConfig,
): ExtendedFlow {
  const { h, w } = tensorTypeOf(graph, 'extendFace flow', flow)
  const weights = { weight: EXTENT_WEIGHT, added }
  // Place and motion of each vertex; of hidden ones the meshes say how they move.
  const known = vertexMotion(graph, `${name} motion`, flow, fragments, meshes, {
    scale: 1,
    leastCover: LEAST_COVER,
    whole: true,
    beside: [{ kind: 'position', scale: 1, origin: [0, 0, 0] }],
  })
  const vertices = extendVertices(graph, `${name} vertices`, known, weights)
  const places = concatPart(graph, `${name} places`, vertices, 0)
  const motion = concatPart(graph, `${name} motions`, vertices, 1)

  // The ring's triangles come after the mesh's.
  const drawn = { triangles: ring, firstTriangle: triangles.length / 3 }
  const raster = { ...drawn, width: w, height: h, cull: 'back' } as const
  const all = rasterise(graph, `${name} fragments`, places, raster, fragments)
  const joined = interpolate(graph, `${name} flow`, all, motion, drawn, flow)
  return {
    flow: smoothRim(graph, `${name} smooth flow`, joined, all, {
      first: drawn.firstTriangle,
      radius: RIM_RADIUS,
    }),
    fragments: all,
  }
}

/** Triangles of the mesh, then those of the ring: what the fragments of {@link extendFace} number. */
export function extendedTriangles(triangles: Uint32Array, ring: Uint32Array): Uint32Array {
  const all = new Uint32Array(triangles.length + ring.length)
  all.set(triangles)
  all.set(ring, triangles.length)
  return all
}

/**
 * What is known of each vertex of the mesh, carried on to the added ones.
 * @param rows Vxc
 * @param weights added x V
 * @returns (V + added)xc, the first V as they are
 */
export function extendedRows(rows: Float32Array, weights: Float32Array, channels: number): Float32Array {
  const vertices = rows.length / channels
  const added = weights.length / vertices
  const all = new Float32Array((vertices + added) * channels)
  all.set(rows)
  for (let row = 0; row < added; row++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0
      for (let v = 0; v < vertices; v++) {
        sum += (weights[row * vertices + v] as number) * (rows[v * channels + c] as number)
      }
      all[(vertices + row) * channels + c] = sum
    }
  }
  return all
}
