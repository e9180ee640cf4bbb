import { anything, finite, flag, optional } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, listOf, shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP } from '../../graph/lowering.js'
import { type OpDefinition, type Operand, tensorOf, type UniformValue, view } from '../../graph/op.js'
import { channelsOf, planesOf, tensorType } from '../../graph/tensor.js'
import { constantTable } from '../tensor/constant-table.js'
import { fragmentsInput, verticesInput } from './triangles.js'
import {
  channelsOfParts,
  checkChannels,
  checkParts,
  packChannels,
  VERTEX_CHANNELS,
  type VertexAttribute,
  type VertexMapAttrs,
} from './vertices.js'

/** Attributes of {@link vertexMotion}. */
export interface VertexMotionAttrs {
  /** Multiplies the motion, e.g. the network's unit over a pixel. */
  readonly scale: number
  /** Share of the four pixels about a vertex, by bilinear weight, that the face must cover; default that of {@link VERTEX_MOTION}. */
  readonly leastCover?: number
  /** True: the motion of the meshes is added again, so that a vertex which is not seen moves as they do. Default false. */
  readonly whole?: boolean
  /** Channels of each vertex that come before its motion, as those of `vertexMap`. */
  readonly beside?: VertexMapAttrs['channels']
}

/** An attribute that a vertex has by its places alone. */
export type PlaceAttribute = Exclude<VertexAttribute, { readonly kind: 'constant' }>

/** Which vertices are seen. */
export const VERTEX_MOTION = {
  /** Share of the four pixels about a vertex, by bilinear weight, that the face must cover. */
  leastCover: 0.5,
  /** How far a vertex may lie behind the surface there, px. */
  tolerance: 4,
} as const

const KIND = 'vertexMotion'
const SCALARS = { scale: finite, leastCover: optional(finite), whole: optional(flag) }

export const vertexMotionOp: OpDefinition<VertexMotionAttrs> = {
  kind: KIND,
  inputs: [3, 4],
  attributes: { ...SCALARS, beside: optional(VERTEX_CHANNELS) },
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
    const { whole = false, beside = [] } = attrs
    if (whole && meshes.length < 2) throw shapeError(KIND, context, 'the whole motion needs two meshes')
    checkChannels(KIND, context, beside, meshes.length)
    return tensorType(flow.n, 1, vertices, beside.length > 0 ? [beside.length, 3] : 3)
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
    const { whole = false, beside = [] } = attrs
    if (beside.length > 0) bindings.rows = constantTable(packChannels(beside))
    return [
      {
        kernel: 'vertex_motion.wgsl',
        variant: meshes.length === 2 ? '2 meshes' : '1 mesh',
        params: {
          F16: storage === 'f16',
          MESHES: meshes.length,
          WHOLE: whole,
          BESIDE: planesOf(tensorOf(output)) - 1,
        },
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
 * @param attrs with parts `beside` it, each vertex's attributes by its places in the meshes come first, as of `vertexAttributes`
 * @returns n x 1 x V x 3, or x (c + 3) with c channels beside it
 * @throws EngineError INVALID_GRAPH if the shapes do not fit, scale is not finite, leastCover no share, or the whole motion or a
 * difference lacks its second mesh
 */
export function vertexMotion(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  meshes: readonly [Value] | readonly [Value, Value],
  attrs: Omit<VertexMotionAttrs, 'beside'> & { readonly beside?: readonly PlaceAttribute[] },
): Value {
  const known = listOf(KIND, name, meshes)
  checkOptions(KIND, name, { ...SCALARS, beside: optional(anything) }, attrs)
  const { beside, ...rest } = attrs
  if (beside !== undefined) checkParts(KIND, name, meshes, beside)
  const channels = beside && channelsOfParts(known.length, beside)
  return addNode(graph, vertexMotionOp, name, { ...rest, ...(channels && { beside: channels }) }, [
    flow,
    fragments,
    ...known,
  ])
}
