import { countReaders } from './fuse.js'
import type { Graph, GraphNode, ValueId } from './graph.js'
import { sameLayout, type TensorType, vec4sPerBatch } from './tensor.js'

/**
 * Where tensors live relative to each other. Each value belongs to a *storage*; concatenations, batches and their
 * parts share one, so that producers write straight into their slice, and element-wise ops take over their
 * input's. Entry n of a value starts at `(batch + n) * stride + inner` vec4s of its storage.
 *
 * WebGPU forbids one buffer as read and read_write in a dispatch even for disjoint ranges: every sharing is
 * tried, checked against all nodes of the graph, and taken back where some node would read and write one storage.
 */
export interface Placement {
  storageOf(value: ValueId): ValueId
  /** vec4 offset of the value's first entry and distance between its entries. */
  locate(value: ValueId): { offset: number; batchStride: number }
  /** Size of a storage in vec4s. */
  storageSize(storage: ValueId): number
  /** True where a structural node's i-th input already lies in its place, so nothing is copied. */
  isInPlace(node: GraphNode, inputIndex: number): boolean
  /** Element-wise nodes whose output takes over the buffer of their `inPlaceInput`. */
  readonly takesOverInput: ReadonlySet<GraphNode>
}

interface State {
  readonly storage: Int32Array
  readonly batch: Float64Array
  readonly inner: Float64Array
  /** Per storage; undefined while only entry 0 of it is used by values of one entry. */
  readonly stride: Map<ValueId, number>
  readonly placed: Set<string>
  readonly takesOver: Set<GraphNode>
}

export function place(graph: Graph, share = true): Placement {
  let state: State = {
    storage: Int32Array.from(graph.types, (_, id) => id),
    batch: new Float64Array(graph.types.length),
    inner: new Float64Array(graph.types.length),
    stride: new Map(),
    placed: new Set(),
    takesOver: new Set(),
  }
  graph.types.forEach((type, id) => {
    if (type.kind === 'tensor' && type.n > 1) state.stride.set(id, vec4sPerBatch(type))
  })
  if (share) {
    for (const attempt of sharings(graph)) {
      const trial = clone(state)
      if (attempt(trial) && !hasConflict(graph, trial)) state = trial
    }
  }
  return view(graph, state)
}

type Attempt = (state: State) => boolean

/** Batch slices first: they are views of their input and decide what the concatenations can do with it. */
function* sharings(graph: Graph): Generator<Attempt> {
  for (const node of graph.nodes) {
    if (node.definition.structural === 'batchSlice') yield (state) => shareSlice(state, node)
  }
  for (const node of graph.nodes) {
    const kind = node.definition.structural
    if (kind === 'batchConcat' || kind === 'concat') {
      for (const index of node.inputs.keys()) yield (state) => sharePart(graph, state, node, index)
    }
  }
  const readers = countReaders(graph)
  for (const node of graph.nodes) yield (state) => takeOver(graph, state, node, readers)
}

function shareSlice(state: State, node: GraphNode): boolean {
  const source = node.inputs[0] as ValueId
  const { start } = node.attrs as { start: number }
  const storage = state.storage[source] as number
  state.storage[node.output] = storage
  state.batch[node.output] = (state.batch[source] as number) + start
  state.inner[node.output] = state.inner[source] as number
  state.placed.add(`${node.name}:0`)
  return true
}

/**
 * Moves the storage of input `index` into the output's storage, to the input's place in it. Other inputs of the
 * node that live in the same storage may land in their places with it (the two images of a batch).
 */
function sharePart(graph: Graph, state: State, node: GraphNode, index: number): boolean {
  if (state.placed.has(`${node.name}:${index}`)) return false
  const part = node.inputs[index] as ValueId
  const target = state.storage[node.output] as number
  const source = state.storage[part] as number
  if (source !== target && !moveStorage(graph, state, node, index)) return false
  node.inputs.forEach((input, i) => {
    if (state.storage[input] === target && landsInPlace(graph, state, node, i)) {
      state.placed.add(`${node.name}:${i}`)
    }
  })
  return state.placed.has(`${node.name}:${index}`)
}

