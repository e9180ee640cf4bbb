import { type KernelCall, view } from '../../graph/op.js'
import { packedBlocks, packedVectors } from './packing.js'
import type { ConvTask } from './task.js'
import { gridUniforms, loadingParams, residualBinding, sumLanes } from './task.js'
import type { DirectVariant } from './variants.js'

/** Kernel calls of kernels/conv_direct.wgsl. */
export function directCalls(task: ConvTask, variant: DirectVariant): KernelCall[] {
  const { problem, shape, weights, input, context } = task
  const groups = Math.ceil(shape.outPlanes / variant.planes)
  const pixels = shape.batches * shape.gridHeight * shape.gridWidth
  const [lanesX, lanesY] = variant.workgroup
  return [
    {
      kernel: 'conv_direct.wgsl',
      variant: variant.name,
      params: {
        ...loadingParams(context),
        ...sumLanes(task),
        SUBGROUP: variant.subgroup,
        PX: variant.pixels,
        COP: variant.planes,
        WGX: lanesX,
        WGY: lanesY,
      },
      uniforms: {
        x: view(input),
        y: view(context.output),
        ...(context.residual === undefined ? {} : { residual: view(context.residual) }),
        ...gridUniforms(task),
        groups,
      },
      bindings: {
        x: input,
        weights: packedBlocks(weights, variant.planes, context.storage),
        vectors: packedVectors(
          problem.bias,
          context.epilogue.activation,
          weights.outChannels,
          groups * variant.planes,
        ),
        y: context.output,
        ...residualBinding(context),
      },
      workgroups: [Math.ceil(pixels / (variant.pixels * lanesX)), Math.ceil(groups / lanesY), shape.phases],
    },
  ]
}
