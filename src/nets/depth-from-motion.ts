import { anything, type Check, checkArguments, indices, list, record, whole } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { fullyConnected } from '../ops/conv/fully-connected.js'
import { addVertexMotion } from '../ops/mesh/add-vertex-motion.js'
import { extendVertices } from '../ops/mesh/extend-vertices.js'
import { vertexMotion } from '../ops/mesh/vertex-motion.js'
import { leakyRelu } from '../ops/tensor/activation.js'
import { reshape } from '../ops/tensor/reshape.js'
import { FLOW_UNIT } from './dffnet.js'
import { EXTENT_WEIGHT, extendedTriangles, type FaceExtentConfig } from './face-extent.js'

/**
 * Where dz comes from: `motion`, corrected by depth from motion, which may correct (dx, dy) too (`DepthFromMotionConfig.axes`); `network`,
 * as DFFNet says, and (dx, dy) as they are refined.
 */
export const DEPTHS = ['motion', 'network'] as const

/** One of {@link DEPTHS}. */
export type DepthSource = (typeof DEPTHS)[number]

/** Sizes of the layers of {@link depthFromMotion}. */
export interface DepthFromMotionConfig {
  /** Outputs of the first layer, which has no activation: it projects the inputs on fewer numbers. */
  readonly components: number
  /** Units of both hidden layers. */
  readonly hidden: number
  /** What the last layer gives of each vertex: 1, what dz lacks; 3, what (dx, dy, dz) lack. */
  readonly axes: 1 | 3
}

const AXES: Check = { wants: '1 or 3', accepts: (value) => value === 1 || value === 3 }

const LAYERS = { components: whole(), hidden: whole(), axes: AXES }

/** What a {@link DepthFromMotionConfig} must be. */
export const DEPTH_FROM_MOTION = record(LAYERS)

/** Name of the network in its weight file. */
export const DEPTH_NETWORK = 'depth-from-motion'
/** Positions are in units of this many px. */
export const POSITION_UNIT = 100
export const DEPTH_SLOPE = 0.1

/**
 * Depth from motion: dz of the face, found from its shape and from its motion in the image. Two frames of a head under
 * a scaled orthographic camera show how far it turned once its relief is known, and so how much every point came nearer.
 * The flow is looked up at the vertices of the mesh, where every place of the face has a number of its own; fully connected
 * layers give the change of dz at each vertex, or with 3 `axes` that of (dx, dy, dz), which is spread over the mesh.
 *
 * @param flow n x h x w x 3, template px, zero off the face
 * @param fragments n x h x w x 4: of the mesh of I1
 * @param meshes n x 1 x V x 3 each, template px: of I1 and, with the mesh prior, of I2
 * @returns the flow with another dz, or with 3 axes another (dx, dy, dz); weights by the names of `depthFromMotionShapes`
 * @throws EngineError INVALID_ARGUMENT for another configuration; INVALID_GRAPH if the shapes do not fit
 */
export function depthFromMotion(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  meshes: readonly [Value] | readonly [Value, Value],
  config: DepthFromMotionConfig & {
    readonly triangles: Uint32Array
    /** Set where the flow goes on beyond the mesh: `face`, the fragments that it is defined on. */
    readonly extent?: FaceExtentConfig & { readonly face: Value }
  },
): Value {
  checkArguments('depthFromMotion', { ...LAYERS, triangles: indices }, config)
  checkArguments('depthFromMotion', { meshes: list(anything, 1) }, { meshes })
  const { components, hidden, axes, triangles, extent } = config
  const { h, w } = tensorTypeOf(graph, 'depthFromMotion flow', flow)
  const vertices = tensorTypeOf(graph, 'depthFromMotion mesh', meshes[0]).w

  // What is known of each vertex: its place, its motion by the meshes, and what the flow has beyond that.
  const known = vertexMotion(graph, `${name} inputs`, flow, fragments, meshes, {
    scale: 1 / FLOW_UNIT,
    beside: [
      { kind: 'position', scale: 1 / POSITION_UNIT, origin: [w / 2, h / 2, 0] },
      ...(meshes.length === 2 ? [{ kind: 'difference', scale: 1 / FLOW_UNIT } as const] : []),
    ],
  })

  // All of it to what the flow lacks at each vertex.
  const layer = (number: number, input: Value, outChannels: number): Value => {
    const layerName = `depth.${number}`
    const attrs = { weight: `${layerName}.weight`, bias: `${layerName}.bias`, outChannels }
    return fullyConnected(graph, layerName, input, attrs)
  }
  const projected = layer(1, known, components)
  const first = leakyRelu(graph, 'depth.2/act', layer(2, projected, hidden), DEPTH_SLOPE)
  const second = leakyRelu(graph, 'depth.3/act', layer(3, first, hidden), DEPTH_SLOPE)
  const change = layer(4, second, axes * vertices)

  const motion = motionOfVertices(graph, name, change, { axes, vertices, added: extent?.added })
  return addVertexMotion(graph, name, flow, extent?.face ?? fragments, motion, {
    triangles: extent ? extendedTriangles(triangles, extent.triangles) : triangles,
    scale: FLOW_UNIT,
  })
}

/** What the last layer gives, carried on to the ring where vertices are `added`, as `addVertexMotion` takes it. */
function motionOfVertices(
  graph: GraphBuilder,
  name: string,
  change: Value,
  { axes, vertices, added }: { axes: 1 | 3; vertices: number; added: number | undefined },
): Value | readonly [Value, Value] {
  const around = `${name} around`
  if (axes === 1) {
    if (added === undefined) return change
    return [change, fullyConnected(graph, around, change, { weight: EXTENT_WEIGHT, outChannels: added })]
  }
  const { n } = tensorTypeOf(graph, name, change)
  const motion = reshape(graph, `${name} of vertices`, change, { n, h: 1, w: vertices, c: axes })
  return added === undefined
    ? motion
    : extendVertices(graph, around, motion, { weight: EXTENT_WEIGHT, added })
}

/** Names and shapes of the weights for a mesh of so many vertices. */
export function depthFromMotionShapes(
  { components, hidden, axes }: DepthFromMotionConfig,
  meshPrior: boolean,
  vertices: number,
): Map<string, readonly number[]> {
  const sizes = [vertices * (meshPrior ? 9 : 6), components, hidden, hidden, axes * vertices]
  return new Map(
    [1, 2, 3, 4].flatMap((number): [string, readonly number[]][] => {
      const [inputs = 0, outputs = 0] = sizes.slice(number - 1)
      return [
        [`depth.${number}.weight`, [outputs, inputs]],
        [`depth.${number}.bias`, [outputs]],
      ]
    }),
  )
}

/**
 * Sizes of the layers that a weight file for a mesh of so many vertices holds, by the lengths of its biases; 0 where one is missing.
 * What the last one has neither 1 nor 3 of for each vertex does not fit `depthFromMotionShapes`.
 */
export function depthFromMotionConfig(
  entries: readonly { readonly name: string; readonly shape: readonly number[] }[],
  vertices: number,
): DepthFromMotionConfig {
  const outputs = (layer: number) => entries.find(({ name }) => name === `depth.${layer}.bias`)?.shape[0] ?? 0
  return { components: outputs(1), hidden: outputs(2), axes: outputs(4) === 3 * vertices ? 3 : 1 }
}
