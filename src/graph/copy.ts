import { linearGrid } from './lowering.js'
import { type KernelCall, type Operand, tensorOf, view } from './op.js'
import { vec4sPerBatch } from './tensor.js'

/** One call of copy.wgsl: all planes that both have, of `batches` entries of `source`, to a place in `destination`. */
export function copyCall(
  source: Operand,
  destination: Operand,
  at: {
    sourceBatch?: number
    sourcePlane?: number
    destinationBatch?: number
    destinationPlane?: number
    batches: number
  },
): KernelCall {
  const count = Math.min(vec4sPerBatch(tensorOf(source)), vec4sPerBatch(tensorOf(destination)))
  return {
    kernel: 'copy.wgsl',
    variant: 'vec4',
    params: { F16: isHalf(destination), LOADED_F16: isHalf(source) },
    uniforms: {
      source: view(source),
      destination: view(destination),
      sourceBatch: at.sourceBatch ?? 0,
      sourcePlane: at.sourcePlane ?? 0,
      destinationBatch: at.destinationBatch ?? 0,
      destinationPlane: at.destinationPlane ?? 0,
      count,
    },
    bindings: { source, destination },
    workgroups: linearGrid(count, at.batches),
  }
}

const isHalf = (operand: Operand): boolean => tensorOf(operand).storage === 'f16'