/** Where input `index` belongs in the storage of the node's output. */
function placeOfPart(
  graph: Graph,
  state: State,
  node: GraphNode,
  index: number,
): { batch: number; inner: number } {
  const before = node.inputs.slice(0, index).map((id) => tensor(graph, id))
  const isBatch = node.definition.structural === 'batchConcat'
  const entries = isBatch ? before.reduce((sum, t) => sum + t.n, 0) : 0
  const vec4s = isBatch ? 0 : before.reduce((sum, t) => sum + vec4sPerBatch(t), 0)
  return {
    batch: (state.batch[node.output] as number) + entries,
    inner: (state.inner[node.output] as number) + vec4s,
  }
}

function moveStorage(graph: Graph, state: State, node: GraphNode, index: number): boolean {
  const part = node.inputs[index] as ValueId
  const target = state.storage[node.output] as number
  const source = state.storage[part] as number
  const place = placeOfPart(graph, state, node, index)
  // All values of the source storage move by the same distance, entries keep their order; what lies before the
  // part in its own storage would fall before the start of the target.
  const moveInner = place.inner - (state.inner[part] as number)
  const moveBatch = place.batch - (state.batch[part] as number)
  const members = membersOf(state, source)
  if (members.some((m) => (state.inner[m] as number) + moveInner < 0)) return false
  if (members.some((m) => (state.batch[m] as number) + moveBatch < 0)) return false

  if (state.stride.has(source)) {
    const targetStride = state.stride.get(target)
    if (targetStride === undefined) {
      state.stride.set(target, freeStride(graph, state, node, index, target))
    } else if (
      extentOf(graph, state, members) + moveInner > targetStride &&
      tensor(graph, node.output).n > 1
    ) {
      return false
    }
  }
  for (const m of members) {
    state.storage[m] = target
    state.inner[m] = (state.inner[m] as number) + moveInner
    state.batch[m] = (state.batch[m] as number) + moveBatch
  }
  state.stride.delete(source)
  return true
}

function landsInPlace(graph: Graph, state: State, node: GraphNode, index: number): boolean {
  const part = node.inputs[index] as ValueId
  if (tensor(graph, part).n > 1 && tensor(graph, node.output).n === 1) return false
  const stride = state.stride.get(state.storage[part] as number) ?? 0
  const place = placeOfPart(graph, state, node, index)
  const at = (state.batch[part] as number) * stride + (state.inner[part] as number)
  return at === place.batch * stride + place.inner
}

/**
 * Stride of a one-entry concatenation that takes over values of several entries. Where consecutive inputs are
 * consecutive entries of one value, the distance between them serves both; else further entries of a part
 * (the second image's features behind a skip connection) go behind the concatenation.
 */
function freeStride(graph: Graph, state: State, node: GraphNode, index: number, target: ValueId): number {
  const part = node.inputs[index] as ValueId
  const next = node.inputs[index + 1]
  const isNextEntry =
    next !== undefined &&
    state.storage[next] === state.storage[part] &&
    state.inner[next] === state.inner[part] &&
    (state.batch[next] as number) === (state.batch[part] as number) + tensor(graph, part).n
  if (isNextEntry) return vec4sPerBatch(tensor(graph, part))
  return extentOf(graph, state, membersOf(state, target))
}

/** An element-wise op writes over its input, if it is the only reader and nothing else shares those entries. */
function takeOver(graph: Graph, state: State, node: GraphNode, readers: Map<ValueId, number>): boolean {
  const index = node.definition.inPlaceInput
  if (index === undefined) return false
  const input = node.inputs[index] as ValueId
  const [from, to] = [graph.types[input], graph.types[node.output]]
  if (from?.kind !== 'tensor' || to?.kind !== 'tensor' || !sameLayout(from, to)) return false
  if (readers.get(input) !== 1) return false
  const storage = state.storage[input] as number
  if (storage !== input || membersOf(state, storage).length !== 1) return false
  if (state.storage[node.output] !== node.output || membersOf(state, node.output).length !== 1) return false
  state.storage[node.output] = storage
  state.takesOver.add(node)
  return true
}

