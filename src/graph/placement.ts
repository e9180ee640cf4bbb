import { countReaders } from './fuse.js'
import type { Graph, GraphNode, ValueId } from './graph.js'
import { isSlice } from './op.js'
import { storageAt } from './storage.js'
import { sameLayout, type TensorType, tensorType, vec4sPerBatch } from './tensor.js'

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
  readonly graph: Graph
  readonly storage: Int32Array
  readonly batch: Float64Array
  readonly inner: Float64Array
  /** Per storage; undefined while only entry 0 of it is used by values of one entry. */
  readonly stride: Map<ValueId, number>
  /** Values of each storage. */
  readonly members: Map<ValueId, ValueId[]>
  /** Inputs of structural nodes that lie in their place. */
  readonly placed: Map<GraphNode, Set<number>>
  readonly takesOver: Set<GraphNode>
  readonly producers: ReadonlyMap<ValueId, GraphNode>
  /** What takes the present attempt back, latest last. */
  readonly undo: (() => void)[]
}

export function place(graph: Graph, share = true): Placement {
  const state: State = {
    graph,
    storage: Int32Array.from(graph.types, (_, id) => id),
    batch: new Float64Array(graph.types.length),
    inner: new Float64Array(graph.types.length),
    stride: new Map(),
    members: new Map(graph.types.map((_, id) => [id, [id]])),
    placed: new Map(),
    takesOver: new Set(),
    producers: new Map(graph.nodes.map((node) => [node.output, node])),
    undo: [],
  }
  graph.types.forEach((type, id) => {
    if (type.kind === 'tensor' && type.n > 1) state.stride.set(id, vec4sPerBatch(type))
  })
  if (share) shareAll(state)
  return view(state)
}

/** Slices first: they are views of their input and decide what the concatenations can do with it. */
function shareAll(state: State): void {
  const { nodes } = state.graph
  for (const node of nodes) {
    // Views write nothing, and nothing else shares yet: there is no conflict to look for.
    if (isSlice(node.definition)) shareSlice(state, node)
  }
  for (const node of nodes) {
    const kind = node.definition.structural
    if (kind === 'batchConcat' || kind === 'concat') shareParts(state, concatenation(state.graph, node))
  }
  const readers = countReaders(state.graph)
  for (const node of nodes) attempt(state, () => takeOver(state, node, readers))
}

/**
 * Keeps what `change` did if it came about and leaves its storage without a conflict, else takes it back.
 * @param change the storage that it concerns, or undefined where it cannot be done
 */
function attempt(state: State, change: () => ValueId | undefined): boolean {
  state.undo.length = 0
  const storage = change()
  if (storage !== undefined && !hasConflict(state, storage)) return true
  for (const takeBack of state.undo.reverse()) takeBack()
  return false
}

/** A node that puts its inputs side by side. */
interface Concatenation {
  readonly node: GraphNode
  /** Entries or vec4s of an entry that lie before each input. */
  readonly starts: readonly number[]
  /** Attempts that may still fail before the rest is left to be copied. */
  patience: number
}

/** Parts of concatenations wider than this are tried together, and by halves where that fails: one check instead of many. */
const MANY_PARTS = 64

function concatenation(graph: Graph, node: GraphNode): Concatenation {
  const isBatch = node.definition.structural === 'batchConcat'
  let sum = 0
  const starts = node.inputs.map((id) => {
    const start = sum
    const type = tensor(graph, id)
    sum += isBatch ? type.n : vec4sPerBatch(type)
    return start
  })
  return { node, starts, patience: node.inputs.length > MANY_PARTS ? MANY_PARTS : Number.POSITIVE_INFINITY }
}

function shareParts(state: State, whole: Concatenation, from = 0, to = whole.starts.length): void {
  const isWide = whole.starts.length > MANY_PARTS
  if (to <= from || whole.patience <= 0) return
  if (to === from + 1 || isWide) {
    if (attempt(state, () => sharePart(state, whole, from, to))) return
    whole.patience--
    if (to === from + 1) return
  }
  const middle = isWide ? (from + to) >> 1 : from + 1
  shareParts(state, whole, from, middle)
  shareParts(state, whole, middle, to)
}

function shareSlice(state: State, node: GraphNode): void {
  const source = node.inputs[0] as ValueId
  const start = startOfSlice(state.graph, node)
  const storage = state.storage[source] as number
  const [batch, inner] = [state.batch[source] as number, state.inner[source] as number]
  move(state, [node.output], storage, batch + start.batch, inner + start.inner)
  setPlaced(state, node, 0)
}

/** Where a slice begins in its input: entry and vec4 of it. */
function startOfSlice(graph: Graph, node: GraphNode): { batch: number; inner: number } {
  if (node.definition.structural === 'batchSlice') {
    return { batch: (node.attrs as { start: number }).start, inner: 0 }
  }
  const { h, w, segments } = tensor(graph, node.inputs[0] as ValueId)
  const before = segments.slice(0, (node.attrs as { part: number }).part)
  return { batch: 0, inner: vec4sPerBatch(tensorType(1, h, w, before)) }
}

