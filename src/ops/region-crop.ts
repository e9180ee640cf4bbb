import type { GraphBuilder, Value } from '../graph/graph.js'
import { channelsOf, planesOf, tensorType } from '../graph/tensor.js'
import { shapeError, tensorInput, wholeNumber } from './infer.js'
import { inputAt, tileGrid } from './lowering.js'
import { type OpDefinition, tensorOf, view } from './op.js'
import { PLACEMENT_CHANNELS } from './region-transform.js'

export interface RegionCropAttrs {
  /** Size of the output in pixels. */
  readonly height: number
  readonly width: number
  /** Pixels of the map per unit of the placement's frame: 0.25 for a map at a quarter of its resolution. */
  readonly scale: number
}

const KIND = 'regionCrop'

export const regionCropOp: OpDefinition<RegionCropAttrs> = {
  kind: KIND,
  infer(context) {
    const { height, width, scale } = context.attrs
    const map = tensorInput(KIND, context, 0)
    const placement = tensorInput(KIND, context, 1)
    if (
      placement.n !== map.n ||
      channelsOf(placement) !== PLACEMENT_CHANNELS ||
      placement.h * placement.w !== 1
    ) {
      throw shapeError(KIND, context, `the placement must be ${map.n} x 1 x 1 x ${PLACEMENT_CHANNELS}`)
    }
    if (!(scale > 0 && Number.isFinite(scale))) {
      throw shapeError(KIND, context, `scale must be positive, got ${scale}`)
    }
    return tensorType(
      map.n,
      wholeNumber(KIND, context, 'height', height, 1),
      wholeNumber(KIND, context, 'width', width, 1),
      channelsOf(map),
    )
  },
  // Three interpolations of 3 operations.
  flops: (_, output) =>
    output.kind === 'tensor' ? 9 * output.n * output.h * output.w * channelsOf(output) : 0,
  lower(context) {
    const { attrs, output, storage } = context
    const source = inputAt(context, 0)
    const placement = inputAt(context, 1)
    const { n, h, w } = tensorOf(output)
    return [
      {
        kernel: 'region_crop.wgsl',
        variant: 'bilinear',
        params: { F16: storage === 'f16' },
        uniforms: {
          source: view(source),
          placement: view(placement),
          destination: view(output),
          scale: [attrs.scale, attrs.scale],
        },
        bindings: { source, placement, destination: output },
        workgroups: tileGrid(h, w, planesOf(tensorOf(output)) * n),
      },
    ]
  },
}

/**
 * The part of a map that a region covers, sampled bilinearly at pixel centres; 0 beyond the map's outermost
 * pixel centres.
 * @param placement n x 1 x 1 x 8, see `regionTransform`
 * @returns n x height x width x channels of the map
 * @throws EngineError INVALID_GRAPH if the placement does not fit the map or a size is not a whole number
 */
export function regionCrop(
  graph: GraphBuilder,
  name: string,
  map: Value,
  placement: Value,
  attrs: RegionCropAttrs,
): Value {
  return graph.add(regionCropOp, name, attrs, [map, placement])
}
