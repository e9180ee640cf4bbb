import { EngineError } from '../errors.js'
import { describeType, type TensorType, type ValueType } from '../graph/tensor.js'
import type { InferContext } from './op.js'

/** An INVALID_GRAPH error that names op, node and the shapes it got. */
export function shapeError(
  kind: string,
  context: Pick<InferContext<unknown>, 'node' | 'inputs'>,
  problem: string,
): EngineError {
  const shapes = context.inputs.map(describeType).join(', ')
  return new EngineError('INVALID_GRAPH', `${kind} "${context.node}" (${shapes}): ${problem}`, {
    node: context.node,
    inputs: context.inputs.map(describeType),
  })
}

/** The input at `index`, checked to exist and to be a tensor. */
export function tensorInput(kind: string, context: InferContext<unknown>, index: number): TensorType {
  const type: ValueType | undefined = context.inputs[index]
  if (type === undefined) throw shapeError(kind, context, `input ${index} is missing`)
  if (type.kind !== 'tensor') throw shapeError(kind, context, `input ${index} must be a tensor`)
  return type
}

/** Checks an attribute that must be a whole number of at least `minimum`. */
export function wholeNumber(
  kind: string,
  context: InferContext<unknown>,
  name: string,
  value: number,
  minimum: number,
): number {
  if (!Number.isInteger(value) || value < minimum) {
    throw shapeError(kind, context, `${name} must be a whole number >= ${minimum}, got ${value}`)
  }
  return value
}
