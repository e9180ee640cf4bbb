import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { tensorType } from '../../src/graph/tensor.js'
import { forwardBackwardConsistency } from '../../src/ops/flow/consistency.js'
import { correlation } from '../../src/ops/flow/correlation.js'
import { warp, warpValidity } from '../../src/ops/flow/warp.js'
import { resize } from '../../src/ops/image/resize.js'
import { regionCrop, regionPoints, regionTransform } from '../../src/ops/mesh/landmark-attention.js'
import { leakyRelu, prelu } from '../../src/ops/tensor/activation.js'
import { inputTensor } from '../../src/ops/tensor/border.js'
import { add, multiply, scale } from '../../src/ops/tensor/elementwise.js'
import { poolAvg, poolMax } from '../../src/ops/tensor/pool.js'
import { meanError, reduce } from '../../src/ops/tensor/reduce.js'
import { invalidGraph } from './invalid.js'

function values(...shapes: readonly (readonly [number, number, number, number])[]) {
  const graph = new GraphBuilder('test')
  const inputs = shapes.map(([n, h, w, c], i) => inputTensor(graph, `x${i}`, { n, h, w, c }))
  const [a, b] = inputs
  if (a === undefined) throw new RangeError('name a shape')
  return { graph, a, b: b ?? a }
}

describe('element-wise ops', () => {
  it('take tensors of one shape, products also a mask', () => {
    const { graph, a, b } = values([1, 4, 5, 6], [1, 4, 5, 1])
    expect(multiply(graph, 'masked', a, b).type).toEqual(tensorType(1, 4, 5, 6))
    expect(() => add(graph, 'sum', a, b)).toThrow(
      invalidGraph(/add "sum" \(1x4x5x6, 1x4x5x1\): needs two tensors of one shape$/),
    )
    expect(() => multiply(graph, 'product', b, a)).toThrow(invalidGraph(/one channel/))
  })

  it('refuse constants that are not finite and slopes without a name', () => {
    const { graph, a } = values([1, 4, 5, 6])
    expect(() => scale(graph, 'scale', a, { scale: Number.NaN })).toThrow(invalidGraph(/finite/))
    expect(() => leakyRelu(graph, 'leaky', a, Number.POSITIVE_INFINITY)).toThrow(
      invalidGraph(/slope must be finite, got Inf/),
    )
    expect(() => prelu(graph, 'prelu', a, '')).toThrow(
      invalidGraph(/slopes must be a name that is not empty/),
    )
  })
})

describe('resize and pooling', () => {
  it('compute sizes', () => {
    const { graph, a } = values([2, 7, 9, 5])
    const size = { height: 14, width: 3 }
    expect(resize(graph, 'resize', a, { ...size, mode: 'nearest' }).type).toEqual(tensorType(2, 14, 3, 5))
    const half = { kernel: 2, stride: 2 }
    expect(poolMax(graph, 'same', a, { ...half, padding: 'same' }).type).toEqual(tensorType(2, 4, 5, 5))
    expect(poolAvg(graph, 'valid', a, { ...half, padding: 0 }).type).toEqual(tensorType(2, 3, 4, 5))
  })

  it('refuse what has no meaning', () => {
    const { graph, a } = values([1, 7, 9, 5])
    expect(() => resize(graph, 'none', a, { height: 0, width: 3, mode: 'bilinear' })).toThrow(
      invalidGraph(/height must be/),
    )
    const corners = { height: 3, width: 3, mode: 'nearest', alignCorners: true } as const
    expect(() => resize(graph, 'corners', a, corners)).toThrow(invalidGraph(/alignCorners/))
    expect(() => poolAvg(graph, 'padding', a, { kernel: 2, stride: 1, padding: 2 })).toThrow(
      invalidGraph(/nothing but padding/),
    )
    expect(() => poolMax(graph, 'kernel', a, { kernel: 8, stride: 1, padding: 0 })).toThrow(
      invalidGraph(/kernel 8x8 exceeds/),
    )
  })
})

