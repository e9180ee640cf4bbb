import { type KernelCall, view } from '../../graph/op.js'
import { packedBlocks, packedVectors } from './packing.js'
import { type ConvTask, gridUniforms, loadingParams, residualBinding, sumLanes } from './task.js'
import type { LanesVariant } from './variants.js'

/** Kernel calls of kernels/conv_lanes.wgsl. */
export function lanesCalls(task: ConvTask, variant: LanesVariant): KernelCall[] {
  const { problem, shape, weights, input, context } = task
  const { residual, output, epilogue, storage } = context
  const pixels = shape.batches * shape.gridHeight * shape.gridWidth
  return [
    {
      kernel: 'conv_lanes.wgsl',
      variant: variant.name,
      params: { ...loadingParams(context), ...sumLanes(task), WG: variant.workgroup, PX: variant.pixels },
      uniforms: {
        x: view(input),
        y: view(output),
        ...(residual === undefined ? {} : { residual: view(residual) }),
        ...gridUniforms(task),
      },
      bindings: {
        x: input,
        weights: packedBlocks(weights, 1, storage),
        vectors: packedVectors(problem.bias, epilogue.activation, weights.outChannels, shape.outPlanes),
        y: output,
        ...residualBinding(context),
      },
      workgroups: [Math.ceil(pixels / variant.pixels), shape.outPlanes, shape.phases],
    },
  ]
}