/**
 * Moves the storages of inputs `from`..`to` into the output's storage, to the inputs' places in it. Other inputs of the
 * node that live in the same storage may land in their places with them (the two images of a batch).
 */
function sharePart(state: State, whole: Concatenation, from: number, to: number): ValueId | undefined {
  const { node } = whole
  if (to === from + 1 && isPlaced(state, node, from)) return undefined
  const target = state.storage[node.output] as number
  for (let index = from; index < to; index++) {
    if (isPlaced(state, node, index)) continue
    const part = node.inputs[index] as ValueId
    if (storageAt(state.graph.types, part) !== storageAt(state.graph.types, node.output)) return undefined
    if (state.storage[part] === target) {
      if (!landsInPlace(state, whole, index)) return undefined
    } else if (!moveStorage(state, whole, index)) return undefined
  }
  node.inputs.forEach((input, i) => {
    if (state.storage[input] === target && landsInPlace(state, whole, i)) setPlaced(state, node, i)
  })
  for (let index = from; index < to; index++) if (!isPlaced(state, node, index)) return undefined
  return target
}

/** Where input `index` belongs in the storage of the node's output. */
function placeOfPart(
  state: State,
  { node, starts }: Concatenation,
  index: number,
): { batch: number; inner: number } {
  const isBatch = node.definition.structural === 'batchConcat'
  const start = starts[index] as number
  return {
    batch: (state.batch[node.output] as number) + (isBatch ? start : 0),
    inner: (state.inner[node.output] as number) + (isBatch ? 0 : start),
  }
}

function moveStorage(state: State, whole: Concatenation, index: number): boolean {
  const { graph } = state
  const { node } = whole
  const part = node.inputs[index] as ValueId
  const target = state.storage[node.output] as number
  const source = state.storage[part] as number
  const place = placeOfPart(state, whole, index)
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
      setStride(state, target, freeStride(state, node, index, target))
    } else if (extentOf(state, members) + moveInner > targetStride && tensor(graph, node.output).n > 1) {
      return false
    }
  }
  move(state, members, target, moveBatch, moveInner)
  setStride(state, source, undefined)
  return true
}

/** Values of one storage into another, by a distance. */
function move(
  state: State,
  values: readonly ValueId[],
  target: ValueId,
  moveBatch: number,
  moveInner: number,
): void {
  const source = state.storage[values[0] as ValueId] as number
  const moved = [...values]
  const joined = membersOf(state, target)
  state.members.delete(source)
  for (const m of moved) {
    joined.push(m)
    state.storage[m] = target
    state.inner[m] = (state.inner[m] as number) + moveInner
    state.batch[m] = (state.batch[m] as number) + moveBatch
  }
  state.undo.push(() => {
    joined.length -= moved.length
    state.members.set(source, moved)
    for (const m of moved) {
      state.storage[m] = source
      state.inner[m] = (state.inner[m] as number) - moveInner
      state.batch[m] = (state.batch[m] as number) - moveBatch
    }
  })
}

function setStride(state: State, storage: ValueId, stride: number | undefined): void {
  const before = state.stride.get(storage)
  const set = (value: number | undefined) =>
    value === undefined ? state.stride.delete(storage) : state.stride.set(storage, value)
  set(stride)
  state.undo.push(() => set(before))
}

function setPlaced(state: State, node: GraphNode, index: number): void {
  const placed = state.placed.get(node) ?? new Set()
  state.placed.set(node, placed)
  if (placed.has(index)) return
  placed.add(index)
  state.undo.push(() => placed.delete(index))
}

function isPlaced(state: State, node: GraphNode, index: number): boolean {
  return state.placed.get(node)?.has(index) === true
}

function landsInPlace(state: State, whole: Concatenation, index: number): boolean {
  const { node } = whole
  const part = node.inputs[index] as ValueId
  if (tensor(state.graph, part).n > 1 && tensor(state.graph, node.output).n === 1) return false
  const stride = state.stride.get(state.storage[part] as number) ?? 0
  const place = placeOfPart(state, whole, index)
  const at = (state.batch[part] as number) * stride + (state.inner[part] as number)
  return at === place.batch * stride + place.inner
}

/**
 * Stride of a one-entry concatenation that takes over values of several entries. Where consecutive inputs are
 * consecutive entries of one value, the distance between them serves both; else further entries of a part
 * (the second image's features behind a skip connection) go behind the concatenation.
 */
function freeStride(state: State, node: GraphNode, index: number, target: ValueId): number {
  const { graph } = state
  const part = node.inputs[index] as ValueId
  const next = node.inputs[index + 1]
  const isNextEntry =
    next !== undefined &&
    state.storage[next] === state.storage[part] &&
    state.inner[next] === state.inner[part] &&
    (state.batch[next] as number) === (state.batch[part] as number) + tensor(graph, part).n
  if (isNextEntry) return vec4sPerBatch(tensor(graph, part))
  return extentOf(state, membersOf(state, target))
}

