import { toBase64 } from '../../src/geometry/base64.js'
import { type Graph, GraphBuilder } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import type { RawType } from '../../src/graph/tensor.js'
import {
  frameType,
  IMAGE_TRANSFORM_TYPE,
  imageFrames,
  imageInput,
  packImageTransform,
} from '../../src/ops/image/image-input.js'
import { imageOutput } from '../../src/ops/image/image-output.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import type { AdapterCaps } from '../../src/platform/caps.js'
import {
  drawnData,
  KNOWN_OUTPUT,
  knownResult,
  STORED_SAMPLES,
  type StoredResult,
} from '../../src/runtime/known-results.js'
import { otherKernels, plansThatRun } from '../../src/runtime/op-test.js'
import { sampleIndices } from '../../src/runtime/samples.js'
import type { OpCase } from '../cases/case.js'
import { allCases } from '../cases/index.js'
import { fakeCaps } from '../graph/caps.js'
import { type RefImage, sampleReference } from '../reference/image.js'
import { CASE_BOUNDS, caseData, caseGraph, weightRange } from './run-case.js'

/** What the package's self-test compares with, from the case table and its references: see tools/make-self-test.ts. */

/** Adapters whose plans the results must serve. */
export const SELF_TEST_PLANS: readonly { schedule: Schedule; storage: 'f32' | 'f16'; caps: AdapterCaps }[] = (
  ['software', 'hardware'] as const
).flatMap((schedule) =>
  (['f32', 'f16'] as const).map((storage) => ({
    schedule,
    storage,
    caps: fakeCaps({ f16: true, software: schedule === 'software' }),
  })),
)

/** Smaller results do not show much, if there are larger ones. */
const LEAST_VALUES = 300

interface Candidate {
  readonly name: string
  readonly graph: Graph
  readonly count: number
  make(): StoredResult
}

/** Results that run every kernel of the graphs' plans that is not tested as a layer. */
export function resultsFor(graphs: readonly Graph[]): StoredResult[] {
  const everyday = allCases.filter(({ inputs, bench }) => {
    const isFar = inputs.some(({ range = [-1, 1] }) => range[1] < 0 || range[1] - range[0] > 1000)
    return bench !== true && !isFar
  })
  const rest = allCases.filter((opCase) => !everyday.includes(opCase))
  let candidates = [...[...everyday, ...rest].map(ofCase), ...imageResults().map(ofResult)].sort(byRank)
  for (;;) {
    const taken = takenOf(candidates, graphs)
    const made = new Map([...taken].map((candidate) => [candidate, candidate.make()]))
    const dull = new Set([...made].filter(([, result]) => !isTelling(result)).map(([candidate]) => candidate))
    if (dull.size === 0) return candidates.flatMap((candidate) => made.get(candidate) ?? [])
    candidates = candidates.filter((candidate) => !dull.has(candidate))
  }
}

function takenOf(candidates: readonly Candidate[], graphs: readonly Graph[]): ReadonlySet<Candidate> {
  const taken = new Set<Candidate>()
  for (const { caps, ...options } of SELF_TEST_PLANS) {
    const wanted = new Set(graphs.flatMap((graph) => [...otherKernels(graph, caps, options).keys()]))
    for (const plan of plansThatRun(wanted, candidates, caps, options).values()) taken.add(plan.known)
  }
  return taken
}

/** A kernel that does nothing must not pass. */
export function isTelling(result: StoredResult): boolean {
  const values = [...knownResult(result).truth.values]
  return values.filter((value) => value !== 0).length >= values.length / 4 && new Set(values).size > 1
}

/** The tables begin with what is common; where results are small, the largest shows most. */
const byRank = (a: Candidate, b: Candidate): number => {
  const [smallA, smallB] = [a, b].map(({ count }) => count < LEAST_VALUES)
  return Number(smallA) - Number(smallB) || (smallA ? b.count - a.count : 0)
}

