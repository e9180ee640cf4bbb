import { type KernelCall, type KernelChoice, type LowerContext, tensorOf } from '../../graph/op.js'
import { channelsOf, physicalChannels, planesOf } from '../../graph/tensor.js'
import { directCalls } from './direct.js'
import { gemmCalls } from './gemm.js'
import { lanesCalls } from './lanes.js'
import type { ConvWeights } from './packing.js'
import { rowCalls } from './row.js'
import { convCandidates, describeConvShape, selectConvVariant, shapeAlone } from './select.js'
import type { ConvProblem, ConvTask } from './task.js'
import type { ConvShape } from './variants.js'
import { winogradCalls, winogradShape } from './winograd.js'

/** Chooses a variant and gives its kernel calls. */
export function convCalls(context: LowerContext<unknown>, problem: ConvProblem): KernelCall[] {
  const task = convTask(context, problem)
  const { caps, schedule, variant: forced, repeats } = context
  const variant = selectConvVariant(task.shape, caps, schedule, forced, repeats)
  switch (variant.kind) {
    case 'direct':
      return directCalls(task, variant)
    case 'gemm':
      return gemmCalls(task, variant)
    case 'lanes':
      return lanesCalls(task, variant)
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
  const { caps, schedule, variant, repeats } = context
  const { shape } = convTask(context, problem)
  const chosen = selectConvVariant(shape, caps, schedule, variant, repeats).name
  const alone = shapeAlone(shape, repeats)
  const candidates = convCandidates(alone, caps, schedule).map(({ name }) => name)
  return {
    // The residual is one more tensor to read; activations cost nothing beside the sums.
    key: `${describeConvShape(alone)}${describeResidual(context)}${describeStorage(context)}`,
    chosen,
    candidates: candidates.includes(chosen) ? candidates : [chosen, ...candidates],
  }
}

function describeResidual({ epilogue, residual }: LowerContext<unknown>): string {
  if (residual === undefined) return ''
  const pooled =
    epilogue.residualWindow === 1 ? '' : `pooled ${epilogue.residualWindow}x${epilogue.residualWindow} `
  return ` + ${pooled}residual of ${planesOf(tensorOf(residual))} planes`
}

function describeStorage({ loaded, storage }: LowerContext<unknown>): string {
  return loaded === 'f32' && storage === 'f32' ? '' : `, ${loaded} to ${storage}`
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
    channels: [weights.inChannels.length, weights.outChannels],
    gridHeight: problem.gridHeight,
    gridWidth: problem.gridWidth,
    phases,
    taps: weights.taps,
    stride: problem.inStride,
    winograd: winogradShape(problem, weights.inPlanes, planesOf(outType)),
  }
  return { problem, shape, weights, input, context }
}
