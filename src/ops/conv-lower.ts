import { channelsOf, physicalChannels, planesOf } from '../graph/tensor.js'
import { directCalls } from './conv-direct.js'
import { gemmCalls } from './conv-gemm.js'
import type { ConvWeights } from './conv-packing.js'
import { rowCalls } from './conv-row.js'
import { type ConvShape, convCandidates, describeConvShape, selectConvVariant } from './conv-select.js'
import { winogradCalls, winogradShape } from './conv-winograd.js'
import { type KernelCall, type KernelChoice, type LowerContext, type Operand, tensorOf } from './op.js'

/**
 * What convolution, transposed convolution and fully connected layers have in common: outputs on a grid, computed
 * in `phases` (output parities; one for all but transposed convolutions), each a weighted sum of taps.
 */
export interface ConvProblem {
  readonly weights: Omit<ConvWeights, 'inChannels' | 'inPlanes' | 'outChannels' | 'phases'>
  readonly bias: string | undefined
  readonly gridHeight: number
  readonly gridWidth: number
  /** All pairs are [y, x]. Step of the input position from one grid point to the next. */
  readonly inStride: readonly [number, number]
  /** Step of the output position; its product is the number of phases. */
  readonly outStride: readonly [number, number]
  /** Input position of the first tap at grid point 0 of phase p: floor((p + lead) / outStride) - shift. */
  readonly lead: readonly [number, number]
  readonly shift: readonly [number, number]
}

/** A problem with its operands, as the builders of kernel calls take it. */
export interface ConvTask {
  readonly problem: ConvProblem
  readonly shape: ConvShape
  readonly weights: ConvWeights
  readonly input: Operand
  readonly context: LowerContext<unknown>
}

/** Chooses a variant and gives its kernel calls. */
export function convCalls(context: LowerContext<unknown>, problem: ConvProblem): KernelCall[] {
  const task = convTask(context, problem)
  const variant = selectConvVariant(task.shape, context.caps, context.schedule, context.variant)
  switch (variant.kind) {
    case 'direct':
      return directCalls(task, variant)
    case 'gemm':
      return gemmCalls(task, variant)
    case 'row':
      return rowCalls(task, variant)
    case 'winograd':
      return winogradCalls(task, variant)
    default:
      return variant satisfies never
  }
}

/** What `convCalls` chooses from. */
export function convChoice(context: LowerContext<unknown>, problem: ConvProblem): KernelChoice {
  const { caps, schedule, variant, epilogue } = context
  const { shape } = convTask(context, problem)
  const chosen = selectConvVariant(shape, caps, schedule, variant).name
  const candidates = convCandidates(shape, caps, schedule).map(({ name }) => name)
  return {
    // The residual is one more tensor to read; activations cost nothing beside the sums.
    key: `${describeConvShape(shape)}${epilogue.residual === 'none' ? '' : ' + residual'}`,
    chosen,
    candidates: candidates.includes(chosen) ? candidates : [chosen, ...candidates],
  }
}

function convTask(context: LowerContext<unknown>, problem: ConvProblem): ConvTask {
  const input = context.inputs[0]
  if (input === undefined) throw new TypeError('a convolution has one input')
  const inType = tensorOf(input)
  const outType = tensorOf(context.output)
  const phases = problem.outStride[0] * problem.outStride[1]
  const weights: ConvWeights = {
    ...problem.weights,
    phases,
    outChannels: channelsOf(outType),
    inChannels: physicalChannels(inType),
    inPlanes: planesOf(inType),
  }
  const shape: ConvShape = {
    batches: outType.n,
    inPlanes: weights.inPlanes,
    outPlanes: planesOf(outType),
    gridHeight: problem.gridHeight,
    gridWidth: problem.gridWidth,
    phases,
    taps: weights.taps,
    stride: problem.inStride,
    winograd: winogradShape(problem, weights.inPlanes, planesOf(outType)),
  }
  return { problem, shape, weights, input, context }
}

/** Uniforms of conv_direct.wgsl and conv_gemm.wgsl that place pixels and taps. */
export function gridUniforms({ problem, shape }: ConvTask) {
  return {
    gridWidth: shape.gridWidth,
    gridHeight: shape.gridHeight,
    pixels: shape.batches * shape.gridHeight * shape.gridWidth,
    tapsX: shape.taps[1],
    tapsY: shape.taps[0],
    inStrideX: problem.inStride[1],
    inStrideY: problem.inStride[0],
    outStrideX: problem.outStride[1],
    outStrideY: problem.outStride[0],
    leadX: problem.lead[1],
    leadY: problem.lead[0],
    shiftX: problem.shift[1],
    shiftY: problem.shift[0],
  }
}

/** Preprocessor parameters of include/layout.wgsl and include/epilogue.wgsl. */
export function commonParams(context: LowerContext<unknown>): {
  F16: boolean
  ACTIVATION: number
  RESIDUAL: number
} {
  const { activation, residual } = context.epilogue
  return {
    F16: context.storage === 'f16',
    ACTIVATION: activation.kind === 'sigmoid' ? 1 : activation.kind === 'tanh' ? 2 : 0,
    RESIDUAL: residual === 'none' ? 0 : residual === 'before' ? 1 : 2,
  }
}

/** The residual as a binding of that name, if there is one. */
export function residualBinding(context: LowerContext<unknown>): { residual?: Operand } {
  return context.residual === undefined ? {} : { residual: context.residual }
}
