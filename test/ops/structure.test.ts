import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { tensorType } from '../../src/graph/tensor.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { channelGather, channelPad, channelSlice, contiguousChannels } from '../../src/ops/tensor/channels.js'
import { batchConcat, batchSlice, concat } from '../../src/ops/tensor/concat.js'
import { crop, pad } from '../../src/ops/tensor/pad-crop.js'
import { reshape } from '../../src/ops/tensor/reshape.js'
import { invalidGraph } from './invalid.js'

function values(...shapes: readonly (readonly [number, number, number, number])[]) {
  const graph = new GraphBuilder('test')
  const inputs = shapes.map(([n, h, w, c], i) => inputTensor(graph, `x${i}`, { n, h, w, c }))
  const [a, b] = inputs
  if (a === undefined) throw new RangeError('name a shape')
  return { graph, inputs, a, b: b ?? a }
}

describe('border', () => {
  it('refuses dimensions that are no whole numbers of at least 1', () => {
    const graph = new GraphBuilder('test')
    expect(() => inputTensor(graph, 'x', { n: 1, h: 0, w: 4, c: 3 })).toThrow(invalidGraph(/"x".*h must be/))
    expect(() => inputTensor(graph, 'y', { n: 1, h: 2.5, w: 4, c: 3 })).toThrow(invalidGraph(/2\.5/))
  })

  it('refuses an output that is no tensor', () => {
    const graph = new GraphBuilder('test')
    const raw = graph.input('pixels', { kind: 'raw', bytes: 16, contents: 'u8[16]' })
    expect(() => outputTensor(graph, 'flow', raw)).toThrow(invalidGraph(/"flow".*u8\[16\] is no tensor/))
  })
})

describe('concat', () => {
  it('keeps the segments of its parts in order', () => {
    const { graph, a, b } = values([1, 4, 5, 16], [1, 4, 5, 3])
    const inner = concat(graph, 'inner', [a, b])
    expect(inner.type).toEqual(tensorType(1, 4, 5, [16, 3]))
    expect(concat(graph, 'outer', [b, inner]).type).toEqual(tensorType(1, 4, 5, [3, 16, 3]))
  })

  it('refuses parts of other sizes, and none', () => {
    const { graph, a, b } = values([1, 4, 5, 16], [1, 4, 6, 3])
    expect(() => concat(graph, 'skip', [a, b])).toThrow(
      invalidGraph(/concat "skip" \(1x4x5x16, 1x4x6x3\): parts must agree/),
    )
    expect(() => concat(graph, 'empty', [])).toThrow(invalidGraph(/input 0 is missing/))
  })
})

describe('batches', () => {
  it('adds and takes entries', () => {
    const { graph, a, b } = values([1, 4, 5, 7], [2, 4, 5, 7])
    const all = batchConcat(graph, 'all', [a, b])
    expect(all.type).toEqual(tensorType(3, 4, 5, 7))
    expect(batchSlice(graph, 'some', all, 1, 2).type).toEqual(tensorType(2, 4, 5, 7))
    expect(() => batchSlice(graph, 'more', all, 2, 2)).toThrow(invalidGraph(/entries 2\.\.3 of 3/))
  })

  it('refuses entries of other layouts', () => {
    const { graph, a, b } = values([1, 4, 5, 2], [1, 4, 5, 3])
    const [ab, ba] = [concat(graph, 'ab', [a, b]), concat(graph, 'ba', [b, a])]
    expect(() => batchConcat(graph, 'all', [ab, ba])).toThrow(invalidGraph(/must agree/))
  })
})

describe('channels', () => {
  it('gives one part', () => {
    const { graph, inputs } = values([1, 4, 5, 3], [1, 4, 5, 6])
    const both = concat(graph, 'both', inputs)
    expect(contiguousChannels(graph, 'contiguous', both).type).toEqual(tensorType(1, 4, 5, 9))
    expect(channelPad(graph, 'pad', both, 12).type).toEqual(tensorType(1, 4, 5, 12))
    expect(channelSlice(graph, 'slice', both, 2, 5).type).toEqual(tensorType(1, 4, 5, 5))
    expect(channelGather(graph, 'gather', both, [8, 8]).type).toEqual(tensorType(1, 4, 5, 2))
  })

  it('refuses channels that are not there', () => {
    const { graph, a } = values([1, 4, 5, 9])
    expect(() => channelSlice(graph, 'slice', a, 5, 5)).toThrow(invalidGraph(/channels 5\.\.9 of 9/))
    expect(() => channelPad(graph, 'pad', a, 8)).toThrow(invalidGraph(/channels must be .* >= 9, got 8/))
    expect(() => channelGather(graph, 'gather', a, [0, 9])).toThrow(invalidGraph(/no channel 9 among 9/))
    expect(() => channelGather(graph, 'none', a, [])).toThrow(invalidGraph(/at least one/))
  })
})

describe('reshape, pad and crop', () => {
  it('computes sizes', () => {
    const { graph, a } = values([1, 4, 6, 5])
    expect(reshape(graph, 'flat', a, { n: 1, h: 1, w: 1, c: 120 }).type).toEqual(tensorType(1, 1, 1, 120))
    const sides = { top: 1, right: 2, bottom: 3, left: 4 }
    expect(pad(graph, 'pad', a, { ...sides, mode: 'zero' }).type).toEqual(tensorType(1, 8, 12, 5))
    const part = { top: 1, left: 2, height: 3, width: 4 }
    expect(crop(graph, 'crop', a, part).type).toEqual(tensorType(1, 3, 4, 5))
  })

  it('refuses what does not fit', () => {
    const { graph, a } = values([1, 4, 6, 5])
    expect(() => reshape(graph, 'flat', a, { n: 1, h: 1, w: 1, c: 121 })).toThrow(
      invalidGraph(/reshape "flat" \(1x4x6x5\): 120 values do not make 1x1x1x121/),
    )
    expect(() => crop(graph, 'crop', a, { top: 2, left: 0, height: 3, width: 6 })).toThrow(
      invalidGraph(/3x6 at 2,0 is not inside/),
    )
    expect(() => pad(graph, 'pad', a, { top: -1, right: 0, bottom: 0, left: 0, mode: 'edge' })).toThrow(
      invalidGraph(/top must be/),
    )
  })
})
