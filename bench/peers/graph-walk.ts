import type { Graph, GraphNode } from '../../src/graph/graph.js'
import { channelsOf, type TensorType, type ValueType } from '../../src/graph/tensor.js'
import type { BatchSliceAttrs } from '../../src/ops/tensor/concat.js'
import { convWindow } from '../../src/ops/conv/geometry.js'
import type { Conv2dAttrs } from '../../src/ops/conv/conv2d.js'
import type { CorrelationAttrs } from '../../src/ops/flow/correlation.js'
import type { ResizeAttrs } from '../../src/ops/image/resize.js'
import type { TransposedConv2dAttrs } from '../../src/ops/conv/transposed-conv2d.js'

/** Our graph as other engines see it: dense tensors, the ops of DFFNet. One visitor per engine. */
export interface Visitor<T> {
  input(name: string, shape: Dense): T
  conv2d(name: string, x: T, attrs: Conv2dAttrs, shapes: Shapes, padding: Sides): T
  transposedConv2d(name: string, x: T, attrs: TransposedConv2dAttrs, shapes: Shapes): T
  leakyRelu(name: string, x: T, slope: number): T
  concat(name: string, parts: readonly T[]): T
  batchSlice(name: string, x: T, first: number, count: number): T
  /** Features divided by their RMS over channels before they are multiplied. */
  correlation(name: string, first: T, second: T, radius: number, shape: Dense): T
  /** Bilinear, pixel centres at + 0.5. */
  resize(name: string, x: T, output: Dense): T
}

export interface Dense {
  readonly n: number
  readonly h: number
  readonly w: number
  readonly c: number
}

export interface Shapes {
  readonly input: Dense
  readonly output: Dense
}

/** Rows and columns of zeros: top, left, bottom, right, as ONNX orders them. */
export type Sides = readonly [number, number, number, number]

/** Added to the mean square of features before the root is taken, as in our kernel and in the trainer. */
export const NORM_EPSILON = 1e-4

function dense(type: ValueType | undefined): Dense {
  if (type?.kind !== 'tensor') throw new TypeError('only tensors have a shape here')
  return { n: type.n, h: type.h, w: type.w, c: channelsOf(type) }
}

/**
 * Walks a graph whose inputs and outputs are dense tensors.
 * @returns the visitor's value of the graph's only output
 * @throws TypeError on an op that the networks compared here do not have
 */
export function walk<T>(graph: Graph, visitor: Visitor<T>): T {
  const values = new Map<number, T>()
  const inputNames = new Map(graph.inputs.map(({ name, value }) => [value, name]))
  let result: T | undefined
  for (const node of graph.nodes) {
    const { name, definition, attrs, inputs, output } = node
    const value = (index: number): T => {
      const found = values.get(inputs[index] ?? -1)
      if (found === undefined) throw new TypeError(`${name} has no input ${index}`)
      return found
    }
    const type = (index: number): ValueType | undefined => graph.types[inputs[index] ?? -1]
    const shapes = (): Shapes => ({ input: dense(type(0)), output: dense(graph.types[output]) })
    switch (definition.kind) {
      case 'pack':
        values.set(output, visitor.input(inputNames.get(inputs[0] ?? -1) ?? name, dense(graph.types[output])))
        break
      case 'unpack':
        result = value(0)
        break
      case 'conv2d': {
        const convolution = attrs as Conv2dAttrs
        const padding = sidesOf(node, convolution, type(0) as TensorType)
        values.set(output, visitor.conv2d(name, value(0), convolution, shapes(), padding))
        break
      }
      case 'transposedConv2d':
        values.set(output, visitor.transposedConv2d(name, value(0), attrs as TransposedConv2dAttrs, shapes()))
        break
      case 'leakyRelu':
        values.set(output, visitor.leakyRelu(name, value(0), (attrs as { slope: number }).slope))
        break
      case 'concat':
        values.set(
          output,
          visitor.concat(
            name,
            inputs.map((_, i) => value(i)),
          ),
        )
        break
      case 'batchSlice': {
        const { start, count } = attrs as BatchSliceAttrs
        values.set(output, visitor.batchSlice(name, value(0), start, count))
        break
      }
      case 'correlation': {
        const { radius, stride, normalisation } = attrs as CorrelationAttrs
        if (stride !== 1 || normalisation !== 'cosine')
          throw new TypeError(`${name}: not a correlation of DFFNet`)
        values.set(output, visitor.correlation(name, value(0), value(1), radius, shapes().input))
        break
      }
      case 'resize': {
        const { mode, alignCorners = false } = attrs as ResizeAttrs
        if (mode !== 'bilinear' || alignCorners) throw new TypeError(`${name}: not a resize of DFFNet`)
        values.set(output, visitor.resize(name, value(0), shapes().output))
        break
      }
      default:
        throw new TypeError(`${name}: op ${definition.kind} is not exported`)
    }
  }
  if (result === undefined) throw new TypeError(`graph "${graph.name}" has no dense output`)
  return result
}

function sidesOf(node: GraphNode, attrs: Conv2dAttrs, input: TensorType): Sides {
  const window = convWindow('conv2d', { node: node.name, attrs, inputs: [input] }, input, attrs)
  const { kernel, stride, padding, outHeight, outWidth } = window
  const bottom = (outHeight - 1) * stride[0] + kernel[0] - input.h - padding[0]
  const right = (outWidth - 1) * stride[1] + kernel[1] - input.w - padding[1]
  return [padding[0], padding[1], Math.max(0, bottom), Math.max(0, right)]
}

export function pair(size: number | readonly [number, number]): [number, number] {
  return typeof size === 'number' ? [size, size] : [size[0], size[1]]
}

/** Flat positions, in the padded second map, of the displacements of each pixel of the first. */
export function displacements(h: number, w: number, radius: number): Int32Array {
  const diameter = 2 * radius + 1
  const paddedWidth = w + 2 * radius
  const indices = new Int32Array(h * w * diameter * diameter)
  let next = 0
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let dy = 0; dy < diameter; dy++) {
        for (let dx = 0; dx < diameter; dx++) indices[next++] = (y + dy) * paddedWidth + x + dx
      }
    }
  }
  return indices
}
