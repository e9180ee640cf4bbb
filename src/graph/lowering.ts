import type { LowerContext, Operand, Schedule } from './op.js'
import type { TensorType } from './tensor.js'

/** Workgroups a dimension that every WebGPU device allows. */
const MAX_WORKGROUPS = 65535

/** Workgroup size of the kernels that walk pixels or elements in order. */
export const LINEAR_WORKGROUP = 64

/**
 * Workgroups for `count` invocations in order, folded into two dimensions where one does not hold them;
 * `linearIndex` of include/grid.wgsl unfolds them. `z` is free for planes, batches or parts.
 */
export function linearGrid(count: number, z = 1): readonly [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / LINEAR_WORKGROUP))
  const rows = Math.ceil(groups / MAX_WORKGROUPS)
  return [Math.ceil(groups / rows), rows, z]
}

/** The operand at `index`; `infer` has checked that the node has it. @throws TypeError if it has not */
export function inputAt(context: Pick<LowerContext<unknown>, 'inputs'>, index: number): Operand {
  const input = context.inputs[index]
  if (input === undefined) throw new TypeError(`node has no input ${index}`)
  return input
}

/** Edge of the square workgroups of kernels that need x and y of their pixel. */
const TILE = 8

/** Workgroups of 8x8 invocations over a map, `z` deep. */
export function tileGrid(height: number, width: number, z: number): readonly [number, number, number] {
  return [Math.ceil(width / TILE), Math.ceil(height / TILE), z]
}

/** Pixels of a column that one invocation takes in the kernels that `columnTiles` starts. */
export function rowsPerInvocation(schedule: Schedule): number {
  return schedule === 'software' ? 8 : 1
}

/** Workgroups of 16 x 4 invocations over the pixels of a map, `rows` of a column each. */
export function columnTiles({ n, h, w }: TensorType, rows = 1): readonly [number, number, number] {
  return [Math.ceil(w / 16), Math.ceil(h / (4 * rows)), n]
}
