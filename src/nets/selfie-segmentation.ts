import type { GraphBuilder, Value } from '../graph/graph.js'
import { conv2d } from '../ops/conv/conv2d.js'
import { depthwiseConv2d } from '../ops/conv/depthwise-conv2d.js'
import { transposedConv2d } from '../ops/conv/transposed-conv2d.js'
import type { ImageInputOptions } from '../ops/image/image-input.js'
import { resize } from '../ops/image/resize.js'
import { relu, sigmoid } from '../ops/tensor/activation.js'
import { add, multiply, scale } from '../ops/tensor/elementwise.js'
import { reduce } from '../ops/tensor/reduce.js'

/** Side of the network's input and of its matte, px. */
export const SEGMENTATION_SIDE = 256

/** How a photo meets the network: stretched to 256x256, colours in [0, 1]. */
export const SELFIE_SEGMENTATION_INPUT = {
  width: SEGMENTATION_SIDE,
  height: SEGMENTATION_SIDE,
  border: 'edge',
} as const satisfies ImageInputOptions

type Curve = 'relu' | 'hardSwish' | 'none'

interface BottleneckRow {
  readonly name: string
  /** Channels inside, of the gate's narrow layer (null: no gate), and out. */
  readonly inside: number
  readonly gate: number | null
  readonly out: number
  /** Side of the input map. */
  readonly side: number
  readonly kernel: 3 | 5
  readonly stride: 1 | 2
  readonly curve: Curve
  readonly isResidual: boolean
}

// biome-ignore format: one line per block
const BOTTLENECKS_TO_32: readonly BottleneckRow[] = [
  { name: 'block2', inside: 72, gate: null, out: 24, side: 64, kernel: 3, stride: 2, curve: 'relu', isResidual: false },
  { name: 'block3', inside: 88, gate: null, out: 24, side: 32, kernel: 3, stride: 1, curve: 'relu', isResidual: true },
]
// biome-ignore format: one line per block
const BOTTLENECKS_TO_16: readonly BottleneckRow[] = [
  { name: 'block4', inside: 96, gate: 24, out: 32, side: 32, kernel: 5, stride: 2, curve: 'hardSwish', isResidual: false },
  { name: 'block5', inside: 128, gate: 32, out: 32, side: 16, kernel: 5, stride: 1, curve: 'hardSwish', isResidual: true },
  { name: 'block6', inside: 128, gate: 32, out: 32, side: 16, kernel: 5, stride: 1, curve: 'hardSwish', isResidual: true },
  { name: 'block7', inside: 96, gate: 24, out: 32, side: 16, kernel: 5, stride: 1, curve: 'hardSwish', isResidual: true },
  { name: 'block8', inside: 96, gate: 24, out: 32, side: 16, kernel: 5, stride: 1, curve: 'hardSwish', isResidual: true },
]

/**
 * MediaPipe's selfie segmentation (general model): where a picture shows a person. Weights: selfie-segmentation.safetensors.
 * @param image n x 256 x 256 x 3, see SELFIE_SEGMENTATION_INPUT
 * @returns n x 256 x 256 x 1 in [0, 1]
 */
export function selfieSegmentation(graph: GraphBuilder, image: Value): Value {
  const net = new Layers(graph)
  const map128 = net.conv('stem', image, { out: 16, kernel: 3, stride: 2, curve: 'hardSwish' })
  const wide = net.conv('block1.expand', map128, { out: 16, curve: 'relu' })
  const deep = net.depthwise('block1.depthwise', wide, { kernel: 3, stride: 2, curve: 'relu' })
  const gated = net.gate('block1.gate', deep, deep, { narrow: 8, out: 16, side: 64 })
  const map64 = net.conv('block1.project', gated, { out: 16 })
  const map32 = net.bottlenecks(map64, BOTTLENECKS_TO_32)
  const map16 = net.bottlenecks(map32, BOTTLENECKS_TO_16)
  const context = net.gate(
    'context.gate',
    map16,
    net.conv('context.map', map16, { out: 128, curve: 'relu' }),
    {
      narrow: null,
      out: 128,
      side: 16,
    },
  )
  const up32 = net.join('join32', context, map32, { out: 24, side: 32 })
  const up64 = net.join('join64', up32, map64, { out: 16, side: 64 })
  const up128 = net.join('join128', up64, map128, { out: 16, side: 128 })
  const logits = transposedConv2d(graph, 'matte', up128, {
    weight: 'matte.weight',
    bias: 'matte.bias',
    outChannels: 1,
    kernel: 2,
    stride: 2,
    padding: 0,
  })
  return sigmoid(graph, 'matte.sigmoid', logits)
}

