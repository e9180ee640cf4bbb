import { finite, optional } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { listOf, shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP } from '../../graph/lowering.js'
import { type OpDefinition, type Operand, tensorOf, type UniformValue, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { fragmentsInput, verticesInput } from './triangles.js'

/** Attributes of {@link vertexMotion}. */
export interface VertexMotionAttrs {
  /** Multiplies the motion, e.g. the network's unit over a pixel. */
  readonly scale: number
  /** Share of the four pixels about a vertex, by bilinear weight, that the face must cover; default that of {@link VERTEX_MOTION}. */
  readonly leastCover?: number
}

/** Which vertices are seen. */
export const VERTEX_MOTION = {
  /** Share of the four pixels about a vertex, by bilinear weight, that the face must cover. */
  leastCover: 0.5,
  /** How far a vertex may lie behind the surface there, px. */
  tolerance: 4,
} as const

const KIND = 'vertexMotion'

export const vertexMotionOp: OpDefinition<VertexMotionAttrs> = {
  kind: KIND,
  inputs: [3, 4],
  attributes: { scale: finite, leastCover: optional(finite) },
  coordinates: [0, 1, 2, 3],
  precise: 'always',

  infer(context) {
    const { attrs, inputs } = context
    if (inputs.length !== 3 && inputs.length !== 4) throw shapeError(KIND, context, 'takes one or two meshes')
    const flow = tensorInput(KIND, context, 0)
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    fragmentsInput(KIND, context, 1, flow)
    const meshes = inputs.slice(2).map((_, i) => verticesInput(KIND, context, 2 + i))
    const vertices = meshes[0]?.w ?? 0
    if (meshes.some(({ n, w }) => n !== flow.n || w !== vertices)) {
      throw shapeError(KIND, context, "the meshes must have the flow's n and agree in their vertices")
    }
    if (!Number.isFinite(attrs.scale)) {
      throw shapeError(KIND, context, `scale must be finite, got ${attrs.scale}`)
    }
    const { leastCover = VERTEX_MOTION.leastCover } = attrs
    if (!(leastCover > 0 && leastCover <= 1)) {
      throw shapeError(KIND, context, `leastCover must be a share above 0, got ${leastCover}`)
    }
    return tensorType(flow.n, 1, vertices, 3)
  },

  // Place and weights of the sample, four pixels of flow, depth and cover, and what is left of them.
  flops: (_context, output) => (output.kind === 'tensor' ? output.n * output.w * (20 + 4 * 9 + 12) : 0),

  lower(context) {
    const { attrs, inputs, output, storage } = context
    const [flow, fragments] = [inputAt(context, 0), inputAt(context, 1)]
    const meshes = inputs.slice(2)
    const bindings: Record<string, Operand> = { flow, fragments, output }
    const uniforms: Record<string, UniformValue> = {
      flow: view(flow),
      fragments: view(fragments),
      outputView: view(output),
      scale: attrs.scale,
      leastCover: attrs.leastCover ?? VERTEX_MOTION.leastCover,
      tolerance: VERTEX_MOTION.tolerance,
    }
    meshes.forEach((mesh, m) => {
      bindings[`mesh${m}`] = mesh
      uniforms[`view${m}`] = view(mesh)
    })
    const { n, w } = tensorOf(output)
    return [
      {
        kernel: 'vertex_motion.wgsl',
        variant: meshes.length === 2 ? '2 meshes' : '1 mesh',
        params: { F16: storage === 'f16', MESHES: meshes.length },
        uniforms,
        bindings,
        workgroups: [Math.ceil(w / LINEAR_WORKGROUP), 1, n],
      },
    ]
  },
}

/**
 * The motion that a flow shows at the vertices of a mesh, beyond what a second mesh says of it: (flow - (second - first)) *
 * scale, where the flow is the bilinear mean of the covered pixels about the vertex; 0 at vertices that are not seen,
 * because there is too little face about them or its surface lies nearer, see `VERTEX_MOTION`.
 * @param flow n x h x w x 3: (dx, dy, dz), px; read on the face only
 * @param fragments n x h x w x 4 of `rasterise`: the face and its depth, px
 * @param meshes n x 1 x V x 3, px: the mesh that was rasterised, and the one that it becomes; without a second, the whole motion
 * @returns n x 1 x V x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit, scale is not finite or leastCover no share
 */
export function vertexMotion(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  meshes: readonly [Value] | readonly [Value, Value],
  attrs: VertexMotionAttrs,
): Value {
  return addNode(graph, vertexMotionOp, name, attrs, [flow, fragments, ...listOf(KIND, name, meshes)])
}