describe('correlation', () => {
  const attrs = { radius: 6, stride: 1, normalisation: 'cosine' } as const

  it('has a channel for each displacement', () => {
    const { graph, a, b } = values([1, 28, 28, 96], [1, 28, 28, 96])
    expect(correlation(graph, 'corr', a, b, attrs).type).toEqual(tensorType(1, 28, 28, 169))
  })

  it('refuses maps of different shapes and bad displacements', () => {
    const { graph, a, b } = values([1, 28, 28, 96], [1, 28, 14, 96])
    expect(() => correlation(graph, 'corr', a, b, attrs)).toThrow(
      invalidGraph(/correlation "corr" \(1x28x28x96, 1x28x14x96\): needs two tensors of one shape/),
    )
    expect(() => correlation(graph, 'half', a, a, { ...attrs, radius: 1.5 })).toThrow(invalidGraph(/radius/))
    expect(() => correlation(graph, 'still', a, a, { ...attrs, stride: 0 })).toThrow(invalidGraph(/stride/))
  })
})

describe('flow ops', () => {
  const usual = { scale: 1, alpha: 0.01, beta: 0.5 }

  it('refuse flows that do not fit', () => {
    const { graph, a, b } = values([1, 8, 9, 5], [1, 8, 8, 2])
    const attrs = { scale: 1, border: 'zero' } as const
    expect(() => warp(graph, 'warp', a, b, attrs)).toThrow(invalidGraph(/the flow must have the n, h and w/))
    const { graph: other, a: thin } = values([1, 8, 9, 1])
    expect(() => warpValidity(other, 'valid', thin, { scale: 1 })).toThrow(invalidGraph(/dx and dy/))
    expect(() => forwardBackwardConsistency(graph, 'check', a, a, usual)).toThrow(
      invalidGraph(/2 or 3 channels/),
    )
  })

  it('refuse attributes out of range and masks of another size', () => {
    const { graph, a, b } = values([1, 8, 9, 3], [1, 8, 8, 1])
    const attrs = { scale: Number.NaN, border: 'clamp' } as const
    expect(() => warp(graph, 'warp', a, a, attrs)).toThrow(invalidGraph(/scale must be finite, got NaN/))
    expect(() => forwardBackwardConsistency(graph, 'beta', a, a, { ...usual, beta: 0 })).toThrow(
      invalidGraph(/beta > 0/),
    )
    expect(() => forwardBackwardConsistency(graph, 'mask', a, a, usual, b)).toThrow(invalidGraph(/mask/))
  })
})

describe('reductions', () => {
  it('give one pixel for each batch entry', () => {
    const { graph, a, b } = values([2, 8, 9, 5], [2, 8, 9, 1])
    expect(reduce(graph, 'mean', a, { result: 'mean' }, b).type).toEqual(tensorType(2, 1, 1, 5))
    expect(meanError(graph, 'error', a, a, { error: 'squared' }).type).toEqual(tensorType(2, 1, 1, 5))
  })

  it('refuse operands and masks of other sizes', () => {
    const { graph, a, b } = values([2, 8, 9, 5], [2, 8, 9, 2])
    expect(() => reduce(graph, 'mean', a, { result: 'mean' }, b)).toThrow(invalidGraph(/mask/))
    expect(() => meanError(graph, 'error', a, b, { error: 'absolute' })).toThrow(invalidGraph(/one shape/))
  })
})

describe('attention mesh ops', () => {
  const region = { line: [0, 1], vertices: [0, 1, 2], scale: 0.25, side: 16, margin: 1.5 } as const

  it('give a transform, a crop and points', () => {
    const { graph, a, b } = values([1, 1, 1, 9], [1, 48, 48, 32])
    const matrix = regionTransform(graph, 'transform', a, region)
    expect(matrix.type).toEqual(tensorType(1, 1, 1, 6))
    const crop = regionCrop(graph, 'crop', b, matrix, { height: 16, width: 16 })
    expect(crop.type).toEqual(tensorType(1, 16, 16, 32))
    expect(() => regionPoints(graph, 'points', a, matrix, { scale: 4 })).toThrow(
      invalidGraph(/x, y by point/),
    )
  })

  it('refuse vertices that are not there and tensors that are no transforms', () => {
    const { graph, a, b } = values([1, 1, 1, 9], [1, 48, 48, 32])
    expect(() => regionTransform(graph, 'eye', a, { ...region, vertices: [3] })).toThrow(
      invalidGraph(/no vertex 3 among 3/),
    )
    expect(() => regionTransform(graph, 'map', b, region)).toThrow(invalidGraph(/1x1 map of x, y, z/))
    expect(() => regionTransform(graph, 'flat', a, { ...region, margin: 0 })).toThrow(
      invalidGraph(/positive/),
    )
    expect(() => regionCrop(graph, 'crop', b, a, { height: 16, width: 16 })).toThrow(
      invalidGraph(/needs a region transform/),
    )
  })
})