class Layers {
  constructor(private readonly graph: GraphBuilder) {}

  conv(
    name: string,
    input: Value,
    layer: {
      readonly out: number
      readonly kernel?: number
      readonly stride?: number
      readonly curve?: Curve
    },
  ): Value {
    const { out, kernel = 1, stride = 1, curve = 'none' } = layer
    const maps = conv2d(this.graph, name, input, {
      weight: `${name}.weight`,
      bias: `${name}.bias`,
      outChannels: out,
      kernel,
      stride,
      padding: 'same',
    })
    return this.curve(name, maps, curve)
  }

  depthwise(
    name: string,
    input: Value,
    layer: { readonly kernel: number; readonly stride: number; readonly curve: Curve },
  ): Value {
    const { kernel, stride, curve } = layer
    const maps = depthwiseConv2d(this.graph, name, input, {
      weight: `${name}.weight`,
      bias: `${name}.bias`,
      kernel,
      stride,
      padding: 'same',
    })
    return this.curve(name, maps, curve)
  }

  /** Weighs the channels of `maps` by what `seen` holds on the whole (squeeze and excitation). */
  gate(
    name: string,
    seen: Value,
    maps: Value,
    size: { readonly narrow: number | null; readonly out: number; readonly side: number },
  ): Value {
    const { narrow, out, side } = size
    const mean = reduce(this.graph, `${name}.mean`, seen, { result: 'mean' })
    const squeezed =
      narrow === null ? mean : this.conv(`${name}.squeeze`, mean, { out: narrow, curve: 'relu' })
    const excited = sigmoid(this.graph, `${name}.sigmoid`, this.conv(`${name}.excite`, squeezed, { out }))
    const spread = resize(this.graph, `${name}.spread`, excited, {
      height: side,
      width: side,
      mode: 'nearest',
    })
    return multiply(this.graph, `${name}.multiply`, maps, spread)
  }

  bottlenecks(input: Value, rows: readonly BottleneckRow[]): Value {
    return rows.reduce((value, row) => this.bottleneck(value, row), input)
  }

  /** From a coarse map to one of twice the side, with what was seen there on the way down. */
  join(
    name: string,
    coarse: Value,
    skip: Value,
    size: { readonly out: number; readonly side: number },
  ): Value {
    const { out, side } = size
    const { graph } = this
    const larger = resize(graph, `${name}.resize`, coarse, { height: side, width: side, mode: 'bilinear' })
    const up = this.conv(`${name}.up`, larger, { out })
    const both = add(graph, `${name}.both`, skip, up)
    const gated = this.gate(`${name}.gate`, both, skip, { narrow: out, out, side })
    const sum = add(graph, `${name}.sum`, gated, up)
    const maps = this.conv(`${name}.project`, sum, { out, curve: 'relu' })
    const smooth = this.depthwise(`${name}.depthwise`, maps, { kernel: 3, stride: 1, curve: 'relu' })
    return add(graph, `${name}.add`, maps, smooth)
  }

  private bottleneck(input: Value, row: BottleneckRow): Value {
    const { name, inside, gate, out, side, kernel, stride, curve, isResidual } = row
    const wide = this.conv(`${name}.expand`, input, { out: inside, curve })
    const deep = this.depthwise(`${name}.depthwise`, wide, { kernel, stride, curve })
    const gated =
      gate === null
        ? deep
        : this.gate(`${name}.gate`, deep, deep, { narrow: gate, out: inside, side: side / stride })
    const narrow = this.conv(`${name}.project`, gated, { out })
    return isResidual ? add(this.graph, `${name}.add`, narrow, input) : narrow
  }

  private curve(name: string, maps: Value, curve: Curve): Value {
    if (curve === 'relu') return relu(this.graph, `${name}.relu`, maps)
    return curve === 'hardSwish' ? this.hardSwish(name, maps) : maps
  }

  /**
   * x clamp(x + 3, 0, 6) / 6, from what there is: max(y, 0) - max(y - 6, 0) is the clamp of y to 0 .. 6. The network runs once a
   * photo, an activation of its own would be in every epilogue.
   */
  private hardSwish(name: string, x: Value): Value {
    const { graph } = this
    const ramp = (from: number, factor: number, part: string) =>
      scale(
        graph,
        `${name}.${part}.scale`,
        relu(graph, `${name}.${part}`, scale(graph, `${name}.${part}.from`, x, { scale: 1, offset: -from })),
        {
          scale: factor / 6,
        },
      )
    const clamp = add(graph, `${name}.clamp`, ramp(-3, 1, 'low'), ramp(3, -1, 'high'))
    return multiply(graph, `${name}.hardSwish`, x, clamp)
  }
}
