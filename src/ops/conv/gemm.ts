import { type KernelCall, view } from '../../graph/op.js'
import type { RawType } from '../../graph/tensor.js'
import { packedBlocks, packedTriples, packedVectors } from './packing.js'
import { type ConvTask, gridUniforms, loadingParams, residualBinding } from './task.js'
import { type GemmVariant, gemmSteps } from './variants.js'

const REDUCE_WORKGROUP = 64

/** Kernel calls of kernels/conv_gemm.wgsl, and of kernels/conv_reduce.wgsl where the variant splits the sum. */
export function gemmCalls(task: ConvTask, variant: GemmVariant): KernelCall[] {
  const { shape, weights, input, context } = task
  const { residual, output, epilogue } = context
  const { F16, LOADED_F16, ACTIVATION, RESIDUAL } = loadingParams(context)
  const pixels = shape.batches * shape.gridHeight * shape.gridWidth
  const tilePlanes = variant.threads[1] * variant.planes
  const groups = Math.ceil(shape.outPlanes / tilePlanes)
  const steps = gemmSteps(shape, variant)
  const rounds = Math.ceil(steps / variant.steps)
  const perSplit = Math.ceil(rounds / variant.splits) * variant.steps
  const splits = Math.ceil(steps / perSplit)
  const grid = gridUniforms(task)
  const split = splits > 1
  const residualView = residual === undefined ? {} : { residual: view(residual) }
  const vectors = packedVectors(task.problem.bias, epilogue.activation, weights.outChannels, shape.outPlanes)
  const partial = split
    ? context.scratch(partialSums(shape.phases * splits, shape.outPlanes, pixels))
    : undefined
  const product: KernelCall = {
    kernel: 'conv_gemm.wgsl',
    variant: split ? `${variant.name} /${splits}` : variant.name,
    params: {
      F16,
      LOADED_F16,
      // Partial sums take no epilogue: one pipeline for all of them.
      ACTIVATION: split ? 0 : ACTIVATION,
      RESIDUAL: split ? 0 : RESIDUAL,
      TX: variant.threads[0],
      TY: variant.threads[1],
      PX: variant.pixels,
      CP: variant.planes,
      KP: variant.steps,
      SPLIT: split,
      TRIPLES: variant.triples ? 1 : 0,
    },
    uniforms: {
      x: view(input),
      y: view(output),
      ...(split ? {} : residualView),
      ...grid,
      groups,
      splits,
      steps: perSplit,
    },
    bindings: {
      x: input,
      weights: (variant.triples ? packedTriples : packedBlocks)(weights, tilePlanes, context.storage),
      ...(partial === undefined ? { vectors, y: output, ...residualBinding(context) } : { partial }),
    },
    workgroups: [Math.ceil(pixels / (variant.threads[0] * variant.pixels)), groups, shape.phases * splits],
  }
  if (partial === undefined) return [product]
  return [
    product,
    {
      kernel: 'conv_reduce.wgsl',
      variant: `${splits} parts`,
      params: { F16, ACTIVATION, RESIDUAL, WG: REDUCE_WORKGROUP },
      uniforms: {
        y: view(output),
        ...residualView,
        gridWidth: shape.gridWidth,
        gridHeight: shape.gridHeight,
        pixels,
        splits,
        outStrideX: grid.outStrideX,
        outStrideY: grid.outStrideY,
      },
      bindings: { partial, vectors, y: output, ...residualBinding(context) },
      workgroups: [Math.ceil(pixels / REDUCE_WORKGROUP), shape.outPlanes, shape.phases],
    },
  ]
}

function partialSums(parts: number, planes: number, pixels: number): RawType {
  return { kind: 'raw', bytes: parts * planes * pixels * 16, contents: `f32[${parts},${planes},${pixels},4]` }
}
