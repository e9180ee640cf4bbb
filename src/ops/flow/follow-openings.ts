import { positive, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { fragmentsInput } from '../mesh/triangles.js'

/** Attributes of {@link followOpenings}. */
export interface FollowOpeningsAttrs {
  /** The image of the pair that the flow starts from. */
  readonly source: 0 | 1
  /** Where the flow of an edge is read, px into its skin: in a shut mouth one pixel is the edge of both lips. */
  readonly behind: number
  /** Distance from an edge at which nothing is corrected any more, px. */
  readonly reach: number
  /** Difference of a gap's change, px, that landmarks of still faces show; what is below it corrects nothing. */
  readonly tolerance: number
}

/**
 * Found on 72 pairs of real clips by another network's landmarks (`npm run eval -- judge`): lids and lips follow most, and the images
 * agree as well as before.
 */
export const FOLLOW_OPENINGS_DEFAULTS = { behind: 1.25, reach: 7, tolerance: 0.8 } as const

const KIND = 'followOpenings'

export const followOpeningsOp: OpDefinition<FollowOpeningsAttrs> = {
  kind: KIND,
  inputs: [3, 3],
  attributes: { source: whole(0, 1), behind: positive, reach: positive, tolerance: positive },
  coordinates: [0, 1, 2],
  loads: [0, 1, 2],
  precise: 'asFirst',

  infer(context) {
    const flow = tensorInput(KIND, context, 0)
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    fragmentsInput(KIND, context, 1, flow)
    const edges = tensorInput(KIND, context, 2)
    if (edges.n !== flow.n || edges.h !== 4 || channelsOf(edges) !== 4) {
      throw shapeError(KIND, context, 'edges must be n x 4 x gaps x 4')
    }
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  // Two distances of every edge; what few pixels take beyond that is left out.
  flops({ inputs }, output) {
    const edges = inputs[2]
    if (output.kind !== 'tensor' || edges?.kind !== 'tensor') return 0
    return output.n * output.h * output.w * edges.w * 2 * 12
  },

  lower(context) {
    const { attrs, output, storage, loaded } = context
    const [flow, fragments, edges] = [inputAt(context, 0), inputAt(context, 1), inputAt(context, 2)]
    const { n, h, w } = tensorOf(output)
    return [
      {
        kernel: 'follow_openings.wgsl',
        variant: 'gaps',
        params: { F16: storage === 'f16', LOADED_F16: loaded === 'f16' },
        uniforms: {
          flow: view(flow),
          fragments: view(fragments),
          edges: view(edges),
          outputView: view(output),
          fromRow: 2 * attrs.source,
          toRow: 2 - 2 * attrs.source,
          behind: attrs.behind,
          reach: attrs.reach,
          tolerance: attrs.tolerance,
        },
        bindings: { flow, fragments, edges, output },
        workgroups: tileGrid(h, w, n),
      },
    ]
  },
}

/**
 * The flow of a face whose lids and lips open and close as landmarks say. Of each gap the change between the images is compared
 * with the change by the flow; the skin of both edges is moved by the difference, each by its part of it, fading with the distance.
 * dz stays.
 * @param flow n x h x w x 3: (dx, dy, dz), px
 * @param fragments n x h x w x 4 of `rasterise`: the face; elsewhere nothing is changed
 * @param edges n x 4 x gaps x 4: rows of the upper and the lower edge in the first image, then in the second one; x, y in px and
 * the unit direction from the edge into its skin, (0, 0) for a gap that is not known
 * @returns n x h x w x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit; INVALID_ARGUMENT for wrong attributes
 */
export function followOpenings(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  edges: Value,
  attrs: FollowOpeningsAttrs,
): Value {
  return addNode(graph, followOpeningsOp, name, attrs, [flow, fragments, edges])
}
