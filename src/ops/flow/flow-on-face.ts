import { finite } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { fragmentsInput } from '../mesh/triangles.js'

const KIND = 'flowOnFace'

/**
 * Pixels to either side that dz is the mean of. The outermost count half, so that a pattern which repeats every 2, 4 or 8 px, as
 * transposed convolutions of stride 2 leave it in their last three levels, has the mean 0.
 */
export const DEPTH_RADIUS = 4

/** Pixels of a column that one invocation takes: more reuse what is read, fewer are enough of them to hide loads. */
const ROWS = { software: 8, hardware: 4 } as const

export const flowOnFaceOp: OpDefinition<{ readonly scale: number }> = {
  kind: KIND,
  inputs: [2, 2],
  attributes: { scale: finite },
  coordinates: [1],
  loads: [1],
  precise: 'asFirst',

  infer(context) {
    const flow = tensorInput(KIND, context, 0)
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    fragmentsInput(KIND, context, 1, flow)
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  // A separable mean of weighted values and weights, and three products.
  flops: (_context, output) => {
    return output.kind === 'tensor' ? output.n * output.h * output.w * (8 * (2 * DEPTH_RADIUS + 1) + 4) : 0
  },

  lower(context) {
    const { attrs, output, storage, loaded, schedule } = context
    const [source, fragments] = [inputAt(context, 0), inputAt(context, 1)]
    const rows = ROWS[schedule]
    return [
      {
        kernel: 'flow_on_face.wgsl',
        variant: `${rows} rows`,
        params: { F16: storage === 'f16', LOADED_F16: loaded === 'f16', ROWS: rows, RADIUS: DEPTH_RADIUS },
        uniforms: {
          source: view(source),
          fragments: view(fragments),
          outputView: view(output),
          scale: attrs.scale,
        },
        bindings: { source, fragments, output },
        workgroups: columnTiles(tensorOf(output), rows),
      },
    ]
  },
}

/**
 * A network's flow on the face, in px: value * scale where a triangle is, else 0. dz is the mean of the face's pixels at most 4 px
 * away in either direction, those exactly so far weighted by a half: what an upsampling network repeats every 2, 4 or 8 px
 * stays in dz, which no picture corrects.
 * @param flow n x h x w x 3: (dx, dy, dz)
 * @param fragments n x h x w x 4 of `rasterise`
 * @param scale px per unit of the flow
 * @returns n x h x w x 3
 * @throws EngineError INVALID_GRAPH if the shapes do not fit; INVALID_ARGUMENT for a scale that is not finite
 */
export function flowOnFace(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  fragments: Value,
  scale: number,
): Value {
  return addNode(graph, flowOnFaceOp, name, { scale }, [flow, fragments])
}
