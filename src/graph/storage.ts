import type { Graph, GraphNode, ValueId } from './graph.js'
import { isSlice } from './op.js'
import type { Storage, ValueType } from './tensor.js'

/**
 * Gives every tensor its element type in a plan of so much storage. Under f16 what stays f32 is what some op takes for
 * coordinates, from where it is computed on (a position of 200 px would have steps of 1/8 px); what ops make of that, by the
 * rules of their definitions; and results of nodes within `GraphBuilder.precise`.
 */
export function assignStorage(graph: Graph, storage: Storage): Graph {
  if (storage === 'f32') return graph
  const wanted = readAsCoordinates(graph)
  const types: ValueType[] = [...graph.types]
  const asked = new Set<ValueId>()
  for (const node of graph.nodes) {
    const type = types[node.output]
    if (type?.kind !== 'tensor') continue
    const isView = isSlice(node.definition)
    const isAsked = wanted.has(node.output) || node.precise === true
    const isPrecise = follows(types, node) || (isAsked && !isView)
    types[node.output] = { ...type, storage: isPrecise ? 'f32' : 'f16' }
    if (isAsked) asked.add(node.output)
  }
  narrow(graph, types, asked)
  return { ...graph, types }
}

/** What only concatenations of f16 read is rounded where it is computed, if the op can, so that it needs no copy. */
function narrow(graph: Graph, types: ValueType[], asked: ReadonlySet<ValueId>): void {
  const roundedBy = new Map<ValueId, boolean>()
  for (const { definition, inputs, output } of graph.nodes) {
    const isHalf = definition.structural !== undefined && storageAt(types, output) === 'f16'
    for (const id of inputs) roundedBy.set(id, isHalf && roundedBy.get(id) !== false)
  }
  for (const { definition, output } of graph.nodes) {
    const type = types[output]
    const canLoad = definition.precise === 'asFirst' && definition.loads?.includes(0) === true
    if (type?.kind !== 'tensor' || !canLoad || asked.has(output) || roundedBy.get(output) !== true) continue
    types[output] = { ...type, storage: 'f16' }
  }
}

function follows(types: readonly ValueType[], { definition, inputs }: GraphNode): boolean {
  const isPrecise = (id: ValueId) => storageAt(types, id) === 'f32'
  switch (definition.precise) {
    case undefined:
      return false
    case 'always':
      return true
    case 'asFirst':
      return inputs.slice(0, 1).some(isPrecise)
    case 'ifAny':
      return inputs.some(isPrecise)
    case 'ifAll':
      return inputs.every(isPrecise)
    default:
      return definition.precise satisfies never
  }
}

/** Values that are read as coordinates, also through ops that hand on what their inputs are. */
function readAsCoordinates(graph: Graph): ReadonlySet<ValueId> {
  const wanted = new Set<ValueId>()
  // Readers come after what they read.
  for (const { definition, inputs, output } of [...graph.nodes].reverse()) {
    const { coordinates = [], precise } = definition
    const handsOn = wanted.has(output) && precise !== undefined && precise !== 'always'
    for (const [index, id] of inputs.entries()) {
      if (coordinates.includes(index) || (handsOn && (index === 0 || precise !== 'asFirst'))) wanted.add(id)
    }
  }
  return wanted
}

/** Element type of a value in memory; undefined where it is no tensor. */
export function storageAt(types: readonly ValueType[], id: ValueId): Storage | undefined {
  const type = types[id]
  return type?.kind === 'tensor' ? (type.storage ?? 'f32') : undefined
}

/** How the tensors of a node are stored, but for those that it `loads`: as its output, or where that is raw its first input. */
export function nodeStorage(types: readonly ValueType[], node: GraphNode): Storage {
  const [own = 'f32'] = [node.output, ...node.inputs].flatMap((id) => storageAt(types, id) ?? [])
  return own
}

/** How the inputs that a node `loads` are stored: all of one type, f32 where one of them is. */
export function loadedStorage(types: readonly ValueType[], node: GraphNode): Storage {
  const loaded = (node.definition.loads ?? []).flatMap(
    (index) => storageAt(types, node.inputs[index] as ValueId) ?? [],
  )
  return loaded.length > 0 && loaded.every((storage) => storage === 'f16') ? 'f16' : 'f32'
}
