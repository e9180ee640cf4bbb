import { EngineError, printed } from '../errors.js'
import { checkArguments, faultOf, ownAttributes, positive } from './arguments.js'
import { shapeError } from './infer.js'
import type { Epilogue, OpDefinition } from './op.js'
import { type TensorType, type ValueType, vec4sPerBatch } from './tensor.js'

export type ValueId = number

/** An op in a graph, with its inputs and attributes. */
export interface GraphNode {
  readonly name: string
  // The graph stores nodes of all ops side by side; each definition is only ever handed its own attrs.
  readonly definition: OpDefinition<unknown>
  readonly attrs: unknown
  readonly inputs: readonly ValueId[]
  readonly output: ValueId
  /** Set by fusion; the residual, if any, is then the last of `inputs`. */
  readonly epilogue?: Epilogue
  /** Set within `GraphBuilder.precise`. */
  readonly precise?: true
  /** Set within `GraphBuilder.repeated`; absent: 1. */
  readonly repeats?: number
}

/** A named input of a graph. */
export interface GraphInput {
  readonly name: string
  readonly value: ValueId
}

/** A named output of a graph. */
export interface GraphOutput {
  readonly name: string
  readonly value: ValueId
}

/** An immutable network: nodes in execution order (inputs of a node come from earlier nodes). */
export interface Graph {
  readonly name: string
  readonly types: readonly ValueType[]
  readonly nodes: readonly GraphNode[]
  /** Raw buffers that the caller fills before each run. */
  readonly inputs: readonly GraphInput[]
  /** Raw buffers that hold the results after each run. */
  readonly outputs: readonly GraphOutput[]
}

/** Handle of a value while its graph is being built. */
export interface Value {
  readonly id: ValueId
  readonly type: ValueType
  readonly graph: GraphBuilder
}

/** Entries of a batch: kernels take them in a dimension of the dispatch, and no device has more workgroups there. */
const MAX_BATCH = 65535
/** Bytes of a value. Kernels count vec4s in 32 bits, and no adapter binds more than this. */
const MAX_BYTES = 2 ** 32

/**
 * Builds a graph. Ops add themselves through functions of their own (`conv2d(graph, name, input, attrs)` in
 * src/ops): the builder knows none of them. A call that is refused leaves the builder as it was.
 */
export class GraphBuilder {
  readonly name: string
  readonly #types: ValueType[] = []
  readonly #nodes: GraphNode[] = []
  readonly #inputs: GraphInput[] = []
  readonly #outputs: GraphOutput[] = []
  readonly #names = new Set<string>()
  readonly #outputNames = new Set<string>()
  readonly #inputValues = new Set<ValueId>()
  #prefix = ''
  #isPrecise = false
  #repeats = 1

  /** @throws EngineError INVALID_ARGUMENT if the name is no string */
  constructor(name: string) {
    if (typeof name !== 'string') {
      throw new EngineError('INVALID_ARGUMENT', `the name of a graph is a string, got ${printed(name)}`)
    }
    this.name = name
  }

  /**
   * Declares a raw input buffer. Network inputs are usually made by `inputTensor` / `inputImage` of src/ops.
   * @throws EngineError INVALID_GRAPH if the name is taken or the type is no raw buffer of 1 byte to 4 GiB
   */
  input(name: string, type: ValueType): Value {
    this.#checkName(name)
    if (type?.kind !== 'raw') {
      throw new EngineError('INVALID_GRAPH', `input "${name}" of graph "${this.name}" must be a raw buffer`)
    }
    const { kind, bytes, contents } = type
    const problem = sizeProblem(type)
    if (problem !== undefined || typeof contents !== 'string') {
      throw new EngineError(
        'INVALID_GRAPH',
        `input "${name}" of graph "${this.name}" (${printed(contents)}): ${problem ?? 'contents must be a string'}`,
      )
    }
    this.#names.add(name)
    const value = this.#value({ kind, bytes, contents })
    this.#inputs.push({ name, value: value.id })
    this.#inputValues.add(value.id)
    return value
  }

