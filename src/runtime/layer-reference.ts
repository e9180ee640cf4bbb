import type { Graph, GraphNode, ValueId } from '../graph/graph.js'
import { typeOf } from '../graph/lower.js'
import { type Activation, NO_EPILOGUE, type WeightSource } from '../graph/op.js'
import { channelsOf, type TensorType } from '../graph/tensor.js'
import type { Conv2dAttrs } from '../ops/conv/conv2d.js'
import { convWindow, type Size } from '../ops/conv/geometry.js'
import type { TransposedConv2dAttrs } from '../ops/conv/transposed-conv2d.js'
import { type Samples, sampleIndices } from './samples.js'
import { LAYER_NODE } from './tunable.js'

/** A value of the layer's graph at an entry, row, column and channel; 0 outside of the map. */
type Read = (n: number, y: number, x: number, c: number) => number

const SAMPLES = 512

/**
 * What a layer of `tunableLayers` must give, whichever kernel computes it. Convolutions of all kinds are known.
 * @param inputs contents of the graph's inputs
 * @returns undefined for ops that are not known
 */
export function layerSamples(
  graph: Graph,
  inputs: ReadonlyMap<string, Float32Array>,
  weights: WeightSource,
): Samples | undefined {
  const node = graph.nodes.find(({ name }) => name === LAYER_NODE)
  const type = node && typeOf(graph, node.output)
  if (node === undefined || type?.kind !== 'tensor') return undefined
  const epilogue = node.epilogue ?? NO_EPILOGUE
  const own = epilogue.residual === 'none' ? node.inputs : node.inputs.slice(0, -1)
  const [input] = own
  if (input === undefined || own.length !== 1) return undefined
  const sum = definitionOf(graph, node, input, inputs, weights)
  if (sum === undefined) return undefined
  const residual =
    epilogue.residual === 'none'
      ? undefined
      : residualOf(graph, node.inputs.at(-1) as ValueId, inputs, epilogue.residualWindow)
  const activate = activationOf(epilogue.activation, weights, channelsOf(type))
  const count = type.n * type.h * type.w * channelsOf(type)
  const indices = sampleIndices(count, SAMPLES)
  const values = Float64Array.from(indices, (index) => {
    const c = index % channelsOf(type)
    const pixel = Math.floor(index / channelsOf(type))
    const [n, y, x] = [
      Math.floor(pixel / (type.h * type.w)),
      Math.floor(pixel / type.w) % type.h,
      pixel % type.w,
    ]
    const added = residual?.(n, y, x, c) ?? 0
    const before = sum(n, y, x, c) + (epilogue.residual === 'before' ? added : 0)
    return activate(before, c) + (epilogue.residual === 'after' ? added : 0)
  })
  return { indices, values }
}

/** The maximum over windows of the residual; zero in channels that it lacks. */
function residualOf(
  graph: Graph,
  id: ValueId,
  inputs: ReadonlyMap<string, Float32Array>,
  window: number,
): Read {
  const read = readerOf(graph, id, inputs)
  const channels = channelsOf(typeOf(graph, id) as TensorType)
  return (n, y, x, c) => {
    if (c >= channels) return 0
    const places = Array.from({ length: window * window }, (_, i) => [Math.floor(i / window), i % window])
    return Math.max(...places.map(([dy = 0, dx = 0]) => read(n, y * window + dy, x * window + dx, c)))
  }
}

