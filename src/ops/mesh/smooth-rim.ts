import { whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { fragmentsInput } from './triangles.js'

/** Attributes of {@link smoothRim}. */
export interface SmoothRimAttrs {
  /** How many triangles, from the first on, lie within the rim. */
  readonly first: number
  /** Px from a pixel to the sides of the square that its mean is taken over. */
  readonly radius: number
}

const KIND = 'smoothRim'
const MAX_RADIUS = 16

export const smoothRimOp: OpDefinition<SmoothRimAttrs> = {
  kind: KIND,
  inputs: [2, 2],
  attributes: { first: whole(0), radius: whole(1, MAX_RADIUS) },
  coordinates: [0, 1],
  precise: 'always',

  infer(context) {
    const { n, h, w, segments } = tensorInput(KIND, context, 0)
    const map = { ...tensorType(n, h, w, 1), segments }
    if (segments.length !== 1 || channelsOf(map) > 4) {
      throw shapeError(KIND, context, 'the map must have at most 4 channels')
    }
    fragmentsInput(KIND, context, 1, map)
    return map
  },

  // Where the rim is; next to nothing lies near it.
  flops: (_context, output) => (output.kind === 'tensor' ? output.n * output.h * output.w * 4 : 0),

  lower(context) {
    const { attrs, output, storage } = context
    const [map, fragments] = [inputAt(context, 0), inputAt(context, 1)]
    return [
      {
        kernel: 'smooth_rim.wgsl',
        variant: 'mean',
        params: { F16: storage === 'f16' },
        uniforms: { map: view(map), fragments: view(fragments), outputView: view(output), ...attrs },
        bindings: { map, fragments, output },
        workgroups: columnTiles(tensorOf(output)),
      },
    ]
  },
}

/**
 * Evens a map out along the rim between the first triangles of a raster and the rest: a covered pixel gets the mean over what is
 * covered of the square about it, where a corner of the square is covered and lies on the other side of the rim.
 * @param map n x h x w x c, at most 4 channels
 * @param fragments n x h x w x 4 of `rasterise`: where the map is defined
 * @returns n x h x w x c
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function smoothRim(
  graph: GraphBuilder,
  name: string,
  map: Value,
  fragments: Value,
  attrs: SmoothRimAttrs,
): Value {
  return addNode(graph, smoothRimOp, name, attrs, [map, fragments])
}
