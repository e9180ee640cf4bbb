import { indices, record, whole } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { extendVertices } from '../ops/mesh/extend-vertices.js'
import { fragmentSelect } from '../ops/mesh/fragment-select.js'
import { interpolate } from '../ops/mesh/interpolate.js'
import { rasterise } from '../ops/mesh/rasterise.js'
import { smoothRim } from '../ops/mesh/smooth-rim.js'
import { vertexMotion } from '../ops/mesh/vertex-motion.js'
import { vertexAttributes } from '../ops/mesh/vertices.js'
import { add } from '../ops/tensor/elementwise.js'

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
  // The meshes say how hidden vertices move.
  const known = vertexAttributes(graph, `${name} mesh motion`, meshes, [{ kind: 'difference', scale: 1 }])
  const beyond = vertexMotion(graph, `${name} beyond`, flow, fragments, meshes, {
    scale: 1,
    leastCover: LEAST_COVER,
  })
  const motion = extendVertices(graph, `${name} motion`, add(graph, `${name} seen`, known, beyond), weights)

  const places = extendVertices(graph, `${name} places`, meshes[0], weights)
  // The mesh's own triangles keep their numbers and are left out: they have no area.
  const ringAlone = extendedTriangles(new Uint32Array(triangles.length), ring)
  const around = rasterise(graph, `${name} ring`, places, {
    width: w,
    height: h,
    triangles: ringAlone,
    cull: 'back',
  })
  const moved = interpolate(graph, `${name} ring motion`, around, motion, { triangles: ringAlone })
  const all = fragmentSelect(graph, `${name} fragments`, fragments, fragments, around)
  const joined = fragmentSelect(graph, `${name} flow`, fragments, flow, moved)
  return {
    flow: smoothRim(graph, `${name} smooth flow`, joined, all, {
      first: triangles.length / 3,
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
