import { fullyConnected } from '../../src/ops/conv/fully-connected.js'
import { convolve } from '../reference/conv.js'
import { inputOf } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

function fullyConnectedCase(input: readonly [number, number, number, number], out: number): OpCase {
  const [n, h, w, c] = input
  const length = h * w * c
  return {
    name: `fully connected ${input.join('x')} -> ${out}`,
    op: 'fullyConnected',
    inputs: [{ n, h, w, c }],
    weights: { weight: { shape: [out, length] }, bias: { shape: [out] } },
    build: (graph, inputs) =>
      fullyConnected(graph, 'dense', nthValue(inputs, 0), {
        weight: 'weight',
        bias: 'bias',
        outChannels: out,
      }),
    reference: (inputs, weights) =>
      // Flattened in H, W, C order: the dense data as one pixel.
      convolve(
        { n, h: 1, w: 1, c: length, data: inputOf(inputs, 0).data },
        weights.weight ?? new Float64Array(),
        weights.bias,
        { outputs: out, kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0] },
      ),
  }
}

export const fullyConnectedCases: OpCase[] = [
  fullyConnectedCase([1, 1, 1, 1], 1),
  fullyConnectedCase([1, 1, 1, 64], 10),
  fullyConnectedCase([2, 3, 2, 5], 7),
  fullyConnectedCase([1, 6, 6, 32], 131),
  fullyConnectedCase([5, 1, 1, 96], 33),
  // A sum long enough for parts of it to be computed side by side.
  fullyConnectedCase([1, 1, 203, 9], 37),
]
