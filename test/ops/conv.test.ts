import { describe, expect, it } from 'vitest'
import type { EngineError } from '../../src/errors.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { tensorType } from '../../src/graph/tensor.js'
import { type Conv2dAttrs, conv2d } from '../../src/ops/conv/conv2d.js'
import { depthwiseConv2d } from '../../src/ops/conv/depthwise-conv2d.js'
import { fullyConnected } from '../../src/ops/conv/fully-connected.js'
import { type TransposedConv2dAttrs, transposedConv2d } from '../../src/ops/conv/transposed-conv2d.js'
import { inputTensor } from '../../src/ops/tensor/border.js'

function input(h: number, w: number, c: number) {
  const graph = new GraphBuilder('test')
  return { graph, value: inputTensor(graph, 'x', { n: 1, h, w, c }) }
}

function invalid(message: RegExp) {
  return expect.objectContaining<Partial<EngineError>>({
    code: 'INVALID_GRAPH',
    message: expect.stringMatching(message) as unknown as string,
  })
}

const conv = (h: number, w: number, attrs: Partial<Conv2dAttrs>) => {
  const { graph, value } = input(h, w, 3)
  const all = { weight: 'w', outChannels: 8, kernel: 3, stride: 1, padding: 1, ...attrs }
  return conv2d(graph, 'conv1', value, all).type
}

const transposed = (h: number, w: number, attrs: Partial<TransposedConv2dAttrs>) => {
  const { graph, value } = input(h, w, 3)
  const all = { weight: 'w', outChannels: 8, kernel: 4, stride: 2, padding: 1, ...attrs }
  return transposedConv2d(graph, 'up1', value, all).type
}

describe('conv2d', () => {
  it('computes output sizes as PyTorch and TFLite do', () => {
    expect(conv(224, 224, { kernel: 7, stride: 2, padding: 3 })).toEqual(tensorType(1, 112, 112, 8))
    expect(conv(7, 7, { stride: 2 })).toEqual(tensorType(1, 4, 4, 8))
    expect(conv(15, 16, { stride: 2, padding: 'same' })).toEqual(tensorType(1, 8, 8, 8))
    expect(conv(5, 6, { kernel: [1, 2], padding: [0, 1, 0, 0] })).toEqual(tensorType(1, 5, 6, 8))
  })

  it('names node and shapes when the kernel exceeds the input', () => {
    expect(() => conv(2, 4, { kernel: 5, padding: 1 })).toThrow(
      invalid(/conv2d "conv1" \(1x2x4x3\): kernel 5x5 exceeds the padded input 4x6/),
    )
  })

  it('refuses sizes that are no whole numbers', () => {
    expect(() => conv(8, 8, { stride: 0 })).toThrow(
      invalid(/stride must be a whole number >= 1 or two whole numbers >= 1, got 0/),
    )
    expect(() => conv(8, 8, { kernel: 2.5 })).toThrow(invalid(/kernel .* got 2.5/))
    expect(() => conv(8, 8, { padding: -1 })).toThrow(invalid(/padding .* got -1/))
    expect(() => conv(8, 8, { outChannels: 0 })).toThrow(invalid(/outChannels .* got 0/))
  })
})

describe('transposedConv2d', () => {
  it('computes output sizes as PyTorch does', () => {
    expect(transposed(7, 9, {})).toEqual(tensorType(1, 14, 18, 8))
    expect(transposed(4, 4, { crop: { h: 7, w: 7 } })).toEqual(tensorType(1, 7, 7, 8))
    expect(transposed(5, 5, { kernel: 3, outputPadding: 1 })).toEqual(tensorType(1, 10, 10, 8))
  })

  it('refuses a crop larger than the output and an output padding as large as the stride', () => {
    expect(() => transposed(4, 4, { crop: { h: 9, w: 7 } })).toThrow(
      invalid(/transposedConv2d "up1" \(1x4x4x3\): crop 9x7 exceeds the output 8x8/),
    )
    expect(() => transposed(4, 4, { outputPadding: 2 })).toThrow(invalid(/outputPadding 2,2 must be smaller/))
    expect(() => transposed(1, 1, { padding: 2 })).toThrow(invalid(/leaves no output/))
  })
})

describe('depthwiseConv2d and fullyConnected', () => {
  it('keep channels, and flatten', () => {
    const { graph, value } = input(9, 9, 3)
    const depthwise = depthwiseConv2d(graph, 'd', value, {
      weight: 'w',
      kernel: 3,
      stride: 2,
      padding: 'same',
    })
    expect(depthwise.type).toEqual(tensorType(1, 5, 5, 3))
    const dense = fullyConnected(graph, 'f', depthwise, { weight: 'w', outChannels: 10 })
    expect(dense.type).toEqual(tensorType(1, 1, 1, 10))
  })

  it('name the node in errors', () => {
    const { graph, value } = input(2, 2, 3)
    expect(() =>
      depthwiseConv2d(graph, 'dw', value, { weight: 'w', kernel: 3, stride: 1, padding: 0 }),
    ).toThrow(invalid(/depthwiseConv2d "dw" \(1x2x2x3\): kernel 3x3 exceeds/))
    expect(() => fullyConnected(graph, 'fc', value, { weight: 'w', outChannels: 1.5 })).toThrow(
      invalid(/fullyConnected "fc" .* outChannels/),
    )
  })
})
