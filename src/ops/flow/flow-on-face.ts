import { anything, checkArguments, finite, optional, positive, record, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt } from '../../graph/lowering.js'
import { type KernelCall, type LowerContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, type RawType, tensorType, type ValueType } from '../../graph/tensor.js'
import { fragmentsInput } from '../mesh/triangles.js'
import { denseType } from '../tensor/border.js'

const KIND = 'flowOnFace'

/**
 * Pixels to either side that dz is the mean of. The outermost count half, so that a pattern which repeats every 2, 4 or 8 px, as
 * transposed convolutions of stride 2 leave it in their last three levels, has the mean 0.
 */
export const DEPTH_RADIUS = 4

/** Pixels of a column that one invocation takes: more reuse what is read, fewer are enough of them to hide loads. */
const ROWS = { software: 8, hardware: 4 } as const

/** How a flow follows lids and lips that landmarks of both images show. */
export interface OpeningAttrs {
  /** The image of the pair that the flow starts from. */
  readonly source: 0 | 1
  /** Where the flow of an edge is read, px into its skin: in a shut mouth one pixel is the edge of both lips. */
  readonly behind: number
  /** Distance from an edge at which nothing is changed any more, px. */
  readonly reach: number
  /** Difference of a gap's change, px, that landmarks of still faces show; what is below it changes nothing. */
  readonly tolerance: number
}

/** Found on 72 pairs of clips by landmarks of another network (`npm run eval -- judge`) and by the images' residual. */
export const OPENING_DEFAULTS = { behind: 1.25, reach: 7, tolerance: 0.8 } as const

interface FlowOnFaceAttrs {
  readonly scale: number
  readonly openings?: OpeningAttrs
}

const OPENINGS = {
  source: whole(0, 1),
  behind: positive,
  reach: positive,
  tolerance: positive,
}

/** Bytes of the edges of one gap in both images. */
const GAP_BYTES = 4 * 4 * 4

function gapsOf(edges: ValueType | undefined, pairs: number): number {
  return edges?.kind === 'raw' ? edges.bytes / (GAP_BYTES * pairs) : 0
}

/**
 * Raw type of the edges of so many gaps in so many pairs of images, for {@link flowOnFace}.
 * @throws EngineError INVALID_ARGUMENT for what are no whole numbers of at least 1
 */
export function openingEdgesType(pairs: number, gaps: number): RawType {
  checkArguments('openingEdgesType', { pairs: whole(), gaps: whole() }, { pairs, gaps })
  return denseType({ n: pairs, h: 4, w: gaps, c: 4 })
}

/** What the kernel gets where the flow follows openings. */
function openingParts(
  context: LowerContext<FlowOnFaceAttrs>,
): Pick<KernelCall, 'uniforms' | 'bindings'> | undefined {
  const { openings } = context.attrs
  if (openings === undefined) return undefined
  const edges = inputAt(context, 2)
  const { source, behind, reach, tolerance } = openings
  const rows = { fromRow: 2 * source, toRow: 2 - 2 * source }
  const type = edges.kind === 'packed' ? undefined : edges.type
  const gaps = gapsOf(type, tensorOf(context.output).n)
  return { uniforms: { gaps, ...rows, behind, reach, tolerance }, bindings: { edges } }
}

export const flowOnFaceOp: OpDefinition<FlowOnFaceAttrs> = {
  kind: KIND,
  inputs: [2, 3],
  attributes: { scale: finite, openings: optional(record(OPENINGS)) },
  coordinates: [1],
  loads: [1],
  precise: 'asFirst',

  infer(context) {
    const flow = tensorInput(KIND, context, 0)
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    fragmentsInput(KIND, context, 1, flow)
    const isLed = context.attrs.openings !== undefined
    const gaps = gapsOf(context.inputs[2], flow.n)
    if (isLed && !(gaps > 0 && Number.isInteger(gaps))) {
      throw shapeError(
        KIND,
        context,
        'edges must be a raw buffer of n x 4 x gaps x 4 floats (openingEdgesType)',
      )
    }
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  // A separable mean of weighted values and weights, and three products; two distances a gap, where few pixels take more.
  flops: ({ inputs }, output) => {
    if (output.kind !== 'tensor') return 0
    const gaps = gapsOf(inputs[2], output.n)
    return output.n * output.h * output.w * (8 * (2 * DEPTH_RADIUS + 1) + 4 + 24 * gaps)
  },

  lower(context) {
    const { attrs, output, storage, loaded, schedule } = context
    const [source, fragments] = [inputAt(context, 0), inputAt(context, 1)]
    const rows = ROWS[schedule]
    const openings = openingParts(context)
    return [
      {
        kernel: 'flow_on_face.wgsl',
        variant: `${rows} rows${openings ? ', openings' : ''}`,
        params: {
          F16: storage === 'f16',
          LOADED_F16: loaded === 'f16',
          ROWS: rows,
          RADIUS: DEPTH_RADIUS,
          OPENINGS: openings !== undefined,
        },
        uniforms: {
          source: view(source),
          fragments: view(fragments),
          outputView: view(output),
          scale: attrs.scale,
          ...openings?.uniforms,
        },
        bindings: { source, fragments, output, ...openings?.bindings },
        workgroups: columnTiles(tensorOf(output), rows),
      },
    ]
  },
}

/**
 * A network's flow on the face, in px: value * scale where a triangle is, else 0. dz is the mean of the face's pixels at most 4 px
 * away in either direction, those exactly so far weighted by a half: what an upsampling network repeats every 2, 4 or 8 px
 * stays in dz, which no picture corrects.
 * With openings also lids and lips open and close as landmarks say. Of each gap the change between the images is compared with the
 * change by the flow; the skin of both edges is moved by the difference, each by its part of it, fading with the distance.
 * @param flow n x h x w x 3: (dx, dy, dz)
 * @param fragments n x h x w x 4 of `rasterise`
 * @param scale px per unit of the flow
 * @param openings edges: a raw buffer of n x 4 x gaps x 4 floats, see {@link openingEdgesType}: rows of the upper and the lower edge in the first image, then in the second one; x, y in
 * px and the unit direction from the edge into its skin, (0, 0) for a gap that is not known
 * @returns n x h x w x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit; INVALID_ARGUMENT for numbers that are not finite, or not above 0
 */
export function flowOnFace(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  scale: number,
  openings?: OpeningAttrs & { readonly edges: Value },
): Value {
  if (openings === undefined) return addNode(graph, flowOnFaceOp, name, { scale }, [flow, fragments])
  checkOptions(KIND, name, { openings: record({ ...OPENINGS, edges: anything }) }, { openings })
  const { edges, ...attrs } = openings
  return addNode(graph, flowOnFaceOp, name, { scale, openings: attrs }, [flow, fragments, edges])
}