function rawType(graph: Graph, id: number): RawType {
  const type = graph.types[id]
  if (type?.kind !== 'raw') throw new TypeError(`value ${id} of "${graph.name}" is no buffer`)
  return type
}

const ofResult = (result: StoredResult): Candidate => {
  return { name: result.name, graph: knownResult(result).graph, count: result.count, make: () => result }
}

function ofCase(opCase: OpCase): Candidate {
  const { built } = caseGraph(opCase)
  const count = rawType(built, built.outputs[0]?.value as number).bytes / 4
  return { name: opCase.name, graph: built, count, make: () => resultOfCase(opCase, built) }
}

function resultOfCase(opCase: OpCase, graph: Graph): StoredResult {
  const { inputs, weights } = caseData(opCase)
  return {
    name: opCase.name,
    ...stored(graph),
    inputs: graph.inputs.map(({ name, value }, i) => {
      const { bytes, contents } = rawType(graph, value)
      return { name, bytes, contents, fill: { range: opCase.inputs[i]?.range ?? [-1, 1] } }
    }),
    weights: Object.entries(opCase.weights ?? {}).map(([name, { shape, range }]) => {
      return { name, shape, range: range ?? weightRange(shape) }
    }),
    bounds: opCase.bounds ?? CASE_BOUNDS,
    ...sampled(opCase.reference(inputs, weights).data),
  }
}

function sampled(expected: ArrayLike<number>): Pick<StoredResult, 'count' | 'samples'> {
  const values = sampleIndices(expected.length, STORED_SAMPLES).map((i) => expected[i] as number)
  return { count: expected.length, samples: toBase64(new Uint8Array(Float32Array.from(values).buffer)) }
}

/** A graph as the file holds it: values numbered anew, inputs first. */
function stored(graph: Graph): Pick<StoredResult, 'nodes' | 'output'> {
  const numbers = new Map(
    [...graph.inputs.map(({ value }) => value), ...graph.nodes.map(({ output }) => output)].map((id, i) => [
      id,
      i,
    ]),
  )
  const numberOf = (id: number): number => numbers.get(id) as number
  return {
    nodes: graph.nodes.map(({ definition, name, attrs, inputs, precise }) => ({
      kind: definition.kind,
      name,
      attrs: encoded(attrs),
      inputs: inputs.map(numberOf),
      ...(precise && { precise }),
    })),
    output: numberOf(graph.outputs[0]?.value as number),
  }
}

function encoded(attrs: unknown): unknown {
  const base64 = (array: Uint32Array | Float32Array) =>
    toBase64(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  if (attrs instanceof Uint32Array) return { u32: base64(attrs) }
  if (attrs instanceof Float32Array) return { f32: base64(attrs) }
  if (typeof attrs !== 'object' || attrs === null) return attrs
  if (Array.isArray(attrs)) return attrs.map(encoded)
  return Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, encoded(value)]))
}

const [WIDTH, HEIGHT] = [19, 13]
const SIZE = { width: 16, height: 12 }
const NORMALISED = { scale: [2, 3, 0.5], offset: [-0.9, 0.25, 4] } as const
/** Interpolated, with a border in sight. */
const TRANSFORM = packImageTransform({ width: WIDTH, height: HEIGHT, matrix: [1.1, -0.3, 2, 0.25, 0.9, -1] })

interface Placement {
  readonly border: 'black' | 'edge'
  readonly mirrored: boolean
}

