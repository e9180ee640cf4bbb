import { leakyRelu, prelu, relu, sigmoid, tanh } from '../../src/ops/tensor/activation.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { add, multiply, scale } from '../../src/ops/tensor/elementwise.js'
import { inputOf, mapTensor } from '../reference/dense.js'
import { activationReferences, binaryReference, leakyReference } from '../reference/elementwise.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const shapes = [
  { n: 1, h: 1, w: 1, c: 1 },
  { n: 2, h: 5, w: 7, c: 3 },
  { n: 1, h: 13, w: 9, c: 5 },
]

const binaryCases: OpCase[] = shapes.flatMap((shape): OpCase[] => {
  const at = `${shape.n}x${shape.h}x${shape.w}x${shape.c}`
  return [
    {
      name: `add ${at}`,
      op: 'add',
      inputs: [shape, shape],
      build: (graph, inputs) => add(graph, 'add', nthValue(inputs, 0), nthValue(inputs, 1)),
      reference: (inputs) => binaryReference(inputs, (a, b) => a + b),
    },
    {
      name: `multiply ${at}`,
      op: 'multiply',
      inputs: [shape, shape],
      build: (graph, inputs) => multiply(graph, 'multiply', nthValue(inputs, 0), nthValue(inputs, 1)),
      reference: (inputs) => binaryReference(inputs, (a, b) => a * b),
    },
    {
      name: `multiply by mask ${at}`,
      op: 'multiply',
      inputs: [shape, { ...shape, c: 1 }],
      build: (graph, inputs) => multiply(graph, 'multiply', nthValue(inputs, 0), nthValue(inputs, 1)),
      reference: (inputs) => binaryReference(inputs, (a, b) => a * b),
    },
    {
      name: `scale ${at}`,
      op: 'scale',
      inputs: [shape],
      build: (graph, inputs) => scale(graph, 'scale', nthValue(inputs, 0), { scale: -2.5, offset: 0.75 }),
      reference: (inputs) => mapTensor(inputOf(inputs, 0), (x) => x * -2.5 + 0.75),
    },
  ]
})

const layouts: OpCase[] = [
  {
    name: 'add of a concatenation 1x5x4x(3+2) and a plain tensor',
    op: 'add',
    inputs: [3, 2, 5].map((c) => ({ n: 1, h: 5, w: 4, c })),
    build: (graph, inputs) =>
      add(graph, 'add', concat(graph, 'concat', inputs.slice(0, 2)), nthValue(inputs, 2)),
    reference: (inputs) =>
      binaryReference([concatReference(inputs.slice(0, 2)), inputOf(inputs, 2)], (a, b) => a + b),
  },
  {
    name: 'add of one value and itself 1x3x3x5',
    op: 'add',
    inputs: [{ n: 1, h: 3, w: 3, c: 5 }],
    build: (graph, inputs) => add(graph, 'add', nthValue(inputs, 0), nthValue(inputs, 0)),
    reference: (inputs) => mapTensor(inputOf(inputs, 0), (x) => 2 * x),
  },
  {
    name: 'multiply of one value and itself 2x7x5x6',
    op: 'multiply',
    inputs: [{ n: 2, h: 7, w: 5, c: 6 }],
    build: (graph, inputs) => multiply(graph, 'multiply', nthValue(inputs, 0), nthValue(inputs, 0)),
    reference: (inputs) => mapTensor(inputOf(inputs, 0), (x) => x * x),
  },
  {
    name: 'relu of a concatenation 2x5x4x(3+2)',
    op: 'relu',
    inputs: [3, 2].map((c) => ({ n: 2, h: 5, w: 4, c })),
    build: (graph, inputs) => relu(graph, 'relu', concat(graph, 'concat', inputs)),
    reference: (inputs) => mapTensor(concatReference(inputs), activationReferences.relu),
  },
  {
    name: 'prelu of a concatenation 2x5x4x(3+2)',
    op: 'prelu',
    inputs: [3, 2].map((c) => ({ n: 2, h: 5, w: 4, c })),
    weights: { slopes: { shape: [5] } },
    build: (graph, inputs) => prelu(graph, 'prelu', concat(graph, 'concat', inputs), 'slopes'),
    reference: (inputs, weights) =>
      leakyReference(concatReference(inputs), (c) => weights.slopes?.[c] ?? Number.NaN),
  },
]

const activationCases: OpCase[] = [
  { n: 2, h: 7, w: 3, c: 5, range: [-3, 3] as const },
  { n: 1, h: 5, w: 5, c: 1, range: [-300, 300] as const },
].flatMap((input): OpCase[] => {
  const at = `${input.n}x${input.h}x${input.w}x${input.c} within ${input.range[1]}`
  return [
    {
      name: `relu ${at}`,
      op: 'relu',
      inputs: [input],
      build: (graph, inputs) => relu(graph, 'relu', nthValue(inputs, 0)),
      reference: (inputs) => mapTensor(inputOf(inputs, 0), activationReferences.relu),
    },
    {
      name: `leakyRelu ${at}`,
      op: 'leakyRelu',
      inputs: [input],
      build: (graph, inputs) => leakyRelu(graph, 'leakyRelu', nthValue(inputs, 0), 0.1),
      reference: (inputs) => leakyReference(inputOf(inputs, 0), () => 0.1),
    },
    {
      name: `prelu ${at}`,
      op: 'prelu',
      inputs: [input],
      weights: { slopes: { shape: [input.c], range: [-1, 2] } },
      build: (graph, inputs) => prelu(graph, 'prelu', nthValue(inputs, 0), 'slopes'),
      reference: (inputs, weights) =>
        leakyReference(inputOf(inputs, 0), (c) => weights.slopes?.[c] ?? Number.NaN),
    },
    {
      name: `sigmoid ${at}`,
      op: 'sigmoid',
      inputs: [input],
      build: (graph, inputs) => sigmoid(graph, 'sigmoid', nthValue(inputs, 0)),
      reference: (inputs) => mapTensor(inputOf(inputs, 0), activationReferences.sigmoid),
    },
    {
      name: `tanh ${at}`,
      op: 'tanh',
      inputs: [input],
      build: (graph, inputs) => tanh(graph, 'tanh', nthValue(inputs, 0)),
      reference: (inputs) => mapTensor(inputOf(inputs, 0), activationReferences.tanh),
    },
  ]
})

export const elementwiseCases: OpCase[] = [...binaryCases, ...layouts, ...activationCases]
