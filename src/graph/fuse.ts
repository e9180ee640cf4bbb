import type { Graph, GraphNode, ValueId } from './graph.js'
import type { Epilogue } from './op.js'
import { NO_EPILOGUE } from './op.js'
import { storageAt } from './storage.js'
import { sameLayout } from './tensor.js'

/**
 * Fusion: element-wise ops and the copy to dense floats move into the kernel that produces their input. Each rule is a named predicate over
 * a (producer, consumer) pair; a value with a second reader is never fused, because that reader needs it as it is.
 */
interface FusionRule {
  readonly name: string
  /** The epilogue and inputs of the merged node, or undefined where the rule does not apply. */
  merge(
    producer: GraphNode,
    consumer: GraphNode,
    graph: Graph,
  ): Pick<GraphNode, 'epilogue' | 'inputs'> | undefined
}

const activationIntoProducer: FusionRule = {
  name: 'activation into producer',
  merge(producer, consumer, graph) {
    const step = consumer.definition.asEpilogue?.(consumer.attrs)
    if (step === undefined || !('activation' in step)) return undefined
    if (producer.definition.epilogue?.activation !== true) return undefined
    const epilogue = producer.epilogue ?? NO_EPILOGUE
    // An activation of (activation(x) + residual) has no place in the epilogue.
    if (epilogue.activation.kind !== 'none' || epilogue.residual === 'after') return undefined
    if (!sameStorage(graph, producer.output, consumer.output)) return undefined
    return { epilogue: { ...epilogue, activation: step.activation }, inputs: producer.inputs }
  },
}

const residualIntoProducer: FusionRule = {
  name: 'residual add into producer',
  merge(producer, consumer, graph) {
    const step = consumer.definition.asEpilogue?.(consumer.attrs)
    if (step === undefined || !('residual' in step) || consumer.inputs.length !== 2) return undefined
    if (producer.definition.epilogue?.residual !== true) return undefined
    const epilogue = producer.epilogue ?? NO_EPILOGUE
    if (epilogue.residual !== 'none') return undefined
    const other = consumer.inputs.find((input) => input !== producer.output)
    if (other === undefined) return undefined
    const [a, b] = [graph.types[other], graph.types[producer.output]]
    // The kernel adds memory lanes, so both must agree in their padding too.
    if (a?.kind !== 'tensor' || b?.kind !== 'tensor' || !sameLayout(a, b)) return undefined
    if (!sameStorage(graph, producer.output, consumer.output, other)) return undefined
    const residual: Epilogue['residual'] = epilogue.activation.kind === 'none' ? 'before' : 'after'
    return { epilogue: { ...epilogue, residual }, inputs: [...producer.inputs, other] }
  },
}

const denseIntoProducer: FusionRule = {
  name: 'dense floats into producer',
  merge(producer, consumer) {
    const step = consumer.definition.asEpilogue?.(consumer.attrs)
    if (step === undefined || !('dense' in step) || producer.definition.epilogue?.dense !== true)
      return undefined
    return { ...(producer.epilogue && { epilogue: producer.epilogue }), inputs: producer.inputs }
  },
}

/**
 * A residual that was made by zero padding of channels or by a small pooling alone is read from what it was made of.
 * @param nodes those that stay so far; the ones that this makes superfluous are taken out
 */
function readThrough(
  node: GraphNode,
  nodes: Map<ValueId, GraphNode>,
  readers: ReadonlyMap<ValueId, number>,
  graph: Graph,
): GraphNode {
  const epilogue = node.epilogue ?? NO_EPILOGUE
  const residual = node.inputs.at(-1)
  if (epilogue.residual === 'none' || residual === undefined || readers.get(residual) !== 1) return node
  const maker = nodes.get(residual)
  const [source] = maker?.inputs ?? []
  const type = source === undefined ? undefined : graph.types[source]
  if (maker === undefined || maker.epilogue !== undefined || type?.kind !== 'tensor') return node
  if (!sameStorage(graph, residual, source as ValueId)) return node
  const window = maker.definition.asResidual?.(maker.attrs, type)
  if (window === undefined || (window > 1 && epilogue.residualWindow > 1)) return node
  nodes.delete(residual)
  const residualWindow = window > 1 ? window : epilogue.residualWindow
  const inputs = [...node.inputs.slice(0, -1), source as ValueId]
  return readThrough({ ...node, epilogue: { ...epilogue, residualWindow }, inputs }, nodes, readers, graph)
}

function sameStorage({ types }: Graph, ...values: readonly ValueId[]): boolean {
  return new Set(values.map((id) => storageAt(types, id))).size === 1
}

export const FUSION_RULES: readonly FusionRule[] = [
  activationIntoProducer,
  residualIntoProducer,
  denseIntoProducer,
]

/**
 * Applies the rules wherever they fit. The merged node takes the consumer's place in the order and its output. One pass is
 * enough: a merge changes nothing for nodes before the consumer, since it was the only one to read its producer.
 */
export function fuse(graph: Graph): Graph {
  const readers = countReaders(graph)
  // In the order of the graph, by output.
  const nodes = new Map<ValueId, GraphNode>()
  for (const consumer of graph.nodes) {
    const found = mergeInto(consumer, nodes, readers, graph)
    if (found !== undefined) nodes.delete(found.producer.output)
    const node = found === undefined ? consumer : readThrough(found.merged, nodes, readers, graph)
    nodes.set(node.output, node)
  }
  return { ...graph, nodes: [...nodes.values()] }
}

function mergeInto(
  consumer: GraphNode,
  producers: ReadonlyMap<ValueId, GraphNode>,
  readers: ReadonlyMap<ValueId, number>,
  graph: Graph,
): { readonly merged: GraphNode; readonly producer: GraphNode } | undefined {
  if (consumer.epilogue !== undefined || consumer.definition.asEpilogue === undefined) return undefined
  // Later inputs first: of the two operands of an add, the one computed last is the better host.
  for (const input of [...consumer.inputs].reverse()) {
    const producer = producers.get(input)
    if (producer === undefined || readers.get(input) !== 1) continue
    for (const rule of FUSION_RULES) {
      const merged = rule.merge(producer, consumer, graph)
      if (merged !== undefined) {
        return { merged: { ...producer, ...merged, output: consumer.output }, producer }
      }
    }
  }
  return undefined
}

/** How many node inputs and graph outputs read each value. */
export function countReaders(graph: Graph): Map<ValueId, number> {
  const readers = new Map<ValueId, number>()
  const count = (value: ValueId) => readers.set(value, (readers.get(value) ?? 0) + 1)
  for (const node of graph.nodes) node.inputs.forEach(count)
  for (const output of graph.outputs) count(output.value)
  return readers
}
