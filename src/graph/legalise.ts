import { contiguousChannelsOp } from './contiguous-channels.js'
import type { Graph, GraphNode, ValueId } from './graph.js'
import type { OpDefinition } from './op.js'
import { isContiguous, type ValueType } from './tensor.js'

/**
 * Copies concatenations with padding between their parts into contiguous channels, for the ops that
 * count memory lanes as channels. Convolutions read such concatenations as they are.
 */
export function legalise(graph: Graph): Graph {
  const types: ValueType[] = [...graph.types]
  const nodes: GraphNode[] = []
  const copies = new Map<ValueId, ValueId>()
  const contiguous = (id: ValueId, reader: GraphNode): ValueId => {
    const type = types[id]
    if (type?.kind !== 'tensor' || isContiguous(type)) return id
    const known = copies.get(id)
    if (known !== undefined) return known
    const name = `${reader.name}/contiguous`
    const output = types.push(contiguousChannelsOp.infer({ node: name, attrs: {}, inputs: [type] })) - 1
    const definition = contiguousChannelsOp as OpDefinition<unknown>
    nodes.push({ name, definition, attrs: {}, inputs: [id], output })
    copies.set(id, output)
    return output
  }
  for (const node of graph.nodes) {
    const reads = node.definition.readsSegments === true || node.definition.structural !== undefined
    nodes.push(reads ? node : { ...node, inputs: node.inputs.map((id) => contiguous(id, node)) })
  }
  return { ...graph, types, nodes }
}
