import { type KernelCall, view } from '../../graph/op.js'
import { packedBlocks, packedVectors } from './packing.js'
import { type ConvTask, loadingParams, residualBinding } from './task.js'
import type { RowVariant } from './variants.js'

/** Kernel call of kernels/conv_row.wgsl. */
export function rowCalls(task: ConvTask, variant: RowVariant): KernelCall[] {
  const { problem, shape, weights, input, context } = task
  const runsX = Math.ceil(shape.gridWidth / variant.pixels)
  const runs = runsX * shape.gridHeight * shape.batches
  return [
    {
      kernel: 'conv_row.wgsl',
      variant: variant.name,
      params: {
        ...loadingParams(context),
        SUBGROUP: variant.subgroup,
        PX: variant.pixels,
        WG: variant.subgroup,
      },
      uniforms: {
        x: view(input),
        y: view(context.output),
        ...(context.residual === undefined ? {} : { residual: view(context.residual) }),
        runsX,
        runs,
        tapsY: shape.taps[0],
        padX: problem.shift[1],
        padY: problem.shift[0],
      },
      bindings: {
        x: input,
        weights: packedBlocks(weights, 1, context.storage),
        vectors: packedVectors(
          problem.bias,
          context.epilogue.activation,
          weights.outChannels,
          shape.outPlanes,
        ),
        y: context.output,
        ...residualBinding(context),
      },
      workgroups: [Math.ceil(runs / variant.subgroup), shape.outPlanes, 1],
    },
  ]
}
