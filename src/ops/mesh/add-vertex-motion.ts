import { finite, indices } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt, rowsPerInvocation } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, type TensorType, tensorType } from '../../graph/tensor.js'
import { checkTriangles, fragmentsInput, triangleTable } from './triangles.js'

/** Attributes of {@link addVertexMotion}. */
export interface AddVertexMotionAttrs {
  /** The triangles that were rasterised. */
  readonly triangles: Uint32Array
  /** Px per unit of the motion. */
  readonly scale: number
}

const KIND = 'addVertexMotion'

export const addVertexMotionOp: OpDefinition<AddVertexMotionAttrs> = {
  kind: KIND,
  inputs: [3, 4],
  attributes: { triangles: indices, scale: finite },
  coordinates: [0, 1, 2, 3],
  precise: 'always',
  epilogue: { activation: false, residual: false, dense: true },

  infer(context) {
    const { attrs } = context
    const flow = tensorInput(KIND, context, 0)
    const lists = context.inputs.slice(2).map((_, list) => tensorInput(KIND, context, 2 + list))
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    fragmentsInput(KIND, context, 1, flow)
    const fits = lists.every(
      (list) =>
        list.n === flow.n &&
        list.h === 1 &&
        (isDepth(list) || (lists.length === 1 && channelsOf(list) === 3)),
    )
    if (!fits) {
      throw shapeError(
        KIND,
        context,
        'the motion must be n x 1 x V x 3, or one or two lists of dz, n x 1 x 1 x V, a channel per vertex',
      )
    }
    if (!Number.isFinite(attrs.scale)) {
      throw shapeError(KIND, context, `scale must be finite, got ${attrs.scale}`)
    }
    const vertices = lists.reduce((sum, list) => sum + (isDepth(list) ? channelsOf(list) : list.w), 0)
    checkTriangles(KIND, context, attrs.triangles, vertices)
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  // Two differences, two multiply-adds, scale and sum of each component.
  flops({ inputs: [flow, , motion] }) {
    if (flow?.kind !== 'tensor' || motion?.kind !== 'tensor') return 0
    return flow.n * flow.h * flow.w * 8 * (isDepth(motion) ? 1 : 3)
  },

  lower(context) {
    const { attrs, output, schedule, storage } = context
    const [flow, fragments, motion] = [inputAt(context, 0), inputAt(context, 1), inputAt(context, 2)]
    const further = context.inputs[3]
    const rows = rowsPerInvocation(schedule)
    const depth = isDepth(tensorOf(motion))
    const isDense = output.kind !== 'packed' && output.type.kind === 'raw'
    return [
      {
        kernel: 'add_vertex_motion.wgsl',
        variant: `${depth ? 'dz' : 'dx, dy, dz'}${isDense ? ', dense' : ''}`,
        params: { F16: storage === 'f16', DEPTH: depth, FURTHER: further !== undefined, DENSE: isDense },
        uniforms: {
          flow: view(flow),
          fragments: view(fragments),
          motion: view(motion),
          ...(further && { further: view(further) }),
          ...(!isDense && { outputView: view(output) }),
          rows,
          scale: attrs.scale,
        },
        bindings: {
          flow,
          fragments,
          triangles: triangleTable(attrs.triangles),
          motion,
          ...(further && { further }),
          output,
        },
        workgroups: columnTiles(tensorOf(flow), rows),
      },
    ]
  },
}

/** A list of dz has one column, and a mesh more vertices than one. */
function isDepth({ w }: TensorType): boolean {
  return w === 1
}

/**
 * Adds a motion of each vertex to a flow, spread over the pixels as `interpolate` spreads attributes: all of it, or dz alone, and dx and
 * dy stay. So does all of the flow where no triangle is.
 * @param flow n x h x w x 3: (dx, dy, dz), px
 * @param fragments n x h x w x 4 of `rasterise`
 * @param motion n x 1 x V x 3: (dx, dy, dz) of each vertex; or dz alone, n x 1 x 1 x V, where channel i is vertex i, as a fully connected
 * layer leaves them; or a first and a second list of dz, whose vertices follow those of the first
 * @returns n x h x w x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit, an index lies past the last vertex or scale is not finite
 */
export function addVertexMotion(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  motion: Value | readonly [Value, Value],
  attrs: AddVertexMotionAttrs,
): Value {
  const lists = Array.isArray(motion) ? motion : [motion]
  return addNode(graph, addVertexMotionOp, name, attrs, [flow, fragments, ...lists])
}