/**
 * True if some node would read and write one storage, or two values that share one would overlap.
 */
function hasConflict(graph: Graph, state: State): boolean {
  for (const node of graph.nodes) {
    const written = state.storage[node.output] as number
    for (const [index, input] of node.inputs.entries()) {
      if (state.storage[input] !== written) continue
      if (state.placed.has(`${node.name}:${index}`)) continue
      if (state.takesOver.has(node) && index === node.definition.inPlaceInput) continue
      return true
    }
  }
  return overlaps(graph, state)
}

/**
 * All that is ever written into a storage must be disjoint: results of kernels, and parts copied into place.
 * (Moving a storage into a concatenation takes along values that lie beside the part that was asked for.)
 */
function overlaps(graph: Graph, state: State): boolean {
  const written = new Map<ValueId, { start: number; end: number }[]>()
  const collides = (storage: ValueId, batch: number, inner: number, type: TensorType): boolean => {
    const list = written.get(storage) ?? []
    written.set(storage, list)
    const stride = state.stride.get(storage) ?? 0
    for (let n = 0; n < type.n; n++) {
      const start = (batch + n) * stride + inner
      const end = start + vec4sPerBatch(type)
      if (list.some((range) => start < range.end && range.start < end)) return true
      list.push({ start, end })
    }
    return false
  }
  for (const node of graph.nodes) {
    const type = graph.types[node.output]
    if (type?.kind !== 'tensor' || state.takesOver.has(node)) continue
    const storage = state.storage[node.output] as number
    const batch = state.batch[node.output] as number
    const inner = state.inner[node.output] as number
    const { structural } = node.definition
    if (structural === undefined) {
      if (collides(storage, batch, inner, type)) return true
      continue
    }
    let before = 0
    for (const [index, input] of node.inputs.entries()) {
      const part = structural === 'batchSlice' ? type : tensor(graph, input)
      const isBatch = structural === 'batchConcat'
      const isCopied = !state.placed.has(`${node.name}:${index}`)
      if (
        isCopied &&
        collides(storage, batch + (isBatch ? before : 0), inner + (isBatch ? 0 : before), part)
      ) {
        return true
      }
      before += isBatch ? part.n : vec4sPerBatch(part)
    }
  }
  return false
}

function membersOf(state: State, storage: ValueId): ValueId[] {
  const members: ValueId[] = []
  state.storage.forEach((s, id) => {
    if (s === storage) members.push(id)
  })
  return members
}

/** End of the furthest member within one entry of the storage. */
function extentOf(graph: Graph, state: State, members: readonly ValueId[]): number {
  return Math.max(...members.map((m) => (state.inner[m] as number) + vec4sPerBatch(tensor(graph, m))))
}

function tensor(graph: Graph, id: ValueId): TensorType {
  const type = graph.types[id]
  if (type?.kind !== 'tensor') throw new TypeError(`value ${id} is not a tensor`)
  return type
}

function clone(state: State): State {
  return {
    storage: state.storage.slice(),
    batch: state.batch.slice(),
    inner: state.inner.slice(),
    stride: new Map(state.stride),
    placed: new Set(state.placed),
    takesOver: new Set(state.takesOver),
  }
}

function view(graph: Graph, state: State): Placement {
  const strideOf = (value: ValueId) =>
    state.stride.get(state.storage[value] as number) ?? vec4sPerBatch(tensor(graph, value))
  const offsetOf = (value: ValueId) =>
    (state.batch[value] as number) * strideOf(value) + (state.inner[value] as number)
  return {
    storageOf: (value) => state.storage[value] as number,
    locate: (value) => ({ offset: offsetOf(value), batchStride: strideOf(value) }),
    storageSize: (storage) =>
      Math.max(
        ...membersOf(state, storage).map((m) => {
          const type = tensor(graph, m)
          return offsetOf(m) + (type.n - 1) * strideOf(m) + vec4sPerBatch(type)
        }),
      ),
    isInPlace: (node, index) => state.placed.has(`${node.name}:${index}`),
    takesOverInput: state.takesOver,
  }
}
