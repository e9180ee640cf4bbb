import type { Graph, ValueId } from './graph.js'

/** The graph without nodes that no output depends on: a network's branches that nobody reads are not computed. */
export function prune(graph: Graph): Graph {
  const needed = new Set<ValueId>(graph.outputs.map(({ value }) => value))
  const kept = []
  // Inputs of a node come from earlier nodes, so one walk from the end meets every reader before what it reads.
  for (const node of [...graph.nodes].reverse()) {
    if (!needed.has(node.output)) continue
    kept.push(node)
    for (const input of node.inputs) needed.add(input)
  }
  return { ...graph, nodes: kept.reverse() }
}
