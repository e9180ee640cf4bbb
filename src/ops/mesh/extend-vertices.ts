import { name as nameOf, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP } from '../../graph/lowering.js'
import { type OpDefinition, type Operand, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link extendVertices}. */
export interface ExtendVerticesAttrs {
  /** Name of the weights, [added, vertices]. */
  readonly weight: string
  /** How many vertices are added. */
  readonly added: number
}

const KIND = 'extendVertices'

export const extendVerticesOp: OpDefinition<ExtendVerticesAttrs> = {
  kind: KIND,
  inputs: [1, 1],
  attributes: { weight: nameOf, added: whole() },
  readsSegments: true,
  coordinates: [0],
  precise: 'always',

  infer(context) {
    const { n, h, w, segments } = tensorInput(KIND, context, 0)
    if (h !== 1) throw shapeError(KIND, context, 'vertices must be n x 1 x V x c')
    return { ...tensorType(n, 1, w + context.attrs.added, 1), segments }
  },

  flops({ attrs, inputs }, output) {
    const [source] = inputs
    if (output.kind !== 'tensor' || source?.kind !== 'tensor') return 0
    return 2 * output.n * attrs.added * source.w * channelsOf(output)
  },

  lower(context) {
    const { attrs, output, storage } = context
    const vertices = inputAt(context, 0)
    const { w: count } = tensorOf(vertices)
    const type = tensorOf(output)
    const weights: Operand = {
      kind: 'packed',
      key: `${KIND}:${attrs.weight}`,
      pack: (source) => source.tensor(attrs.weight, [attrs.added, count]),
    }
    return [
      {
        kernel: 'extend_vertices.wgsl',
        variant: 'weighted sums',
        params: { F16: storage === 'f16' },
        uniforms: { vertices: view(vertices), outputView: view(output) },
        bindings: { vertices, weights, output },
        workgroups: [Math.ceil(type.w / LINEAR_WORKGROUP), planesOf(type), type.n],
      },
    ]
  },
}

/**
 * The vertices, and after them further ones that are weighted sums of them: places of a surface that goes on beyond a mesh, or
 * what is known of the mesh's vertices carried on to those.
 * @param vertices n x 1 x V x c: positions, motions, ...
 * @returns n x 1 x (V + added) x c, the first V as they are
 * @throws EngineError INVALID_GRAPH if the input has rows; INVALID_WEIGHTS when the plan is built if the weights do not fit
 */
export function extendVertices(
  graph: GraphBuilder,
  name: string,
  vertices: Value,
  attrs: ExtendVerticesAttrs,
): Value {
  return addNode(graph, extendVerticesOp, name, attrs, [vertices])
}
