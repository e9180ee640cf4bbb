import { EngineError, printed } from '../errors.js'
import { anything, type Check, faultOf, list } from './arguments.js'
import type { InferContext } from './op.js'
import { channelsOf, describeType, type TensorType, type ValueType } from './tensor.js'

/** An INVALID_GRAPH error that names op, node and the shapes it got. */
export function shapeError(
  kind: string,
  context: Pick<InferContext<unknown>, 'node' | 'inputs'>,
  problem: string,
): EngineError {
  const shapes = context.inputs.map(describeType).join(', ')
  return new EngineError('INVALID_GRAPH', `${kind} ${nameOf(context.node)} (${shapes}): ${problem}`, {
    node: context.node,
    inputs: context.inputs.map(describeType),
  })
}

/** Nodes are named by strings; what a caller in JavaScript gives instead must not break the message. */
const nameOf = (node: unknown): string => (typeof node === 'string' ? `"${node}"` : printed(node))

/**
 * Checks what an op's function is given, where it makes the op's attributes of it.
 * @throws EngineError INVALID_GRAPH that names the op and the node
 */
export function checkOptions(
  kind: string,
  node: string,
  checks: Readonly<Record<string, Check>>,
  options: unknown,
): void {
  const fault = faultOf(checks, options)
  if (fault !== undefined) throw shapeError(kind, { node, inputs: [] }, fault)
}

/** Values that an op's function takes as a list. @throws EngineError INVALID_GRAPH if they are none */
export function listOf<T>(kind: string, node: string, values: readonly T[]): readonly T[] {
  checkOptions(kind, node, { inputs: list(anything, 1) }, { inputs: values })
  return values
}

/** The input at `index`, checked to exist and to be a tensor. */
export function tensorInput(kind: string, context: InferContext<unknown>, index: number): TensorType {
  const type: ValueType | undefined = context.inputs[index]
  if (type === undefined) throw shapeError(kind, context, `input ${index} is missing`)
  if (type.kind !== 'tensor') throw shapeError(kind, context, `input ${index} must be a tensor`)
  return type
}

/** Checks that the input at `index` is a map beside a flow: of its n, h and w, with so many channels. */
export function checkMap(
  kind: string,
  context: InferContext<unknown>,
  index: number,
  flow: TensorType,
  channels: number,
): void {
  const map = tensorInput(kind, context, index)
  if (map.n !== flow.n || map.h !== flow.h || map.w !== flow.w || channelsOf(map) !== channels) {
    throw shapeError(kind, context, `input ${index} must have the flow's n, h and w and ${channels} channels`)
  }
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
