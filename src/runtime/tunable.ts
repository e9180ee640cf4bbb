import { type Graph, GraphBuilder, type GraphNode, type Value, type ValueId } from '../graph/graph.js'
import { choiceOf, typeOf } from '../graph/lower.js'
import { type KernelChoice, NO_EPILOGUE } from '../graph/op.js'
import { loweredGraph, lowerOptionsOf, type PlanOptions } from '../graph/plan.js'
import { storageAt } from '../graph/storage.js'
import type { ValueType } from '../graph/tensor.js'
import { inputTensor, outputTensor } from '../ops/tensor/border.js'
import { concat } from '../ops/tensor/concat.js'
import type { AdapterCaps } from '../platform/caps.js'

/** Layers of a plan that run the same kernels over the same shapes, and what they can choose from. */
export interface TunableLayer extends KernelChoice {
  /** Names of the nodes. */
  readonly nodes: readonly string[]
  /** One of them alone, between dense inputs and the output `LAYER_OUTPUT`; its node is `LAYER_NODE`. */
  readonly graph: Graph
}

export const LAYER_NODE = 'layer'
export const LAYER_OUTPUT = 'result'

/**
 * Distinct layers of a graph for which there is more than one kernel, in the order of the graph. Pure.
 * @throws as `planGraph`
 */
export function tunableLayers(graph: Graph, caps: AdapterCaps, options: PlanOptions = {}): TunableLayer[] {
  return choosingLayers(graph, caps, options).filter(({ candidates }) => candidates.length > 1)
}

/** As `tunableLayers`, with those that only one kernel fits. */
export function choosingLayers(graph: Graph, caps: AdapterCaps, options: PlanOptions = {}): TunableLayer[] {
  const lowerOptions = lowerOptionsOf(graph, caps, options)
  const legal = loweredGraph(graph, lowerOptions.storage)
  const layers = new Map<string, TunableLayer & { nodes: string[] }>()
  for (const node of legal.nodes) {
    const choice = choiceOf(legal, node, lowerOptions)
    if (choice === undefined) continue
    const known = layers.get(choice.key)
    if (known !== undefined) known.nodes.push(node.name)
    else layers.set(choice.key, { ...choice, nodes: [node.name], graph: isolate(legal, node, choice.key) })
  }
  return [...layers.values()]
}

/** A graph of one node of another graph, with its fused epilogue. */
function isolate(graph: Graph, node: GraphNode, name: string): Graph {
  const builder = new GraphBuilder(name)
  const stored = <T>(id: ValueId, build: () => T): T =>
    storageAt(graph.types, id) === 'f32' ? builder.precise(build) : build()
  const inputs = node.inputs.map((id, index) =>
    stored(id, () => denseInput(builder, `input${index}`, typeOf(graph, id))),
  )
  const hasResidual = (node.epilogue ?? NO_EPILOGUE).residual !== 'none'
  const own = hasResidual ? inputs.slice(0, -1) : inputs
  const layer = stored(node.output, () => builder.add(node.definition, LAYER_NODE, node.attrs, own))
  outputTensor(builder, LAYER_OUTPUT, layer)
  const built = builder.build()
  const fused = {
    inputs: inputs.map(({ id }) => id),
    ...(node.epilogue === undefined ? {} : { epilogue: node.epilogue }),
    ...(node.repeats === undefined ? {} : { repeats: node.repeats }),
  }
  return {
    ...built,
    nodes: built.nodes.map((other) => (other.name === LAYER_NODE ? { ...other, ...fused } : other)),
  }
}

/** A tensor of a type from dense graph inputs, one for each part of a concatenation. */
function denseInput(builder: GraphBuilder, name: string, type: ValueType): Value {
  if (type.kind !== 'tensor') throw new TypeError(`${builder.name}: ${name} is not a tensor`)
  const { n, h, w } = type
  const parts = type.segments.map((c, i) => inputTensor(builder, `${name}.${i}`, { n, h, w, c }))
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : concat(builder, name, parts)
}
