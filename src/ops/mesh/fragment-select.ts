import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { fragmentsInput } from './triangles.js'

const KIND = 'fragmentSelect'

export const fragmentSelectOp: OpDefinition<object> = {
  kind: KIND,
  inputs: [3, 3],
  attributes: {},
  // Maps that are chosen from are fragments and flows.
  coordinates: [0, 1, 2],
  precise: 'always',

  infer(context) {
    const inside = tensorInput(KIND, context, 1)
    const outside = tensorInput(KIND, context, 2)
    fragmentsInput(KIND, context, 0, inside)
    const channels = channelsOf(inside)
    const agree = (['n', 'h', 'w'] as const).every((side) => inside[side] === outside[side])
    if (!agree || channelsOf(outside) !== channels) {
      throw shapeError(KIND, context, 'the two maps must have one shape')
    }
    return tensorType(inside.n, inside.h, inside.w, channels)
  },

  flops: (_context, output) => (output.kind === 'tensor' ? output.n * output.h * output.w : 0),

  lower(context) {
    const { output, storage } = context
    const [fragments, inside, outside] = [inputAt(context, 0), inputAt(context, 1), inputAt(context, 2)]
    return [
      {
        kernel: 'fragment_select.wgsl',
        variant: 'select',
        params: { F16: storage === 'f16' },
        uniforms: {
          fragments: view(fragments),
          insideView: view(inside),
          outsideView: view(outside),
          outputView: view(output),
        },
        bindings: { fragments, inside, outside, output },
        workgroups: columnTiles(tensorOf(output)),
      },
    ]
  },
}

/**
 * One map where a triangle is, another where none is: with the fragments themselves as the first, one raster over another.
 * @param fragments n x h x w x 4 of `rasterise`
 * @param inside n x h x w x c
 * @param outside n x h x w x c
 * @returns n x h x w x c
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function fragmentSelect(
  graph: GraphBuilder,
  name: string,
  fragments: Value,
  inside: Value,
  outside: Value,
): Value {
  return addNode(graph, fragmentSelectOp, name, {}, [fragments, inside, outside])
}
