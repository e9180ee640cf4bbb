import { contiguousChannelsOp } from './contiguous-channels.js'
import { convertStorageOp } from './convert-storage.js'
import type { Graph, GraphNode, ValueId } from './graph.js'
import type { OpDefinition } from './op.js'
import { loadedStorage, nodeStorage, storageAt } from './storage.js'
import { isContiguous, type Storage, type TensorType, type ValueType } from './tensor.js'

/**
 * Copies what kernels cannot read as it lies. Concatenations with padding between their parts become contiguous, for the ops
 * that count memory lanes as channels (convolutions read them as they are). Tensors that are stored as another type than the
 * reader's are converted, but for inputs that it `loads`; concatenations convert by the copies that they make anyway.
 */
export function legalise(graph: Graph): Graph {
  const types: ValueType[] = [...graph.types]
  const nodes: GraphNode[] = []
  const copies = new Map<string, ValueId>()
  const copied = (
    definition: OpDefinition<Record<string, never>>,
    id: ValueId,
    reader: GraphNode,
    storage: Storage | undefined,
  ): ValueId => {
    const key = `${definition.kind} ${id}`
    const known = copies.get(key)
    if (known !== undefined) return known
    const name = `${reader.name}/${definition.kind}`
    const attrs = {}
    const type = definition.infer({ node: name, attrs, inputs: [types[id] as ValueType] })
    const output = types.push(storage === undefined ? type : { ...(type as TensorType), storage }) - 1
    nodes.push({ name, definition: definition as OpDefinition<unknown>, attrs, inputs: [id], output })
    copies.set(key, output)
    return output
  }
  const contiguous = (id: ValueId, reader: GraphNode): ValueId => {
    const { structural, readsSegments } = reader.definition
    const type = types[id]
    const isReadable = readsSegments === true || structural !== undefined
    if (isReadable || type?.kind !== 'tensor' || isContiguous(type)) return id
    return copied(contiguousChannelsOp, id, reader, type.storage)
  }
  const converted = (id: ValueId, index: number, reader: GraphNode): ValueId => {
    const { structural, loads = [] } = reader.definition
    const stored = storageAt(types, id)
    if (structural !== undefined || stored === undefined) return id
    const wanted = loads.includes(index) ? loadedStorage(types, reader) : nodeStorage(types, reader)
    return stored === wanted ? id : copied(convertStorageOp, id, reader, wanted)
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id, index) => converted(contiguous(id, node), index, node))
    nodes.push({ ...node, inputs })
  }
  return { ...graph, types, nodes }
}
