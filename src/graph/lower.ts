import type { AdapterCaps } from '../platform/caps.js'
import type { Graph, GraphNode, ValueId } from './graph.js'
import {
  type KernelCall,
  type KernelChoice,
  type LowerContext,
  NO_EPILOGUE,
  type Operand,
  type Schedule,
} from './op.js'
import type { Placement } from './placement.js'
import { loadedStorage, nodeStorage } from './storage.js'
import { describeType, type Storage, type ValueType } from './tensor.js'

/** How nodes become kernel calls: what is the same for all nodes of a plan. */
export interface LowerOptions {
  readonly caps: AdapterCaps
  readonly storage: Storage
  readonly schedule: Schedule
  /** Forced variants by node name... */
  readonly variants: Readonly<Record<string, string>>
  /** ...and by the key of a choice, for nodes that are not named. */
  readonly choices: Readonly<Record<string, string>>
}

export interface LoweredCall {
  readonly node: GraphNode
  readonly call: KernelCall
  readonly name: string
  readonly flops: number
  readonly shapes: string
}

export interface Lowered {
  readonly calls: readonly LoweredCall[]
  readonly scratchTypes: readonly ValueType[]
}

/** Kernel calls of all nodes in order. Pure. */
export function lower(graph: Graph, placement: Placement, options: LowerOptions): Lowered {
  const scratchTypes: ValueType[] = []
  const scratch = (type: ValueType): Operand => ({
    kind: 'scratch',
    id: scratchTypes.push(type) - 1,
    type,
  })
  const calls = graph.nodes.flatMap((node): LoweredCall[] => {
    const inPlace = placement.takesOverInput.has(node)
    const context = { ...contextOf(graph, node, options), inPlace, scratch }
    let nodeCalls = node.definition.lower(context)
    if (node.definition.structural !== undefined) {
      // One copy per input; those that memory made superfluous go.
      nodeCalls = nodeCalls.filter((_, index) => !placement.isInPlace(node, index))
    }
    const inputTypes = context.inputs.flatMap((operand) => (operand.kind === 'packed' ? [] : [operand.type]))
    const output = typeOf(graph, node.output)
    const flops = node.definition.flops({ node: node.name, attrs: node.attrs, inputs: inputTypes }, output)
    const shapes = `${inputTypes.map(describeType).join(', ')} -> ${describeType(output)}`
    const stated = nodeCalls.reduce((sum, call) => sum + (call.flops ?? 0), 0)
    return nodeCalls.map((call, index) => ({
      node,
      call,
      name: nodeCalls.length > 1 ? `${node.name}#${index + 1}` : node.name,
      flops: call.flops ?? (index === nodeCalls.length - 1 ? flops - stated : 0),
      shapes,
    }))
  })
  return { calls, scratchTypes }
}

/** The choice of kernels that a node has, if it has one, with what `options` force. Pure. */
export function choiceOf(graph: Graph, node: GraphNode, options: LowerOptions): KernelChoice | undefined {
  return node.definition.choice?.(contextOf(graph, node, options))
}

/** All but what placement decides: the node does not take over its input, and scratch is not counted. */
function contextOf(graph: Graph, node: GraphNode, options: LowerOptions): LowerContext<unknown> {
  const operand = (id: ValueId): Operand => ({ kind: 'value', id, type: typeOf(graph, id) })
  const epilogue = node.epilogue ?? NO_EPILOGUE
  const hasResidual = epilogue.residual !== 'none'
  const ownInputs = hasResidual ? node.inputs.slice(0, -1) : node.inputs
  const last = node.inputs.at(-1)
  const context: LowerContext<unknown> = {
    node: node.name,
    attrs: node.attrs,
    inputs: ownInputs.map(operand),
    residual: hasResidual && last !== undefined ? operand(last) : undefined,
    output: operand(node.output),
    epilogue,
    caps: options.caps,
    schedule: options.schedule,
    storage: nodeStorage(graph.types, node),
    loaded: loadedStorage(graph.types, node),
    variant: options.variants[node.name],
    inPlace: false,
    repeats: node.repeats ?? 1,
    scratch: (type) => ({ kind: 'scratch', id: 0, type }),
  }
  if (context.variant !== undefined || Object.keys(options.choices).length === 0) return context
  const key = node.definition.choice?.(context).key
  return key === undefined ? context : { ...context, variant: options.choices[key] }
}

export function typeOf(graph: Graph, id: ValueId): ValueType {
  const type = graph.types[id]
  if (type === undefined) throw new TypeError(`graph "${graph.name}" has no value ${id}`)
  return type
}
