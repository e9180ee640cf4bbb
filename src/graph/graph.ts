import { EngineError } from '../errors.js'
import type { Epilogue, OpDefinition } from './op.js'
import type { ValueType } from './tensor.js'

export type ValueId = number

export interface GraphNode {
  readonly name: string
  // The graph stores nodes of all ops side by side; each definition is only ever handed its own attrs.
  readonly definition: OpDefinition<unknown>
  readonly attrs: unknown
  readonly inputs: readonly ValueId[]
  readonly output: ValueId
  /** Set by fusion; the residual, if any, is then the last of `inputs`. */
  readonly epilogue?: Epilogue
}

export interface GraphInput {
  readonly name: string
  readonly value: ValueId
}

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

/**
 * Builds a graph. Ops add themselves through functions of their own (`conv2d(graph, name, input, attrs)` in
 * src/ops): the builder knows none of them.
 */
export class GraphBuilder {
  readonly #types: ValueType[] = []
  readonly #nodes: GraphNode[] = []
  readonly #inputs: GraphInput[] = []
  readonly #outputs: GraphOutput[] = []
  readonly #names = new Set<string>()

  constructor(readonly name: string) {}

  /** Declares a raw input buffer. Network inputs are usually made by `inputTensor` / `inputImage` of src/ops. */
  input(name: string, type: ValueType): Value {
    this.#claimName(name)
    if (type.kind !== 'raw') {
      throw new EngineError('INVALID_GRAPH', `input "${name}" of graph "${this.name}" must be a raw buffer`)
    }
    const value = this.#value(type)
    this.#inputs.push({ name, value: value.id })
    return value
  }

  /**
   * Adds a node.
   * @throws EngineError INVALID_GRAPH if the inputs do not fit the op (the message names node and shapes), the
   * name is taken, or an input belongs to another graph
   */
  add<Attrs>(definition: OpDefinition<Attrs>, name: string, attrs: Attrs, inputs: readonly Value[]): Value {
    this.#claimName(name)
    for (const input of inputs) {
      if (input.graph !== this) {
        throw new EngineError(
          'INVALID_GRAPH',
          `node "${name}" of graph "${this.name}" got a value of graph "${input.graph.name}"; build both parts with one builder`,
        )
      }
    }
    const type = definition.infer({ node: name, attrs, inputs: inputs.map((input) => input.type) })
    const output = this.#value(type)
    this.#nodes.push({
      name,
      definition: definition as OpDefinition<unknown>,
      attrs,
      inputs: inputs.map((input) => input.id),
      output: output.id,
    })
    return output
  }

  /** Names a raw value as a result. Tensors are first unpacked (`outputTensor` of src/ops). */
  output(name: string, value: Value): void {
    if (value.graph !== this || value.type.kind !== 'raw') {
      throw new EngineError(
        'INVALID_GRAPH',
        `output "${name}" of graph "${this.name}" must be a raw value of it`,
      )
    }
    if (this.#outputs.some((output) => output.name === name)) {
      throw new EngineError('INVALID_GRAPH', `graph "${this.name}" already has an output "${name}"`)
    }
    if (this.#inputs.some((input) => input.value === value.id)) {
      throw new EngineError('INVALID_GRAPH', `output "${name}" of graph "${this.name}" is one of its inputs`)
    }
    this.#outputs.push({ name, value: value.id })
  }

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

  #claimName(name: string): void {
    if (this.#names.has(name)) {
      throw new EngineError(
        'INVALID_GRAPH',
        `graph "${this.name}" already has a node or input named "${name}"`,
      )
    }
    this.#names.add(name)
  }
}
