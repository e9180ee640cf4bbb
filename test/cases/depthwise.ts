import { depthwiseConv2d } from '../../src/ops/conv/depthwise-conv2d.js'
import type { Padding, Size } from '../../src/ops/conv/geometry.js'
import { convolve } from '../reference/conv.js'
import { inputOf } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { paddingSides, sizes } from './conv2d.js'
import { nthValue } from './values.js'

function depthwiseCase(
  input: readonly [number, number, number, number],
  kernel: Size,
  stride: Size,
  padding: Padding,
): OpCase {
  const [n, h, w, c] = input
  return {
    name: `depthwise ${sizes(kernel).join('x')} s${stride} p${padding} ${input.join('x')}`,
    op: 'depthwiseConv2d',
    inputs: [{ n, h, w, c }],
    weights: { weight: { shape: [c, 1, ...sizes(kernel)] }, bias: { shape: [c] } },
    build: (graph, inputs) =>
      depthwiseConv2d(graph, 'depthwise', nthValue(inputs, 0), {
        weight: 'weight',
        bias: 'bias',
        kernel,
        stride,
        padding,
      }),
    reference: (inputs, weights) =>
      convolve(inputOf(inputs, 0), weights.weight ?? new Float64Array(), weights.bias, {
        outputs: c,
        kernel: sizes(kernel),
        stride: sizes(stride),
        padding: paddingSides(padding, h, w, kernel, stride),
        groups: c,
      }),
  }
}

export const depthwiseCases: OpCase[] = [
  depthwiseCase([1, 16, 16, 8], 3, 1, 1),
  depthwiseCase([1, 17, 13, 5], 3, 2, 'same'),
  depthwiseCase([2, 16, 10, 3], 3, 2, 'same'),
  depthwiseCase([1, 9, 9, 1], 5, 1, 2),
  depthwiseCase([1, 12, 7, 6], 5, 2, 'same'),
  depthwiseCase([1, 1, 1, 4], 3, 1, 1),
  depthwiseCase([1, 3, 3, 20], 3, 1, 0),
  depthwiseCase([3, 5, 11, 9], [1, 3], [2, 1], [0, 1, 0, 1]),
  depthwiseCase([1, 40, 33, 16], 3, 1, 'same'),
  depthwiseCase([1, 8, 8, 32], 2, 2, 0),
]
