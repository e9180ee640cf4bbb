import { finite, oneOf } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import {
  type InferContext,
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  tensorOf,
  view,
} from '../../graph/op.js'
import { channelsOf, type TensorType, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link warp}. */
export interface WarpAttrs {
  /** Multiplies the flow, e.g. pixels of the maps per unit of the flow. */
  readonly scale: number
  /** What lies outside the map: zeros, or its nearest pixel. */
  readonly border: 'zero' | 'clamp'
}

/** Attributes of {@link warpValidity}. */
export interface WarpValidityAttrs {
  readonly scale: number
}

function checkFlow(kind: string, context: InferContext<{ readonly scale: number }>, flow: TensorType): void {
  // Channels past the second (dz) may follow, but the first two must share a plane.
  if ((flow.segments[0] ?? 0) < 2) throw shapeError(kind, context, 'the flow needs channels dx and dy')
  if (!Number.isFinite(context.attrs.scale)) {
    throw shapeError(kind, context, `scale ${context.attrs.scale} must be finite`)
  }
}

function warpCall(
  context: LowerContext<unknown>,
  scale: number,
  choice: { readonly clamp: boolean; readonly validity: boolean },
): KernelCall {
  const { output, storage, loaded } = context
  const flow = inputAt(context, choice.validity ? 0 : 1)
  // The validity of a flow is that of a map of its own size, which need not exist.
  const source = inputAt(context, 0)
  const type = tensorOf(output)
  return {
    kernel: 'warp.wgsl',
    variant: choice.validity ? 'validity' : choice.clamp ? 'clamp' : 'zero',
    params: {
      F16: storage === 'f16',
      LOADED_F16: loaded === 'f16',
      CLAMP: choice.clamp,
      VALIDITY: choice.validity,
    },
    uniforms: { source: view(source), flow: view(flow), destination: view(output), scale },
    bindings: { flow, destination: output, ...(!choice.validity && { source }) },
    workgroups: tileGrid(type.h, type.w, type.n),
  }
}

export const warpOp: OpDefinition<WarpAttrs> = {
  kind: 'warp',
  inputs: [2, 2],
  attributes: { scale: finite, border: oneOf('zero', 'clamp') },
  readsSegments: true,
  coordinates: [1],
  loads: [1],
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('warp', context, 0)
    const flow = tensorInput('warp', context, 1)
    checkFlow('warp', context, flow)
    if (source.n !== flow.n || source.h !== flow.h || source.w !== flow.w) {
      throw shapeError('warp', context, 'the flow must have the n, h and w of the tensor')
    }
    return source
  },
  flops: (_, output) =>
    output.kind === 'tensor' ? output.n * output.h * output.w * (20 + 8 * channelsOf(output)) : 0,
  lower: (context) => [
    warpCall(context, context.attrs.scale, { clamp: context.attrs.border === 'clamp', validity: false }),
  ],
}

export const warpValidityOp: OpDefinition<WarpValidityAttrs> = {
  kind: 'warpValidity',
  inputs: [1, 1],
  attributes: { scale: finite },
  readsSegments: true,
  coordinates: [0],
  loads: [0],
  infer(context) {
    const flow = tensorInput('warpValidity', context, 0)
    checkFlow('warpValidity', context, flow)
    return tensorType(flow.n, flow.h, flow.w, 1)
  },
  flops: (_, output) => (output.kind === 'tensor' ? output.n * output.h * output.w * 20 : 0),
  lower: (context) => [warpCall(context, context.attrs.scale, { clamp: false, validity: true })],
}

/**
 * Backward warp: the value at p is `input` sampled bilinearly at p + scale * flow(p).
 * @param flow same n, h and w; channels dx, dy in pixels (x right, y down), more are ignored
 * @throws EngineError INVALID_GRAPH if the sizes differ, the flow has one channel, or scale is not finite
 */
export function warp(graph: GraphBuilder, name: string, input: Value, flow: Value, attrs: WarpAttrs): Value {
  return addNode(graph, warpOp, name, attrs, [input, flow])
}

/**
 * How much of each warped sample lies inside the map: 1 inside, 0 outside, between them within a pixel of the
 * border. What `warp` with border 'zero' makes of a map of ones.
 */
export function warpValidity(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  attrs: WarpValidityAttrs,
): Value {
  return addNode(graph, warpValidityOp, name, attrs, [flow])
}
