import { channelGather, channelPad, channelSlice, contiguousChannels } from '../../src/ops/tensor/channels.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import { channelRangeReference, concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const EXACT = { nmse: 0, maxError: 0 }

const contiguousCases: OpCase[] = [
  [3, 5, 1],
  [16, 3, 8],
  [4, 4],
].map((parts) => ({
  name: `contiguousChannels 2x5x3x(${parts.join('+')})`,
  op: 'contiguousChannels',
  inputs: parts.map((c) => ({ n: 2, h: 5, w: 3, c })),
  build: (graph, inputs) => contiguousChannels(graph, 'contiguous', concat(graph, 'concat', inputs)),
  reference: concatReference,
  bounds: EXACT,
}))

const sliceCases: OpCase[] = [
  { c: 9, start: 0, count: 9 },
  { c: 9, start: 4, count: 3 },
  { c: 9, start: 3, count: 5 },
  { c: 5, start: 4, count: 1 },
  { c: 12, start: 1, count: 1 },
].map(({ c, start, count }) => ({
  name: `channelSlice ${start}+${count} of 1x7x3x${c}`,
  op: 'channelSlice',
  inputs: [{ n: 1, h: 7, w: 3, c }],
  build: (graph, inputs) => channelSlice(graph, 'slice', nthValue(inputs, 0), start, count),
  reference: (inputs) => channelRangeReference(inputOf(inputs, 0), start, count),
  bounds: EXACT,
}))

const sliceOfConcat: OpCase = {
  name: 'channelSlice 2+4 of 1x3x4x(3+5)',
  op: 'channelSlice',
  inputs: [3, 5].map((c) => ({ n: 1, h: 3, w: 4, c })),
  build: (graph, inputs) => channelSlice(graph, 'slice', concat(graph, 'concat', inputs), 2, 4),
  reference: (inputs) => channelRangeReference(concatReference(inputs), 2, 4),
  bounds: EXACT,
}

const padCases: OpCase[] = [
  { n: 2, c: 5, channels: 12 },
  { n: 1, c: 1, channels: 2 },
  { n: 1, c: 24, channels: 28 },
  { n: 1, c: 6, channels: 6 },
].map(({ n, c, channels }) => ({
  name: `channelPad ${n}x5x5x${c} -> ${channels}`,
  op: 'channelPad',
  inputs: [{ n, h: 5, w: 5, c }],
  build: (graph, inputs) => channelPad(graph, 'pad', nthValue(inputs, 0), channels),
  reference: (inputs) => channelRangeReference(inputOf(inputs, 0), 0, channels),
  bounds: EXACT,
}))

const gatherOfConcat: OpCase = {
  name: 'channelGather 7,0,3,3,5,1 of 2x3x4x(3+5)',
  op: 'channelGather',
  inputs: [3, 5].map((c) => ({ n: 2, h: 3, w: 4, c })),
  build: (graph, inputs) =>
    channelGather(graph, 'gather', concat(graph, 'concat', inputs), [7, 0, 3, 3, 5, 1]),
  reference: (inputs) =>
    refTensor(2, 3, 4, 6, (n, y, x, c) =>
      elementOf(concatReference(inputs), n, y, x, [7, 0, 3, 3, 5, 1][c] ?? -1),
    ),
  bounds: EXACT,
}

export const channelsCases: OpCase[] = [
  ...contiguousCases,
  ...sliceCases,
  sliceOfConcat,
  gatherOfConcat,
  ...padCases,
]
