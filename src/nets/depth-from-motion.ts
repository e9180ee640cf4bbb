import { anything, checkArguments, indices, list, whole } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { fullyConnected } from '../ops/conv/fully-connected.js'
import { addVertexDepth } from '../ops/mesh/vertex-depth.js'
import { vertexMotion } from '../ops/mesh/vertex-motion.js'
import { leakyRelu } from '../ops/tensor/activation.js'
import { FLOW_UNIT } from './dffnet.js'
import { EXTENT_WEIGHT, extendedTriangles, type FaceExtentConfig } from './face-extent.js'

/** Where dz comes from: `motion`, corrected by depth from motion; `network`, as DFFNet says. */
export const DEPTHS = ['motion', 'network'] as const

/** One of {@link DEPTHS}. */
export type DepthSource = (typeof DEPTHS)[number]

/** Sizes of the layers of {@link depthFromMotion}. */
export interface DepthFromMotionConfig {
  /** Outputs of the first layer, which has no activation: it projects the inputs on fewer numbers. */
  readonly components: number
  /** Units of both hidden layers. */
  readonly hidden: number
}

/** Name of the network in its weight file. */
export const DEPTH_NETWORK = 'depth-from-motion'
/** Positions are in units of this many px. */
export const POSITION_UNIT = 100
export const DEPTH_SLOPE = 0.1

/**
 * Depth from motion: dz of the face, found from its shape and from its motion in the image. Two frames of a head under
 * a scaled orthographic camera show how far it turned once its relief is known, and so how much every point came nearer.
 * The flow is looked up at the vertices of the mesh, where every place of the face has a number of its own; fully connected
 * layers give the change of dz at each vertex, which is spread over the mesh.
 *
 * @param flow n x h x w x 3, template px, zero off the face
 * @param fragments n x h x w x 4: of the mesh of I1
 * @param meshes n x 1 x V x 3 each, template px: of I1 and, with the mesh prior, of I2
 * @returns the flow with another dz; weights by the names of `depthFromMotionShapes`
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
  checkArguments('depthFromMotion', { components: whole(), hidden: whole(), triangles: indices }, config)
  checkArguments('depthFromMotion', { meshes: list(anything, 1) }, { meshes })
  const { components, hidden, triangles } = config
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

  // All of it to what dz of each vertex lacks.
  const layer = (number: number, input: Value, outChannels: number): Value => {
    const layerName = `depth.${number}`
    const attrs = { weight: `${layerName}.weight`, bias: `${layerName}.bias`, outChannels }
    return fullyConnected(graph, layerName, input, attrs)
  }
  const projected = layer(1, known, components)
  const first = leakyRelu(graph, 'depth.2/act', layer(2, projected, hidden), DEPTH_SLOPE)
  const second = leakyRelu(graph, 'depth.3/act', layer(3, first, hidden), DEPTH_SLOPE)
  const change = layer(4, second, vertices)

  const { extent } = config
  if (extent === undefined) {
    return addVertexDepth(graph, name, flow, fragments, change, { triangles, scale: FLOW_UNIT })
  }
  const around = fullyConnected(graph, `${name} around`, change, {
    weight: EXTENT_WEIGHT,
    outChannels: extent.added,
  })
  return addVertexDepth(graph, name, flow, extent.face, [change, around], {
    triangles: extendedTriangles(triangles, extent.triangles),
    scale: FLOW_UNIT,
  })
}

/** Names and shapes of the weights for a mesh of so many vertices. */
export function depthFromMotionShapes(
  { components, hidden }: DepthFromMotionConfig,
  meshPrior: boolean,
  vertices: number,
): Map<string, readonly number[]> {
  const sizes = [vertices * (meshPrior ? 9 : 6), components, hidden, hidden, vertices]
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

/** Sizes of the layers that a weight file holds, by the lengths of its biases; 0 where one is missing. */
export function depthFromMotionConfig(
  entries: readonly { readonly name: string; readonly shape: readonly number[] }[],
): DepthFromMotionConfig {
  const outputs = (layer: number) => entries.find(({ name }) => name === `depth.${layer}.bias`)?.shape[0] ?? 0
  return { components: outputs(1), hidden: outputs(2) }
}
