import { finite } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, sameShape, type TensorType, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link forwardBackwardConsistency}. */
export interface ConsistencyAttrs {
  /** Pixels per unit of the flows. */
  readonly scale: number
  /** Tolerated squared distance per squared length of the two displacements; 0.01 is usual. */
  readonly alpha: number
  /** Tolerated squared distance of still pixels, px^2; 0.5 is usual. */
  readonly beta: number
}

function checkAttrs({ node, inputs, attrs }: InferContext<ConsistencyAttrs>): void {
  const usable = Number.isFinite(attrs.scale) && attrs.alpha >= 0 && attrs.beta > 0
  if (!usable || !Number.isFinite(attrs.alpha + attrs.beta)) {
    throw shapeError(
      'forwardBackwardConsistency',
      { node, inputs },
      `needs a finite scale, alpha >= 0 and beta > 0, got ${attrs.scale}, ${attrs.alpha}, ${attrs.beta}`,
    )
  }
}

/** A mask: the other inputs' n, h and w, one channel. */
function isMask(mask: TensorType, type: TensorType): boolean {
  return sameShape(mask, { ...type, segments: [1] })
}

export const consistencyOp: OpDefinition<ConsistencyAttrs> = {
  kind: 'forwardBackwardConsistency',
  inputs: [2, 3],
  attributes: { scale: finite, alpha: finite, beta: finite },
  coordinates: [0, 1],
  precise: 'always',
  infer(context) {
    checkAttrs(context)
    const forward = tensorInput('forwardBackwardConsistency', context, 0)
    const backward = tensorInput('forwardBackwardConsistency', context, 1)
    const channels = channelsOf(forward)
    if (!sameShape(forward, backward) || channels < 2 || channels > 3) {
      throw shapeError(
        'forwardBackwardConsistency',
        context,
        'needs two flows of one shape and 2 or 3 channels',
      )
    }
    if (
      context.inputs.length > 2 &&
      !isMask(tensorInput('forwardBackwardConsistency', context, 2), forward)
    ) {
      throw shapeError(
        'forwardBackwardConsistency',
        context,
        'the mask must have the size of the flows and one channel',
      )
    }
    return tensorType(forward.n, forward.h, forward.w, 3)
  },
  flops: (_, output) => (output.kind === 'tensor' ? output.n * output.h * output.w * 60 : 0),
  lower(context) {
    const { attrs, output, storage } = context
    const forward = inputAt(context, 0)
    const backward = inputAt(context, 1)
    const masked = context.inputs.length > 2
    const mask = masked ? inputAt(context, 2) : forward
    const type = tensorOf(output)
    return [
      {
        kernel: 'consistency.wgsl',
        variant: masked ? 'masked' : 'all',
        params: { F16: storage === 'f16', MASK: masked },
        uniforms: {
          forward: view(forward),
          backward: view(backward),
          mask: view(mask),
          destination: view(output),
          scale: attrs.scale,
          alpha: attrs.alpha,
          beta: attrs.beta,
        },
        bindings: { forward, backward, destination: output, ...(masked && { mask }) },
        workgroups: tileGrid(type.h, type.w, type.n),
      },
    ]
  },
}

/**
 * Compares a flow with the flow of the way back. Three channels, for pixel p with F = forward(p) and
 * B = backward sampled bilinearly at p + F_xy, (dx, dy) of both times `scale`, px; dz, where there is one, does not count:
 * 0: the distance |F + B| in px;
 * 1: 1 where occluded, that is |F + B|^2 > alpha (|F|^2 + |B|^2) + beta or p + F_xy outside the map, else 0;
 * 2: a confidence, exp(-distance / sqrt(alpha (|F|^2 + |B|^2) + beta)): 1 at distance 0, 1/e at the limit of
 * occlusion, 0 where p + F_xy lies outside.
 * @param mask one channel; where it is 0 all three are 0
 * @throws EngineError INVALID_GRAPH if the shapes differ or an attribute is out of range
 */
export function forwardBackwardConsistency(
  graph: GraphBuilder,
  name: string,
  forward: Value,
  backward: Value,
  attrs: ConsistencyAttrs,
  mask?: Value,
): Value {
  return addNode(
    graph,
    consistencyOp,
    name,
    attrs,
    mask === undefined ? [forward, backward] : [forward, backward, mask],
  )
}