/** Images come as bytes, which the case table has not. */
function imageResults(): StoredResult[] {
  const named = (count: number) => (count === 1 ? 'one image' : `${count} images`)
  const placed = (name: string, options: Placement, count = 1): StoredResult => {
    const graph = new GraphBuilder(`${named(count)}, ${name}`)
    const sources = Array.from({ length: count }, (_, i) => ({
      pixels: graph.input(`pixels${i}`, frameType(WIDTH, HEIGHT)),
      transform: graph.input(`transform${i}`, IMAGE_TRANSFORM_TYPE),
    }))
    outputTensor(
      graph,
      KNOWN_OUTPUT,
      imageInput(graph, 'images', sources, { ...SIZE, ...NORMALISED, ...options }),
    )
    return imageResult(graph.build(), options)
  }
  const registered = (count: number): StoredResult => {
    const graph = new GraphBuilder(`${named(count)}, registered`)
    const frames = Array.from({ length: count }, (_, i) =>
      graph.input(`pixels${i}`, frameType(WIDTH, HEIGHT)),
    )
    const size = { width: WIDTH, height: HEIGHT }
    outputTensor(graph, KNOWN_OUTPUT, imageFrames(graph, 'images', frames, { ...size, ...NORMALISED }))
    return imageResult(graph.build())
  }
  return [
    placed('black border', { border: 'black', mirrored: false }),
    placed('edge border', { border: 'edge', mirrored: false }),
    // The hardware schedule takes two images at once.
    ...[1, 2].map((count) => placed('mirrored too', { border: 'black', mirrored: true }, count)),
    ...[1, 2].map(registered),
    pixelResult(),
  ]
}

function imageResult(graph: Graph, placement?: Placement): StoredResult {
  const isPixels = (input: string) => input.startsWith('pixels')
  const inputs: StoredResult['inputs'] = graph.inputs.map(({ name: input, value }) => {
    const { bytes, contents } = rawType(graph, value)
    return { name: input, bytes, contents, fill: isPixels(input) ? 'bytes' : { floats: [...TRANSFORM] } }
  })
  const entry = { name: graph.name, inputs, weights: [], bounds: CASE_BOUNDS }
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0] = TRANSFORM
  const images = [...drawnData(entry).inputs].flatMap(([name, bytes]): RefImage[] => {
    if (!isPixels(name) || !(bytes instanceof Uint8Array)) return []
    const matrix = placement === undefined ? [1, 0, 0, 0, 1, 0] : [a, b, c, d, e, f]
    const size = { width: WIDTH, height: HEIGHT, bytesPerPixel: 4, rowStride: 4 * WIDTH } as const
    return [{ ...size, bytes, matrix, taps: [1, 1], nearest: false }]
  })
  const mirroredMatrix = [-a, b, c + a * SIZE.width, -d, e, f + d * SIZE.width]
  const mirrored = images.map((image) => ({ ...image, matrix: mirroredMatrix }))
  const views = placement?.mirrored === true ? [...images, ...mirrored] : images
  const { width, height } = placement === undefined ? { width: WIDTH, height: HEIGHT } : SIZE
  const options = { border: placement?.border ?? 'black', ...NORMALISED }
  return { ...entry, ...stored(graph), ...sampled(sampleReference(views, width, height, options).data) }
}

/** Colours in 0..1 to bytes. */
function pixelResult(): StoredResult {
  const name = 'pixels of an image'
  const graph = new GraphBuilder(name)
  const colours = inputTensor(graph, 'colours', { n: 1, h: HEIGHT, w: WIDTH, c: 3 })
  graph.output(KNOWN_OUTPUT, imageOutput(graph, 'pixels', colours))
  const built = graph.build()
  const inputs: StoredResult['inputs'] = [
    {
      name: 'colours',
      bytes: HEIGHT * WIDTH * 12,
      contents: 'f32[1,13,19,3]',
      fill: { range: [-0.1, 1.1] },
    },
  ]
  // Half a step where a value lies between two.
  const entry = { name, inputs, weights: [], bounds: { nmse: 1e-4, maxError: 1.01 / 255 } }
  const values = drawnData(entry).inputs.get('colours') as Float32Array
  const bytes = Float64Array.from({ length: HEIGHT * WIDTH * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : Math.round(255 * Math.min(1, Math.max(0, values[3 * (i >> 2) + (i % 4)] as number))),
  )
  return { ...entry, ...stored(built), pixels: true, ...sampled(bytes) }
}
