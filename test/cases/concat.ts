import { batchConcat, batchSlice, concat, concatPart } from '../../src/ops/tensor/concat.js'
import { inputOf } from '../reference/dense.js'
import { batchConcatReference, batchSliceReference, concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const EXACT = { nmse: 0, maxError: 0 }

const channelCases: OpCase[] = [
  { n: 1, h: 5, w: 3, parts: [4, 8] },
  { n: 1, h: 7, w: 5, parts: [3, 5, 1] },
  { n: 2, h: 3, w: 9, parts: [16, 3] },
  { n: 1, h: 1, w: 1, parts: [1, 1] },
  { n: 1, h: 6, w: 6, parts: [7] },
].map(({ n, h, w, parts }) => ({
  name: `concat ${n}x${h}x${w}x(${parts.join('+')})`,
  op: 'concat',
  inputs: parts.map((c) => ({ n, h, w, c })),
  build: (graph, inputs) => concat(graph, 'concat', inputs),
  reference: concatReference,
  bounds: EXACT,
}))

const nested: OpCase = {
  name: 'concat of concats 1x4x5x((3+2)+1)',
  op: 'concat',
  inputs: [3, 2, 1].map((c) => ({ n: 1, h: 4, w: 5, c })),
  build: (graph, inputs) =>
    concat(graph, 'outer', [concat(graph, 'inner', inputs.slice(0, 2)), nthValue(inputs, 2)]),
  reference: concatReference,
  bounds: EXACT,
}

const twice: OpCase = {
  name: 'concat of one value with itself 1x3x3x(5+5)',
  op: 'concat',
  inputs: [{ n: 1, h: 3, w: 3, c: 5 }],
  build: (graph, inputs) => concat(graph, 'concat', [nthValue(inputs, 0), nthValue(inputs, 0)]),
  reference: (inputs) => concatReference([inputOf(inputs, 0), inputOf(inputs, 0)]),
  bounds: EXACT,
}

const partCases: OpCase[] = [
  { n: 1, h: 5, w: 3, parts: [4, 8], part: 1 },
  { n: 2, h: 7, w: 5, parts: [3, 5, 1], part: 1 },
  { n: 3, h: 1, w: 9, parts: [3, 3], part: 0 },
].map(({ n, h, w, parts, part }) => ({
  name: `concatPart ${part} of ${n}x${h}x${w}x(${parts.join('+')})`,
  op: 'concatPart',
  inputs: parts.map((c) => ({ n, h, w, c })),
  build: (graph, inputs) => concatPart(graph, 'part', concat(graph, 'concat', inputs), part),
  reference: (inputs) => inputOf(inputs, part),
  bounds: EXACT,
}))

const batchCases: OpCase[] = [
  {
    name: 'batchConcat 1+2 of 5x3x6',
    op: 'batchConcat',
    inputs: [1, 2].map((n) => ({ n, h: 5, w: 3, c: 6 })),
    build: (graph, inputs) => batchConcat(graph, 'batchConcat', inputs),
    reference: batchConcatReference,
    bounds: EXACT,
  },
  ...[
    { start: 0, count: 1 },
    { start: 1, count: 2 },
    { start: 3, count: 1 },
  ].map(
    ({ start, count }): OpCase => ({
      name: `batchSlice ${start}+${count} of 4x3x7x5`,
      op: 'batchSlice',
      inputs: [{ n: 4, h: 3, w: 7, c: 5 }],
      build: (graph, inputs) => batchSlice(graph, 'batchSlice', nthValue(inputs, 0), start, count),
      reference: (inputs) => batchSliceReference(inputOf(inputs, 0), start, count),
      bounds: EXACT,
    }),
  ),
  {
    name: 'batchSlice of a concat 2x3x3x(5+3)',
    op: 'batchSlice',
    inputs: [5, 3].map((c) => ({ n: 2, h: 3, w: 3, c })),
    build: (graph, inputs) => batchSlice(graph, 'slice', concat(graph, 'concat', inputs), 1, 1),
    reference: (inputs) => batchSliceReference(concatReference(inputs), 1, 1),
    bounds: EXACT,
  },
]

export const concatCases: OpCase[] = [...partCases, ...channelCases, nested, twice, ...batchCases]
