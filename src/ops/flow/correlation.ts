import { oneOf, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, linearGrid } from '../../graph/lowering.js'
import {
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  type Operand,
  tensorOf,
  view,
} from '../../graph/op.js'
import { channelsOf, planesOf, sameShape, tensorType } from '../../graph/tensor.js'
import { constantSlope, packedVectors } from '../conv/packing.js'
import { broadcastLanes } from '../conv/select.js'
import { commonParams } from '../conv/task.js'

/** Attributes of {@link correlation}. */
export interface CorrelationAttrs {
  /** Displacements -radius .. radius along both axes, in steps of `stride` pixels. */
  readonly radius: number
  readonly stride: number
  /** 'cosine': features are first divided by their RMS over channels (1e-4 added to the mean square). */
  readonly normalisation: 'none' | 'cosine'
}

/** Registers of partial sums an invocation keeps; more of them spill. */
const MAX_COLUMNS = 13

/**
 * Where subgroups have 8 lanes, 13 displacements as two times 7 are as fast (measured on lavapipe), and share their
 * pipeline with those of 7; with 4 lanes (SwiftShader) two times 7 cost a fifth more.
 */
const MAX_COLUMNS_OF_8_LANES = 7

/** Pixels an invocation takes: few loads on software adapters, many invocations on hardware. */
function pixelsPerInvocation(context: LowerContext<CorrelationAttrs>): number {
  const forced = /^(\d+)px$/.exec(context.variant ?? '')?.[1]
  if (forced !== undefined) return Number(forced)
  return context.schedule === 'software' ? 4 : 1
}

function normCall(context: LowerContext<CorrelationAttrs>, norms: Operand): KernelCall {
  const first = inputAt(context, 0)
  const second = inputAt(context, 1)
  const { n, h, w } = tensorOf(first)
  return {
    kernel: 'correlation_norm.wgsl',
    variant: 'pixel',
    params: { F16: context.storage === 'f16' },
    uniforms: { first: view(first), second: view(second) },
    bindings: { first, second, norms },
    workgroups: linearGrid(h * w, 2 * n),
  }
}

/** NORMS of correlation.wgsl. */
const NORMS = { none: 0, given: 1, own: 2 } as const

/**
 * @param norms buffer that a dispatch before this one fills; 'own': invocations sum up the squares of what they load. That is
 * as much arithmetic again, but GPUs wait for the loads, and for each dispatch
 */
function volumeCall(context: LowerContext<CorrelationAttrs>, norms: Operand | 'none' | 'own'): KernelCall {
  const { attrs, output, epilogue } = context
  const first = inputAt(context, 0)
  const second = inputAt(context, 1)
  const { n, h, w } = tensorOf(first)
  const diameter = 2 * attrs.radius + 1
  const eightLanes = context.schedule === 'software' && broadcastLanes(context.caps) === 8
  const chunks = Math.ceil(diameter / (eightLanes ? MAX_COLUMNS_OF_8_LANES : MAX_COLUMNS))
  const columns = Math.ceil(diameter / chunks)
  const pixels = pixelsPerInvocation(context)
  const blocks = Math.ceil(w / pixels)
  const slopes = epilogue.activation.kind === 'prelu'
  const type = tensorOf(output)
  return {
    kernel: 'correlation.wgsl',
    variant: `${pixels}px x ${columns}d`,
    params: {
      ...commonParams(context),
      PIXELS: pixels,
      COLUMNS: columns,
      STRIDE: attrs.stride,
      NORMS: NORMS[typeof norms === 'string' ? norms : 'given'],
      MASKED: channelsOf(tensorOf(first)) % 4 !== 0,
      SLOPES: slopes,
    },
    uniforms: {
      first: view(first),
      second: view(second),
      destination: view(output),
      diameter,
      reach: attrs.radius * attrs.stride,
      blocks,
      chunks,
      slope: constantSlope(epilogue.activation),
    },
    bindings: {
      first,
      second,
      destination: output,
      ...(typeof norms !== 'string' && { norms }),
      ...(slopes && {
        vectors: packedVectors(undefined, epilogue.activation, channelsOf(type), planesOf(type)),
      }),
    },
    workgroups: linearGrid(blocks * h * diameter * chunks, n),
  }
}

export const correlationOp: OpDefinition<CorrelationAttrs> = {
  kind: 'correlation',
  inputs: [2, 2],
  attributes: { radius: whole(0), stride: whole(), normalisation: oneOf('none', 'cosine') },
  epilogue: { activation: true, residual: false },
  infer(context) {
    const first = tensorInput('correlation', context, 0)
    const second = tensorInput('correlation', context, 1)
    const radius = wholeNumber('correlation', context, 'radius', context.attrs.radius, 0)
    wholeNumber('correlation', context, 'stride', context.attrs.stride, 1)
    if (!sameShape(first, second)) throw shapeError('correlation', context, 'needs two tensors of one shape')
    return tensorType(first.n, first.h, first.w, (2 * radius + 1) ** 2)
  },
  flops(context, output) {
    const c = channelsOf(tensorInput('correlation', context, 0))
    return output.kind === 'tensor' ? 2 * c * output.n * output.h * output.w * channelsOf(output) : 0
  },
  lower(context) {
    if (context.attrs.normalisation === 'none') return [volumeCall(context, 'none')]
    if (context.schedule === 'hardware') return [volumeCall(context, 'own')]
    const { n, h, w } = tensorOf(inputAt(context, 0))
    const norms = context.scratch({
      kind: 'raw',
      bytes: 2 * n * h * w * 4,
      contents: `f32[2,${n},${h},${w}]`,
    })
    return [normCall(context, norms), volumeCall(context, norms)]
  },
}

/**
 * Cost volume of two feature maps: for every pixel p of `first` and every displacement d, the mean over
 * channels of first[p] * second[p + d], zero where p + d lies outside. Channels of the output:
 * (2 radius + 1)^2, dy in the outer order, dx in the inner one.
 * @throws EngineError INVALID_GRAPH if the maps differ in shape or radius and stride are no whole numbers
 */
export function correlation(
  graph: GraphBuilder,
  name: string,
  first: Value,
  second: Value,
  attrs: CorrelationAttrs,
): Value {
  return addNode(graph, correlationOp, name, attrs, [first, second])
}