function definitionOf(
  graph: Graph,
  node: GraphNode,
  input: ValueId,
  inputs: ReadonlyMap<string, Float32Array>,
  weights: WeightSource,
): Read | undefined {
  const read = readerOf(graph, input, inputs)
  const type = typeOf(graph, input) as TensorType
  const output = typeOf(graph, node.output) as TensorType
  const [channels, outChannels] = [channelsOf(type), channelsOf(output)]
  const { kind } = node.definition
  const { weight: weightName, bias: biasName } = node.attrs as { weight: string; bias?: string }
  const bias = biasName === undefined ? undefined : weights.tensor(biasName, [outChannels])
  const start = (c: number): number => bias?.[c] ?? 0
  switch (kind) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const attrs = node.attrs as Conv2dAttrs
      const { kernel, stride, padding } = convWindow(
        kind,
        { node: node.name, attrs, inputs: [type] },
        type,
        attrs,
      )
      const isDepthwise = kind === 'depthwiseConv2d'
      const depth = isDepthwise ? 1 : channels
      const taps = weights.tensor(weightName, [outChannels, depth, kernel[0], kernel[1]])
      return (n, y, x, c) => {
        let sum = start(c)
        for (let d = 0; d < depth; d++) {
          for (let ky = 0; ky < kernel[0]; ky++) {
            for (let kx = 0; kx < kernel[1]; kx++) {
              const tap = taps[((c * depth + d) * kernel[0] + ky) * kernel[1] + kx] as number
              sum +=
                tap *
                read(n, y * stride[0] + ky - padding[0], x * stride[1] + kx - padding[1], isDepthwise ? c : d)
            }
          }
        }
        return sum
      }
    }
    case 'transposedConv2d': {
      const attrs = node.attrs as TransposedConv2dAttrs
      const [kernel, stride, padding] = [pair(attrs.kernel), pair(attrs.stride), pair(attrs.padding)]
      const taps = weights.tensor(weightName, [channels, outChannels, kernel[0], kernel[1]])
      return (n, y, x, c) => {
        let sum = start(c)
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const [iy, ix] = [(y + padding[0] - ky) / stride[0], (x + padding[1] - kx) / stride[1]]
            if (!Number.isInteger(iy) || !Number.isInteger(ix)) continue
            for (let d = 0; d < channels; d++) {
              const tap = taps[((d * outChannels + c) * kernel[0] + ky) * kernel[1] + kx] as number
              sum += tap * read(n, iy, ix, d)
            }
          }
        }
        return sum
      }
    }
    case 'fullyConnected': {
      const size = type.h * type.w * channels
      const matrix = weights.tensor(weightName, [outChannels, size])
      return (n, _y, _x, c) => {
        let sum = start(c)
        for (let i = 0; i < size; i++) {
          const pixel = Math.floor(i / channels)
          const value = read(n, Math.floor(pixel / type.w), pixel % type.w, i % channels)
          sum += (matrix[c * size + i] as number) * value
        }
        return sum
      }
    }
    default:
      return undefined
  }
}

const pair = (size: Size): readonly [number, number] => (typeof size === 'number' ? [size, size] : size)

function activationOf(
  activation: Activation,
  weights: WeightSource,
  channels: number,
): (value: number, channel: number) => number {
  switch (activation.kind) {
    case 'none':
      return (value) => value
    case 'relu':
      return (value) => Math.max(value, 0)
    case 'leakyRelu':
      return (value) => (value >= 0 ? value : value * activation.slope)
    case 'prelu': {
      const slopes = weights.tensor(activation.slopes, [channels])
      return (value, c) => (value >= 0 ? value : value * (slopes[c] as number))
    }
    case 'sigmoid':
      return (value) => 1 / (1 + Math.exp(-value))
    case 'tanh':
      return (value) => Math.tanh(value)
    default:
      return activation satisfies never
  }
}

/** A tensor of the layer's graph: a packed input, or a concatenation of such. */
function readerOf(graph: Graph, id: ValueId, inputs: ReadonlyMap<string, Float32Array>): Read {
  const node = graph.nodes.find(({ output }) => output === id)
  const type = typeOf(graph, id) as TensorType
  if (node?.definition.kind === 'concat') {
    const parts = node.inputs.map((part) => ({
      read: readerOf(graph, part, inputs),
      channels: channelsOf(typeOf(graph, part) as TensorType),
    }))
    return (n, y, x, c) => {
      let channel = c
      for (const part of parts) {
        if (channel < part.channels) return part.read(n, y, x, channel)
        channel -= part.channels
      }
      return 0
    }
  }
  const name = graph.inputs.find(({ value }) => value === node?.inputs[0])?.name ?? ''
  const data = inputs.get(name) ?? new Float32Array()
  const channels = channelsOf(type)
  return (n, y, x, c) =>
    y < 0 || x < 0 || y >= type.h || x >= type.w
      ? 0
      : (data[((n * type.h + y) * type.w + x) * channels + c] as number)
}
