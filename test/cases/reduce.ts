import { relu } from '../../src/ops/tensor/activation.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { scale } from '../../src/ops/tensor/elementwise.js'
import { meanError, reduce } from '../../src/ops/tensor/reduce.js'
import { inputOf, mapTensor } from '../reference/dense.js'
import { differenceReference, reduceReference } from '../reference/reduce.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const shapes = [
  { n: 1, h: 9, w: 7, c: 3 },
  { n: 2, h: 13, w: 21, c: 5 },
  { n: 1, h: 1, w: 1, c: 1 },
]

const plainCases: OpCase[] = shapes.flatMap(({ n, h, w, c }) =>
  (['mean', 'min', 'max'] as const).map(
    (result): OpCase => ({
      name: `reduce ${result} ${n}x${h}x${w}x${c}`,
      op: 'reduce',
      inputs: [{ n, h, w, c }],
      build: (graph, inputs) => reduce(graph, 'reduce', nthValue(inputs, 0), { result }),
      reference: (inputs) => reduceReference(inputOf(inputs, 0), result, undefined),
    }),
  ),
)

/** The mask is what is positive of an input, so that about half of the pixels do not count. */
const maskedCases: OpCase[] = [
  { n: 1, h: 9, w: 7, c: 3, range: [-1, 1] as const },
  { n: 2, h: 50, w: 31, c: 2, range: [-1, 1] as const },
  { n: 1, h: 5, w: 5, c: 4, range: [-1, -0.5] as const },
].flatMap(({ n, h, w, c, range }) =>
  (['mean', 'min', 'max'] as const).map(
    (result): OpCase => ({
      name: `reduce ${result} ${n}x${h}x${w}x${c} masked by ${range}`,
      op: 'reduce',
      inputs: [
        { n, h, w, c },
        { n, h, w, c: 1, range },
      ],
      build: (graph, inputs) =>
        reduce(graph, 'reduce', nthValue(inputs, 0), { result }, relu(graph, 'mask', nthValue(inputs, 1))),
      reference: (inputs) =>
        reduceReference(
          inputOf(inputs, 0),
          result,
          mapTensor(inputOf(inputs, 1), (x) => Math.max(x, 0)),
        ),
    }),
  ),
)

const errorCases: OpCase[] = (['squared', 'absolute'] as const).flatMap((error): OpCase[] => [
  {
    name: `meanError ${error} 2x7x9x5`,
    op: 'meanError',
    inputs: [0, 1].map(() => ({ n: 2, h: 7, w: 9, c: 5 })),
    build: (graph, inputs) => meanError(graph, 'error', nthValue(inputs, 0), nthValue(inputs, 1), { error }),
    reference: (inputs) =>
      reduceReference(differenceReference(inputOf(inputs, 0), inputOf(inputs, 1), error), 'mean', undefined),
  },
  {
    name: `meanError ${error} 1x17x9x3 masked`,
    op: 'meanError',
    inputs: [3, 3, 1].map((c) => ({ n: 1, h: 17, w: 9, c })),
    build: (graph, inputs) =>
      meanError(
        graph,
        'error',
        nthValue(inputs, 0),
        nthValue(inputs, 1),
        { error },
        relu(graph, 'mask', nthValue(inputs, 2)),
      ),
    reference: (inputs) =>
      reduceReference(
        differenceReference(inputOf(inputs, 0), inputOf(inputs, 1), error),
        'mean',
        mapTensor(inputOf(inputs, 2), (x) => Math.max(x, 0)),
      ),
  },
])

const ofConcatenation: OpCase = {
  name: 'reduce mean of a concatenation 1x6x5x(3+2)',
  op: 'reduce',
  inputs: [3, 2].map((c) => ({ n: 1, h: 6, w: 5, c })),
  build: (graph, inputs) =>
    scale(graph, 'scale', reduce(graph, 'reduce', concat(graph, 'concat', inputs), { result: 'mean' }), {
      scale: 2,
    }),
  reference: (inputs) => mapTensor(reduceReference(concatReference(inputs), 'mean', undefined), (x) => 2 * x),
}

export const reduceCases: OpCase[] = [...plainCases, ...maskedCases, ...errorCases, ofConcatenation]
