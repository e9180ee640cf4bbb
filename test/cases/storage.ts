import type { GraphBuilder, Value } from '../../src/graph/graph.js'
import { resize } from '../../src/ops/image/resize.js'
import { batchConcat, batchSlice, concat } from '../../src/ops/tensor/concat.js'
import { add, scale } from '../../src/ops/tensor/elementwise.js'
import { inputOf, mapTensor } from '../reference/dense.js'
import { binaryReference } from '../reference/elementwise.js'
import { bilinearReference } from '../reference/resize.js'
import { batchConcatReference, batchSliceReference, concatReference } from '../reference/structure.js'
import type { OpCase, RefTensor } from './case.js'
import { convFusionCases } from './conv-fusion.js'
import { correlationCases } from './correlation.js'
import { depthwiseCases } from './depthwise.js'
import { fullyConnectedCases } from './fully-connected.js'
import { poolCases } from './pool.js'
import { rasterCases } from './raster.js'
import { resizeCases } from './resize.js'
import { transposedCases } from './transposed.js'
import { nthValue } from './values.js'
import { warpCases } from './warp.js'

/*
 * Tensors of both element types in one plan of f16 storage. With f32 storage these are chains of ops like any others.
 */

function named(table: readonly OpCase[], name: string): OpCase {
  const found = table.find((opCase) => opCase.name.startsWith(name))
  if (found === undefined) throw new RangeError(`there is no case ${name}`)
  return found
}

/** Of convolutions every kernel, of the rest what each schedule chooses. */
const cases: OpCase[] = [
  named(convFusionCases, 'conv2d 3x3 + leaky relu'),
  named(convFusionCases, 'depthwise 3x3 + residual'),
  named(depthwiseCases, 'depthwise 3x3 s2'),
  { ...named(transposedCases, 'transposed'), variants: [{ schedule: 'software' }, { schedule: 'hardware' }] },
  named(fullyConnectedCases, 'fully connected 2x3x2x5'),
  named(fullyConnectedCases, 'fully connected 1x1x203x9'),
  named(correlationCases, 'correlation 1x5x6x4 r1, prelu'),
  named(poolCases, 'pool'),
  named(warpCases, 'warp zero 2x5'),
  named(resizeCases, 'resize bilinear 2x5x3x5 -> 10x6'),
  named(resizeCases, 'resize bilinear 2x6x10x2'),
]

/** f16 inputs, f32 results. */
const toPrecise: OpCase[] = [...cases, named(rasterCases, 'interpolate tensor small 2')].map((opCase) => ({
  ...opCase,
  name: `f16 to f32: ${opCase.name}`,
  build: (graph, inputs) => graph.precise(() => opCase.build(graph, inputs)),
  bench: false,
}))

const halved = (graph: GraphBuilder, name: string, x: Value): Value =>
  graph.precise(() => scale(graph, name, x, { scale: 0.5 }))
const halvedReference = (x: RefTensor): RefTensor => mapTensor(x, (value) => 0.5 * value)

/** f32 inputs, f16 results. */
const fromPrecise: OpCase[] = cases.map((opCase) => ({
  ...opCase,
  name: `f32 to f16: ${opCase.name}`,
  build: (graph, inputs) =>
    opCase.build(
      graph,
      inputs.map((input, i) => halved(graph, `halved ${i}`, input)),
    ),
  reference: (inputs, weights) => opCase.reference(inputs.map(halvedReference), weights),
  bench: false,
}))

const two = { n: 2, h: 5, w: 7, c: 5 }
const sum = (parts: readonly RefTensor[]): RefTensor => binaryReference(parts, (a, b) => a + b)

function resizedPart(h: number, w: number): OpCase {
  return {
    name: `concat of f16 and what is resized from f32 to ${h}x${w}`,
    op: 'concat',
    inputs: [
      { ...two, h, w },
      { ...two, h: 3, w: 4, c: 3 },
    ],
    build: (graph, inputs) => {
      const small = halved(graph, 'precise part', nthValue(inputs, 1))
      const enlarged = resize(graph, 'enlarged', small, { mode: 'bilinear', height: h, width: w })
      return concat(graph, 'joined', [nthValue(inputs, 0), enlarged])
    },
    reference: (inputs) =>
      concatReference([
        inputOf(inputs, 0),
        bilinearReference(halvedReference(inputOf(inputs, 1)), h, w, false),
      ]),
  }
}

const structures: OpCase[] = [
  {
    name: 'concat of f16, f32 and f16',
    op: 'concat',
    inputs: [two, { ...two, c: 3 }, { ...two, c: 8 }],
    build: (graph, inputs) => {
      const [a, b, c] = [nthValue(inputs, 0), nthValue(inputs, 1), nthValue(inputs, 2)]
      return concat(graph, 'joined', [a, halved(graph, 'precise part', b), c])
    },
    reference: (inputs) =>
      concatReference([inputOf(inputs, 0), halvedReference(inputOf(inputs, 1)), inputOf(inputs, 2)]),
  },
  resizedPart(6, 8),
  resizedPart(5, 7),
  {
    name: 'batchConcat of f32 and f16',
    op: 'batchConcat',
    inputs: [two, { ...two, n: 1 }],
    build: (graph, inputs) =>
      batchConcat(graph, 'joined', [halved(graph, 'precise part', nthValue(inputs, 0)), nthValue(inputs, 1)]),
    reference: (inputs) => batchConcatReference([halvedReference(inputOf(inputs, 0)), inputOf(inputs, 1)]),
  },
  {
    name: 'add f32 and an entry of an f16 concatenation',
    op: 'add',
    inputs: [two, { ...two, c: 3 }, { ...two, n: 1, c: 8 }],
    build: (graph, inputs) => {
      const joined = concat(graph, 'joined', [nthValue(inputs, 0), nthValue(inputs, 1)])
      const second = batchSlice(graph, 'second', joined, 1, 1)
      return add(graph, 'sum', halved(graph, 'precise', nthValue(inputs, 2)), second)
    },
    reference: (inputs) => {
      const joined = concatReference([inputOf(inputs, 0), inputOf(inputs, 1)])
      return sum([halvedReference(inputOf(inputs, 2)), batchSliceReference(joined, 1, 1)])
    },
  },
  {
    name: 'f16 read in both types',
    op: 'add',
    inputs: [two],
    build: (graph, inputs) => {
      const x = nthValue(inputs, 0)
      const plain = scale(graph, 'plain', x, { scale: 0.5 })
      return add(graph, 'sum', add(graph, 'precise sum', halved(graph, 'precise', x), x), plain)
    },
    reference: (inputs) => mapTensor(inputOf(inputs, 0), (value) => 2 * value),
  },
]

export const storageCases: OpCase[] = [...toPrecise, ...fromPrecise, ...structures]
