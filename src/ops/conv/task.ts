import type { LowerContext, Operand } from '../../graph/op.js'
import type { ConvWeights } from './packing.js'
import type { ConvShape } from './variants.js'

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

/** Preprocessor parameter of include/few_channels.wgsl: software adapters take one pipeline for all layers instead. */
export function sumLanes({ shape, context }: ConvTask): { LANES: number } {
  const few = context.schedule === 'hardware' && shape.outPlanes === 1
  return { LANES: few ? Math.max(2, shape.channels[1]) : 4 }
}

/** Preprocessor parameters of include/layout.wgsl and include/epilogue.wgsl. */
export function commonParams(context: LowerContext<unknown>): {
  F16: boolean
  ACTIVATION: number
  RESIDUAL: number
} {
  const { activation, residual, residualWindow } = context.epilogue
  return {
    F16: context.storage === 'f16',
    ACTIVATION: activation.kind === 'sigmoid' ? 1 : activation.kind === 'tanh' ? 2 : 0,
    RESIDUAL: residual === 'none' ? 0 : (residual === 'before' ? 1 : 2) + (residualWindow === 2 ? 2 : 0),
  }
}

/** As `commonParams`, and that of include/loaded.wgsl. */
export function loadingParams(context: LowerContext<unknown>): ReturnType<typeof commonParams> & {
  LOADED_F16: boolean
} {
  return { ...commonParams(context), LOADED_F16: context.loaded === 'f16' }
}

/** The residual as a binding of that name, if there is one. */
export function residualBinding(context: LowerContext<unknown>): { residual?: Operand } {
  return context.residual === undefined ? {} : { residual: context.residual }
}
