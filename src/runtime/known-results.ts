import { EngineError } from '../errors.js'
import { fromBase64 } from '../geometry/base64.js'
import { type Graph, GraphBuilder, type Value } from '../graph/graph.js'
import type { WeightSource } from '../graph/op.js'
import { OP_DEFINITIONS } from '../ops/definitions.js'
import { selfTestResults } from '../platform/index.js'
import { type SampleBounds, type Samples, sampleIndices } from './samples.js'
import { randomArray, seededRandom } from './seeded-random.js'

/** Where results of ops stand that self-tests compare with, below kernels/; tools/make-self-test.ts writes it. */
export const KNOWN_RESULTS_FILE = 'self-test.json'

/** What the file holds of a small graph. Values are numbered: the inputs, then the result of each node. */
export interface StoredResult {
  /** Also the seed of its inputs and weights, which are drawn one after another. */
  readonly name: string
  readonly inputs: readonly StoredInput[]
  readonly weights: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly range: Range
  }[]
  readonly nodes: readonly {
    readonly kind: string
    readonly name: string
    /** Typed arrays stand as `{ u32 }` or `{ f32 }`, base64. */
    readonly attrs: unknown
    readonly inputs: readonly number[]
    readonly precise?: true
  }[]
  /** The value that is compared: raw floats, or where `pixels` bytes. */
  readonly output: number
  readonly pixels?: true
  readonly bounds: SampleBounds
  /** Values of the result and, base64 of float32, the float64 reference at `sampleIndices` of it. */
  readonly count: number
  readonly samples: string
}

type Range = readonly [number, number]

interface StoredInput {
  readonly name: string
  readonly bytes: number
  readonly contents: string
  readonly fill: { readonly range: Range } | { readonly floats: readonly number[] } | 'bytes'
}

/** A small graph with what it must give. */
export interface KnownResult {
  readonly name: string
  /** With the one output `KNOWN_OUTPUT`. */
  readonly graph: Graph
  inputs(): Map<string, Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>
  weights(): WeightSource
  readonly isPixels: boolean
  readonly bounds: SampleBounds
  readonly truth: Samples
}

export const KNOWN_OUTPUT = 'result'
/** Values of each result that are stored. */
export const STORED_SAMPLES = 64

/** All that is known. @throws EngineError INVALID_SHADER if the file is missing or damaged */
export async function knownResults(): Promise<KnownResult[]> {
  const text = await selfTestResults()
  try {
    return (JSON.parse(text) as StoredResult[]).map(knownResult)
  } catch (cause) {
    throw new EngineError(
      'INVALID_SHADER',
      `kernels/${KNOWN_RESULTS_FILE} is damaged; install the package again`,
      { file: KNOWN_RESULTS_FILE },
      { cause },
    )
  }
}

export function knownResult(stored: StoredResult): KnownResult {
  const { name, count, bounds, pixels } = stored
  const values = new Float32Array(bytesOf(stored.samples).buffer)
  const drawn = () => drawnData(stored)
  return {
    name,
    graph: graphOf(stored),
    inputs: () => drawn().inputs,
    weights: () => {
      const { weights } = drawn()
      return { tensor: (tensor) => Float32Array.from(weights.get(tensor) ?? []) }
    },
    isPixels: pixels === true,
    bounds,
    truth: { indices: sampleIndices(count, STORED_SAMPLES), values: Float64Array.from(values) },
  }
}

/** Inputs and weights of a stored result. */
export function drawnData(stored: Pick<StoredResult, 'name' | 'inputs' | 'weights'>): {
  readonly inputs: Map<string, Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>
  readonly weights: Map<string, Float64Array>
} {
  const random = seededRandom(stored.name)
  const fill = ({ bytes, fill: how }: StoredInput) => {
    if (how === 'bytes') return Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256))
    if ('range' in how) return Float32Array.from(randomArray(random, bytes / 4, how.range))
    return Float32Array.from(how.floats)
  }
  return {
    inputs: new Map(stored.inputs.map((input) => [input.name, fill(input)])),
    weights: new Map(
      stored.weights.map(({ name, shape, range }) => [
        name,
        randomArray(
          random,
          shape.reduce((product, side) => product * side, 1),
          range,
        ),
      ]),
    ),
  }
}

function graphOf({ name, inputs, nodes, output }: StoredResult): Graph {
  const graph = new GraphBuilder(name)
  const values: Value[] = inputs.map(({ name: input, bytes, contents }) =>
    graph.input(input, { kind: 'raw', bytes, contents }),
  )
  for (const node of nodes) {
    const definition = OP_DEFINITIONS.get(node.kind)
    if (definition === undefined) throw new TypeError(`there is no op ${node.kind}`)
    const operands = node.inputs.map((id) => values[id] as Value)
    const add = () => graph.add(definition, node.name, decoded(node.attrs), operands)
    values.push(node.precise === true ? graph.precise(add) : add())
  }
  graph.output(KNOWN_OUTPUT, values[output] as Value)
  return graph.build()
}

function decoded(attrs: unknown): unknown {
  // Attributes hold no null: it stands for what a list leaves out.
  if (attrs === null) return undefined
  if (typeof attrs !== 'object') return attrs
  if (Array.isArray(attrs)) return attrs.map(decoded)
  const { u32, f32 } = attrs as { u32?: string; f32?: string }
  if (u32 !== undefined) return new Uint32Array(bytesOf(u32).buffer)
  if (f32 !== undefined) return new Float32Array(bytesOf(f32).buffer)
  return Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, decoded(value)]))
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64(text)
  if (bytes === null) throw new TypeError('no base64')
  return bytes
}
