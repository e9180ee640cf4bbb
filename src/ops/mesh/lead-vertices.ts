import { anything, checkArguments, positive, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, shapeError } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { type RawType, tensorType } from '../../graph/tensor.js'
import { denseType } from '../tensor/border.js'
import { verticesInput } from './triangles.js'

/** Attributes of {@link leadVertices}. */
export interface LeadVerticesAttrs {
  /** Entry of the goals that the first list of vertices goes by. */
  readonly first: number
  /** No vertex goes further, px. */
  readonly most: number
}

const KIND = 'leadVertices'
const ATTRIBUTES = { first: whole(0), most: positive }

/** Floats of a vertex's goal. */
export const GOAL_NUMBERS = 4
const FLOAT_BYTES = 4

/**
 * Raw type of the goals of so many lists of vertices, for {@link leadVertices}.
 * @throws EngineError INVALID_ARGUMENT for what are no whole numbers of at least 1
 */
export function vertexGoalsType(lists: number, vertices: number): RawType {
  checkArguments('vertexGoalsType', { lists: whole(), vertices: whole() }, { lists, vertices })
  return denseType({ n: lists, h: 1, w: vertices, c: GOAL_NUMBERS })
}

export const leadVerticesOp: OpDefinition<LeadVerticesAttrs> = {
  kind: KIND,
  inputs: [2, 2],
  attributes: ATTRIBUTES,
  coordinates: [0],
  precise: 'always',

  infer(context) {
    const { n, w } = verticesInput(KIND, context, 0)
    const goals = context.inputs[1]
    const lists = goals?.kind === 'raw' ? goals.bytes / (GOAL_NUMBERS * FLOAT_BYTES * w) : 0
    if (!Number.isInteger(lists) || lists < context.attrs.first + n) {
      throw shapeError(
        KIND,
        context,
        `goals must be a raw buffer of lists x V x ${GOAL_NUMBERS} floats with ${n} lists from ${context.attrs.first} on (vertexGoalsType)`,
      )
    }
    return tensorType(n, 1, w, 3)
  },

  // Difference, length, two products and sums.
  flops: (_, output) => (output.kind === 'tensor' ? output.n * output.w * 12 : 0),

  lower(context) {
    const { attrs, output, storage } = context
    const [vertices, goals] = [inputAt(context, 0), inputAt(context, 1)]
    const { n, w } = tensorOf(output)
    return [
      {
        kernel: 'lead_vertices.wgsl',
        variant: 'lead',
        params: { F16: storage === 'f16' },
        uniforms: {
          vertices: view(vertices),
          outputView: view(output),
          first: attrs.first,
          most: attrs.most,
        },
        bindings: { vertices, goals, output },
        workgroups: [Math.ceil(w / LINEAR_WORKGROUP), 1, n],
      },
    ]
  },
}

/**
 * Vertices led to goals in the plane, each by its share of the way; z stays.
 * @param vertices n x 1 x V x 3, px
 * @param goals a raw buffer of lists x V x 4 floats, see {@link vertexGoalsType}: x, y in px, the share of the way, and a number that is not read; share 0 leaves a vertex
 * exactly where it is
 * @returns n x 1 x V x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit; INVALID_ARGUMENT for attributes out of range
 */
export function leadVertices(
  graph: GraphBuilder,
  name: string,
  vertices: Value,
  goals: Value,
  attrs: LeadVerticesAttrs,
): Value {
  checkOptions(KIND, name, { ...ATTRIBUTES, goals: anything }, { ...attrs, goals })
  return addNode(graph, leadVerticesOp, name, attrs, [vertices, goals])
}
