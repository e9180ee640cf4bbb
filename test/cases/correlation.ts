import { type CorrelationAttrs, correlation } from '../../src/ops/flow/correlation.js'
import { leakyRelu, prelu } from '../../src/ops/tensor/activation.js'
import { batchSlice, concat } from '../../src/ops/tensor/concat.js'
import { correlationReference } from '../reference/correlation.js'
import { inputOf } from '../reference/dense.js'
import { leakyReference } from '../reference/elementwise.js'
import { batchSliceReference, concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const cosine = (radius: number, stride = 1): CorrelationAttrs => ({ radius, stride, normalisation: 'cosine' })
const plain = (radius: number, stride = 1): CorrelationAttrs => ({ radius, stride, normalisation: 'none' })

interface CorrelationCase {
  readonly at: readonly [number, number, number, number]
  readonly attrs: CorrelationAttrs
  readonly variants?: NonNullable<OpCase['variants']>
}

const table: CorrelationCase[] = [
  { at: [1, 1, 1, 1], attrs: cosine(1) },
  { at: [1, 1, 1, 4], attrs: plain(0) },
  {
    at: [1, 5, 7, 3],
    attrs: plain(2),
    variants: [{ schedule: 'software' }, { schedule: 'software', variant: '2px' }],
  },
  { at: [2, 6, 5, 5], attrs: cosine(2) },
  { at: [1, 9, 11, 16], attrs: plain(3, 2) },
  { at: [1, 7, 9, 8], attrs: cosine(2, 3) },
  { at: [1, 3, 6, 6], attrs: cosine(6) },
  // DFFNet's fine matching.
  { at: [1, 5, 8, 8], attrs: cosine(2) },
  { at: [1, 6, 4, 12], attrs: cosine(3) },
  { at: [1, 4, 9, 4], attrs: cosine(7) },
]

const tableCases = table.map(({ at: [n, h, w, c], attrs, variants }): OpCase => {
  const { radius, stride, normalisation } = attrs
  return {
    name: `correlation ${normalisation} r${radius} s${stride} ${n}x${h}x${w}x${c}`,
    op: 'correlation',
    inputs: [0, 1].map(() => ({ n, h, w, c })),
    build: (graph, inputs) =>
      correlation(graph, 'correlation', nthValue(inputs, 0), nthValue(inputs, 1), attrs),
    reference: (inputs) => correlationReference(inputOf(inputs, 0), inputOf(inputs, 1), attrs),
    ...(variants && { variants }),
  }
})

/** The cost volume of DFFNet: the halves of one batch, LeakyReLU behind it. */
function ofDffnet(pairs: number, [h, w, c]: readonly [number, number, number], bench = false): OpCase {
  return {
    name: `correlation of DFFNet ${pairs > 1 ? `${pairs}x` : ''}${h}x${w}x${c} r6, leaky`,
    op: 'correlation',
    inputs: [{ n: 2 * pairs, h, w, c }],
    build: (graph, inputs) => {
      const features = nthValue(inputs, 0)
      const first = batchSlice(graph, 'first', features, 0, pairs)
      const second = batchSlice(graph, 'second', features, pairs, pairs)
      return leakyRelu(graph, 'leaky', correlation(graph, 'correlation', first, second, cosine(6)), 0.1)
    },
    reference: (inputs) => {
      const half = (start: number) => batchSliceReference(inputOf(inputs, 0), start, pairs)
      return leakyReference(correlationReference(half(0), half(pairs), cosine(6)), () => 0.1)
    },
    ...(bench && { bench }),
  }
}

const withPrelu: OpCase = {
  name: 'correlation 1x5x6x4 r1, prelu',
  op: 'correlation',
  inputs: [0, 1].map(() => ({ n: 1, h: 5, w: 6, c: 4 })),
  weights: { slopes: { shape: [9], range: [-1, 1] } },
  build: (graph, inputs) =>
    prelu(
      graph,
      'prelu',
      correlation(graph, 'correlation', nthValue(inputs, 0), nthValue(inputs, 1), plain(1)),
      'slopes',
    ),
  reference: (inputs, weights) =>
    leakyReference(
      correlationReference(inputOf(inputs, 0), inputOf(inputs, 1), plain(1)),
      (c) => weights.slopes?.[c] ?? Number.NaN,
    ),
}

const ofConcatenations: OpCase = {
  name: 'correlation of a concatenation 1x5x4x(3+2) and a plain tensor',
  op: 'correlation',
  inputs: [3, 2, 5].map((c) => ({ n: 1, h: 5, w: 4, c })),
  build: (graph, inputs) =>
    correlation(
      graph,
      'correlation',
      concat(graph, 'concat', inputs.slice(0, 2)),
      nthValue(inputs, 2),
      cosine(1),
    ),
  reference: (inputs) =>
    correlationReference(concatReference(inputs.slice(0, 2)), inputOf(inputs, 2), cosine(1)),
}

export const correlationCases: OpCase[] = [
  ...tableCases,
  ofDffnet(1, [28, 28, 96], true),
  ofDffnet(3, [7, 9, 8]),
  withPrelu,
  ofConcatenations,
]
