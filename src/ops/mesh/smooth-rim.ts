import { whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { columnTiles, inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { fragmentsInput } from './triangles.js'

/** Attributes of {@link smoothRim}. */
export interface SmoothRimAttrs {
  /** Px from a pixel to the sides of the square that its mean is taken over. */
  readonly radius: number
}

const KIND = 'smoothRim'
const MAX_RADIUS = 16

export const smoothRimOp: OpDefinition<SmoothRimAttrs> = {
  kind: KIND,
  inputs: [3, 3],
  attributes: { radius: whole(1, MAX_RADIUS) },
  coordinates: [0, 1, 2],
  precise: 'always',

  infer(context) {
    const { n, h, w, segments } = tensorInput(KIND, context, 0)
    const map = { ...tensorType(n, h, w, 1), segments }
    if (segments.length !== 1 || channelsOf(map) > 4) {
      throw shapeError(KIND, context, 'the map must have at most 4 channels')
    }
    fragmentsInput(KIND, context, 1, map)
    fragmentsInput(KIND, context, 2, map)
    return map
  },

  // Where the rim is; next to nothing lies near it.
  flops: (_context, output) => (output.kind === 'tensor' ? output.n * output.h * output.w * 9 : 0),

  lower(context) {
    const { attrs, output, storage } = context
    const [map, inner, outer] = [inputAt(context, 0), inputAt(context, 1), inputAt(context, 2)]
    return [
      {
        kernel: 'smooth_rim.wgsl',
        variant: 'mean',
        params: { F16: storage === 'f16' },
        uniforms: {
          map: view(map),
          innerView: view(inner),
          outerView: view(outer),
          outputView: view(output),
          radius: attrs.radius,
        },
        bindings: { map, inner, outer, output },
        workgroups: columnTiles(tensorOf(output)),
      },
    ]
  },
}

/**
 * Evens a map out along the rim where one raster ends within another: a pixel of the outer one gets the mean over what it covers of the
 * square about it, where corners or middles of the square's sides lie on the outer one and on the other side of the rim.
 * @param map n x h x w x c, at most 4 channels
 * @param inner n x h x w x 4 of `rasterise`
 * @param outer n x h x w x 4 of `rasterise`: where the map is defined
 * @returns n x h x w x c
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function smoothRim(
  graph: GraphBuilder,
  name: string,
  map: Value,
  inner: Value,
  outer: Value,
  attrs: SmoothRimAttrs,
): Value {
  return addNode(graph, smoothRimOp, name, attrs, [map, inner, outer])
}