  /**
   * Adds a node.
   * @throws EngineError INVALID_GRAPH if attributes are not what the op declares, the inputs do not fit (the message names
   * node and shapes), the name is taken, or an input belongs to another graph
   */
  add<Attrs>(
    definition: OpDefinition<Attrs>,
    ownName: string,
    attrs: Attrs,
    inputs: readonly Value[],
  ): Value {
    const name = typeof ownName === 'string' ? this.#prefix + ownName : ownName
    const kind = definition?.kind
    if (typeof kind !== 'string' || typeof definition.infer !== 'function') {
      throw new EngineError(
        'INVALID_ARGUMENT',
        `graph "${this.name}": ${printed(definition)} is no OpDefinition`,
      )
    }
    this.#checkName(name)
    if (!Array.isArray(inputs)) {
      throw shapeError(
        kind,
        { node: name, inputs: [] },
        `inputs are a list of values, got ${printed(inputs)}`,
      )
    }
    // Not `map`: it leaves out the holes of a sparse list.
    const types = Array.from(inputs, (input, i) => this.#typeOf(kind, name, input, i))
    const context = { node: name, inputs: types }
    const [least, most] = definition.inputs ?? [0, types.length]
    if (types.length < least || types.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`
      const missing = types.length < least ? `; input ${types.length} is missing` : ''
      throw shapeError(kind, context, `takes ${wanted} inputs, got ${types.length}${missing}`)
    }
    const own = ownAttributes(attrs)
    const fault = faultOf(definition.attributes ?? {}, own)
    if (fault !== undefined) throw shapeError(kind, context, fault)
    const type = definition.infer({ ...context, attrs: own })
    const problem = sizeProblem(type)
    if (problem !== undefined) throw shapeError(kind, context, `the result ${problem}`)
    this.#names.add(name)
    const output = this.#value(type)
    this.#nodes.push({
      name,
      definition: definition as OpDefinition<unknown>,
      attrs: own,
      inputs: inputs.map((input) => input.id),
      output: output.id,
      ...(this.#isPrecise && { precise: true }),
      ...(this.#repeats !== 1 && { repeats: this.#repeats }),
    })
    return output
  }

  /** Nodes that `build` adds are named behind `prefix`: a network can stand in a graph twice, with the same weights. */
  prefixed<T>(prefix: string, build: () => T): T {
    const before = this.#prefix
    this.#prefix = before + prefix
    try {
      return build()
    } finally {
      this.#prefix = before
    }
  }

  /**
   * Results of nodes that `build` adds, and their weights, stay f32 in plans of f16 storage: for layers whose results are places
   * or displacements in pixels, or decide them. Where an op takes them for coordinates (`OpDefinition.coordinates`) they
   * need no such scope.
   */
  precise<T>(build: () => T): T {
    const before = this.#isPrecise
    this.#isPrecise = true
    try {
      return build()
    } finally {
      this.#isPrecise = before
    }
  }

  /**
   * Batches of nodes that `build` adds hold what some other plan computes with a batch so many times as small. Kernels are chosen as
   * they are for that, and so add up in the same order: the entries have the bits of the other plan.
   */
  repeated<T>(times: number, build: () => T): T {
    checkArguments('repeated', { times: positive }, { times })
    const before = this.#repeats
    this.#repeats = before * times
    try {
      return build()
    } finally {
      this.#repeats = before
    }
  }

  /**
   * Names a raw value as a result. Tensors are first unpacked (`outputTensor` of src/ops).
   * @throws EngineError INVALID_GRAPH if the name is taken, or the value is no raw one of a node of this graph
   */
  output(name: string, value: Value): void {
    if (typeof name !== 'string') throw this.#nameError(name)
    if (!this.#owns(value) || value.type.kind !== 'raw') {
      throw new EngineError(
        'INVALID_GRAPH',
        `output "${name}" of graph "${this.name}" must be a raw value of it`,
      )
    }
    if (this.#outputNames.has(name)) {
      throw new EngineError('INVALID_GRAPH', `graph "${this.name}" already has an output "${name}"`)
    }
    if (this.#inputValues.has(value.id)) {
      throw new EngineError('INVALID_GRAPH', `output "${name}" of graph "${this.name}" is one of its inputs`)
    }
    this.#outputNames.add(name)
    this.#outputs.push({ name, value: value.id })
  }

  /** Several additions that belong together: if one is refused, those before it are taken back. */
  together<T>(additions: () => T): T {
    const [types, nodes, inputs, outputs] = [this.#types, this.#nodes, this.#inputs, this.#outputs]
    const lengths = [types, nodes, inputs, outputs].map((list) => list.length)
    try {
      return additions()
    } catch (error) {
      const [type = 0, node = 0, input = 0, output = 0] = lengths
      for (const { name } of [...nodes.splice(node), ...inputs.splice(input)]) this.#names.delete(name)
      for (const { name } of outputs.splice(output)) this.#outputNames.delete(name)
      for (let id = type; id < types.length; id++) this.#inputValues.delete(id)
      types.length = type
      throw error
    }
  }

  /** @throws EngineError INVALID_GRAPH if it has no output */
  build(): Graph {
    if (this.#outputs.length === 0) {
      throw new EngineError(
        'INVALID_GRAPH',
        `graph "${this.name}" has no output; name one with outputTensor()`,
      )
    }
    return {
      name: this.name,
      types: [...this.#types],
      nodes: [...this.#nodes],
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
    }
  }

  #value(type: ValueType): Value {
    this.#types.push(type)
    return { id: this.#types.length - 1, type, graph: this }
  }

  #owns(value: Value): boolean {
    return value?.graph === this && value.type !== undefined && this.#types[value.id] === value.type
  }

  #typeOf(kind: string, node: string, input: Value, index: number): ValueType {
    if (this.#owns(input)) return input.type
    const { graph } = (input ?? {}) as Partial<Value>
    const problem =
      graph instanceof GraphBuilder && graph !== this
        ? `got a value of graph "${graph.name}"; build both parts with one builder`
        : `input ${index} is no value of it but ${printed(input)}`
    throw new EngineError('INVALID_GRAPH', `${kind} "${node}" of graph "${this.name}": ${problem}`, { node })
  }

  #checkName(name: string): void {
    if (typeof name !== 'string') throw this.#nameError(name)
    if (this.#names.has(name)) {
      throw new EngineError(
        'INVALID_GRAPH',
        `graph "${this.name}" already has a node or input named "${name}"`,
      )
    }
  }

  #nameError(name: unknown): EngineError {
    return new EngineError('INVALID_GRAPH', `graph "${this.name}": a name is a string, got ${printed(name)}`)
  }
}

/**
 * `graph.add`, for the functions that ops are added by: callers in JavaScript may pass anything.
 * @throws EngineError INVALID_ARGUMENT if `graph` is no GraphBuilder; else as `GraphBuilder.add`
 */
export function addNode<Attrs>(
  graph: GraphBuilder,
  definition: OpDefinition<Attrs>,
  name: string,
  attrs: Attrs,
  inputs: readonly Value[],
): Value {
  return checkedBuilder(graph).add(definition, name, attrs, inputs)
}

/** @throws EngineError INVALID_ARGUMENT if `graph` is no GraphBuilder */
export function checkedBuilder(graph: GraphBuilder): GraphBuilder {
  if (graph instanceof GraphBuilder) return graph
  throw new EngineError('INVALID_ARGUMENT', `the first argument is a GraphBuilder, got ${printed(graph)}`)
}

/**
 * The type of a tensor of this graph, for functions that look at their inputs before they add ops.
 * @param what names the function in the error
 * @throws EngineError INVALID_GRAPH if it is none; INVALID_ARGUMENT if `graph` is no GraphBuilder
 */
export function tensorTypeOf(graph: GraphBuilder, what: string, value: Value): TensorType {
  const builder = checkedBuilder(graph)
  if (value?.graph === builder && value.type?.kind === 'tensor') return value.type
  throw new EngineError('INVALID_GRAPH', `${what}: ${printed(value)} is no tensor of graph "${builder.name}"`)
}

/** Why no buffer can hold values of a type. */
function sizeProblem(type: ValueType): string | undefined {
  if (type.kind === 'tensor') {
    const { n, h, w, segments } = type
    const sides = [n, h, w, ...segments]
    if (sides.some((side) => !Number.isSafeInteger(side) || side < 1))
      return 'has a side that is no whole number >= 1'
    if (n > MAX_BATCH) return `has ${n} batch entries, at most ${MAX_BATCH} can be`
  }
  const bytes = type.kind === 'raw' ? type.bytes : type.n * vec4sPerBatch(type) * 16
  if (type.kind === 'raw' && (!Number.isSafeInteger(bytes) || bytes < 1)) {
    return `has ${printed(bytes)} bytes, a whole number >= 1 is needed`
  }
  return bytes <= MAX_BYTES ? undefined : `needs ${bytes} bytes, at most ${MAX_BYTES} can be`
}
