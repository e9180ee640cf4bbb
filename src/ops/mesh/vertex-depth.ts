import { finite, indices } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt, rowsPerInvocation } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { checkTriangles, fragmentsInput, triangleTable } from './triangles.js'

/** Attributes of {@link addVertexDepth}. */
export interface VertexDepthAttrs {
  /** The triangles that were rasterised. */
  readonly triangles: Uint32Array
  /** Px per unit of the values. */
  readonly scale: number
}

const KIND = 'addVertexDepth'

export const addVertexDepthOp: OpDefinition<VertexDepthAttrs> = {
  kind: KIND,
  inputs: [3, 4],
  attributes: { triangles: indices, scale: finite },
  coordinates: [0, 1, 2, 3],
  precise: 'always',
  epilogue: { activation: false, residual: false, dense: true },

  infer(context) {
    const { attrs } = context
    const flow = tensorInput(KIND, context, 0)
    const values = context.inputs.slice(2).map((_, list) => tensorInput(KIND, context, 2 + list))
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    fragmentsInput(KIND, context, 1, flow)
    if (values.some(({ n, h, w }) => n !== flow.n || h !== 1 || w !== 1)) {
      throw shapeError(KIND, context, 'values must be n x 1 x 1 x V, a channel per vertex')
    }
    if (!Number.isFinite(attrs.scale)) {
      throw shapeError(KIND, context, `scale must be finite, got ${attrs.scale}`)
    }
    const vertices = values.reduce((sum, list) => sum + channelsOf(list), 0)
    checkTriangles(KIND, context, attrs.triangles, vertices)
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  // Two differences, two multiply-adds, scale and sum.
  flops({ inputs: [flow] }) {
    return flow?.kind === 'tensor' ? flow.n * flow.h * flow.w * 8 : 0
  },

  lower(context) {
    const { attrs, output, schedule, storage } = context
    const [flow, fragments, values] = [inputAt(context, 0), inputAt(context, 1), inputAt(context, 2)]
    const further = context.inputs[3]
    const rows = rowsPerInvocation(schedule)
    const isDense = output.kind !== 'packed' && output.type.kind === 'raw'
    return [
      {
        kernel: 'vertex_depth.wgsl',
        variant: isDense ? 'spread, dense' : 'spread',
        params: { F16: storage === 'f16', FURTHER: further !== undefined, DENSE: isDense },
        uniforms: {
          flow: view(flow),
          fragments: view(fragments),
          values: view(values),
          ...(further && { further: view(further) }),
          ...(!isDense && { outputView: view(output) }),
          rows,
          scale: attrs.scale,
        },
        bindings: {
          flow,
          fragments,
          triangles: triangleTable(attrs.triangles),
          values,
          ...(further && { further }),
          output,
        },
        workgroups: columnTiles(tensorOf(flow), rows),
      },
    ]
  },
}

/**
 * Changes dz of a flow by a value per vertex, spread over the pixels as `interpolate` spreads attributes. dx and dy stay,
 * and so does dz where no triangle is.
 * @param flow n x h x w x 3: (dx, dy, dz), px
 * @param fragments n x h x w x 4 of `rasterise`
 * @param values n x 1 x 1 x V: channel i is vertex i, as a fully connected layer leaves them; or a first and a second list, whose
 * vertices follow those of the first
 * @returns n x h x w x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit, an index lies past the last vertex or scale is not finite
 */
export function addVertexDepth(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  values: Value | readonly [Value, Value],
  attrs: VertexDepthAttrs,
): Value {
  const lists = Array.isArray(values) ? values : [values]
  return addNode(graph, addVertexDepthOp, name, attrs, [flow, fragments, ...lists])
}
