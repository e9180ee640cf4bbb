import { either, finite, optional, tuple } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf } from '../../graph/tensor.js'

/** Attributes of {@link imageOutput}. */
export interface ImageOutputAttrs {
  /** Pixel value in [0, 1] = tensor * scale + offset, clamped and rounded to 8 bits. Default 1 and 0. */
  readonly scale?: number | readonly [number, number, number]
  readonly offset?: number | readonly [number, number, number]
}

/**
 * Turns a tensor into RGBA8 pixels, `[n][y][x]`; one channel becomes grey, three R, G, B, both opaque; a fourth is alpha as it is, without `scale` and `offset`.
 * @returns a raw value of n * h * w * 4 bytes
 * @throws EngineError INVALID_GRAPH if the tensor has none of 1, 3 and 4 channels
 */
export function imageOutput(
  graph: GraphBuilder,
  name: string,
  input: Value,
  attrs: ImageOutputAttrs = {},
): Value {
  return addNode(graph, imageOutputOp, name, attrs, [input])
}

const KIND = 'imageOutput'

export const imageOutputOp: OpDefinition<ImageOutputAttrs> = {
  kind: KIND,
  inputs: [1, 1],
  attributes: {
    scale: optional(either(finite, tuple(3, finite))),
    offset: optional(either(finite, tuple(3, finite))),
  },

  infer(context) {
    const type = tensorInput(KIND, context, 0)
    const { n, h, w } = type
    const channels = channelsOf(type)
    if (channels !== 1 && channels !== 3 && channels !== 4) {
      throw shapeError(
        KIND,
        context,
        `needs 1 (grey), 3 (R, G, B) or 4 (and alpha) channels, got ${channels}`,
      )
    }
    return { kind: 'raw', bytes: n * h * w * 4, contents: `rgba8[${n},${h},${w}]` }
  },

  flops(_context, output) {
    return output.kind === 'raw' ? (output.bytes / 4) * 3 * 2 : 0
  },

  lower(context) {
    const { attrs, output, storage } = context
    const input = inputAt(context, 0)
    const type = tensorOf(input)
    const [grey, alpha] = [channelsOf(type) === 1, channelsOf(type) === 4]
    return [
      {
        kernel: 'image_output.wgsl',
        variant: grey ? 'grey' : alpha ? 'rgba' : 'rgb',
        params: { F16: storage === 'f16', GREY: grey },
        uniforms: {
          inputView: view(input),
          scale: [...perChannel(attrs.scale ?? 1), alpha ? 1 : 0],
          offset: [...perChannel(attrs.offset ?? 0), 0],
        },
        bindings: { input, output },
        workgroups: [Math.ceil(type.w / 16), Math.ceil(type.h / 4), type.n],
      },
    ]
  },
}

function perChannel(value: number | readonly [number, number, number]): number[] {
  return typeof value === 'number' ? [value, value, value] : [...value]
}