/** An element-wise op writes over its input, if it is the only reader and nothing else shares those entries. */
function takeOver(state: State, node: GraphNode, readers: Map<ValueId, number>): ValueId | undefined {
  const { graph } = state
  const index = node.definition.inPlaceInput
  if (index === undefined) return undefined
  const input = node.inputs[index] as ValueId
  const [from, to] = [graph.types[input], graph.types[node.output]]
  if (from?.kind !== 'tensor' || to?.kind !== 'tensor' || !sameLayout(from, to)) return undefined
  if (readers.get(input) !== 1 || from.storage !== to.storage) return undefined
  const storage = state.storage[input] as number
  if (storage !== input || membersOf(state, storage).length !== 1) return undefined
  if (state.storage[node.output] !== node.output || membersOf(state, node.output).length !== 1)
    return undefined
  move(state, [node.output], storage, 0, 0)
  state.takesOver.add(node)
  state.undo.push(() => state.takesOver.delete(node))
  return storage
}

/**
 * True if some node would read and write this storage, or two values that share it would overlap.
 */
function hasConflict(state: State, storage: ValueId): boolean {
  for (const member of membersOf(state, storage)) {
    const node = state.producers.get(member)
    if (node === undefined) continue
    for (const [index, input] of node.inputs.entries()) {
      if (state.storage[input] !== storage || isPlaced(state, node, index)) continue
      if (state.takesOver.has(node) && index === node.definition.inPlaceInput) continue
      return true
    }
  }
  return overlaps(state, storage)
}

/**
 * All that is ever written into a storage must be disjoint: results of kernels, and parts copied into place.
 * (Moving a storage into a concatenation takes along values that lie beside the part that was asked for.)
 */
function overlaps(state: State, storage: ValueId): boolean {
  const ranges: { readonly start: number; readonly end: number }[] = []
  const stride = state.stride.get(storage) ?? 0
  const write = (batch: number, inner: number, type: TensorType): void => {
    const size = vec4sPerBatch(type)
    const start = batch * stride + inner
    if (size === stride || type.n === 1) ranges.push({ start, end: start + type.n * size })
    else {
      for (let n = 0; n < type.n; n++) {
        ranges.push({ start: start + n * stride, end: start + n * stride + size })
      }
    }
  }
  for (const member of membersOf(state, storage)) {
    const node = state.producers.get(member)
    const type = state.graph.types[member]
    if (node === undefined || type?.kind !== 'tensor' || state.takesOver.has(node)) continue
    const batch = state.batch[member] as number
    const inner = state.inner[member] as number
    const { structural } = node.definition
    if (structural === undefined) {
      write(batch, inner, type)
      continue
    }
    const isBatch = structural === 'batchConcat'
    let before = 0
    for (const [index, input] of node.inputs.entries()) {
      const part = isSlice(node.definition) ? type : tensor(state.graph, input)
      if (!isPlaced(state, node, index)) {
        write(batch + (isBatch ? before : 0), inner + (isBatch ? 0 : before), part)
      }
      before += isBatch ? part.n : vec4sPerBatch(part)
    }
  }
  ranges.sort((a, b) => a.start - b.start)
  return ranges.some(({ start }, i) => start < (ranges[i - 1]?.end ?? 0))
}

function membersOf(state: State, storage: ValueId): ValueId[] {
  return state.members.get(storage) ?? []
}

/** End of the furthest member within one entry of the storage. */
function extentOf(state: State, members: readonly ValueId[]): number {
  return members.reduce(
    (end, m) => Math.max(end, (state.inner[m] as number) + vec4sPerBatch(tensor(state.graph, m))),
    0,
  )
}

function tensor(graph: Graph, id: ValueId): TensorType {
  const type = graph.types[id]
  if (type?.kind !== 'tensor') throw new TypeError(`value ${id} is not a tensor`)
  return type
}

function view(state: State): Placement {
  const { graph } = state
  const strideOf = (value: ValueId) =>
    state.stride.get(state.storage[value] as number) ?? vec4sPerBatch(tensor(graph, value))
  const offsetOf = (value: ValueId) =>
    (state.batch[value] as number) * strideOf(value) + (state.inner[value] as number)
  return {
    storageOf: (value) => state.storage[value] as number,
    locate: (value) => ({ offset: offsetOf(value), batchStride: strideOf(value) }),
    storageSize: (storage) =>
      membersOf(state, storage).reduce((end, m) => {
        const type = tensor(graph, m)
        return Math.max(end, offsetOf(m) + (type.n - 1) * strideOf(m) + vec4sPerBatch(type))
      }, 0),
    isInPlace: (node, index) => isPlaced(state, node, index),
    takesOverInput: state.takesOver,
  }
}
