import { anything, list } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, shapeError } from '../../graph/infer.js'
import { inputAt, linearGrid } from '../../graph/lowering.js'
import type { OpDefinition } from '../../graph/op.js'
import type { ValueType } from '../../graph/tensor.js'

/** Layers over one base: with base and result they are the storage buffers that a kernel may have on any device, and two to spare. */
export const MOST_LAYERS = 4

/**
 * Pictures over another one, each by its alpha: base + sum of alpha * (layer - base), clamped and rounded to 8 bits. The layers' order
 * does not matter; without any the result is the base.
 * @param base RGBA8 pixels, as of `imageOutput`; the result has its alpha
 * @param layers as many pixels each, at most 4
 * @returns a raw value like the base
 * @throws EngineError INVALID_ARGUMENT if `layers` is no list; INVALID_GRAPH for inputs that are not raw, or of unlike sizes
 */
export function blendLayers(graph: GraphBuilder, name: string, base: Value, layers: readonly Value[]): Value {
  checkOptions(KIND, name, { layers: list(anything) }, { layers })
  return addNode(graph, blendLayersOp, name, {}, [base, ...layers])
}

const KIND = 'blendLayers'

export const blendLayersOp: OpDefinition<Record<string, never>> = {
  kind: KIND,
  inputs: [1, 1 + MOST_LAYERS],
  attributes: {},

  infer(context) {
    const [base, ...layers] = context.inputs
    if (base?.kind !== 'raw' || base.bytes % 4 !== 0) {
      throw shapeError(KIND, context, 'needs RGBA8 pixels, a raw value of 4 bytes each')
    }
    if (layers.some((layer) => layer.kind !== 'raw' || layer.bytes !== base.bytes)) {
      throw shapeError(KIND, context, `layers must be raw values of ${base.bytes} bytes, as the base`)
    }
    return base
  },

  flops: ({ inputs }, output) => pixelsOf(output) * 3 * 3 * (inputs.length - 1),

  lower(context) {
    const { inputs, output } = context
    const layers = inputs.slice(1)
    const pixels = output.kind === 'packed' ? 0 : pixelsOf(output.type)
    return [
      {
        kernel: 'blend_layers.wgsl',
        variant: `${layers.length} layers`,
        params: { LAYERS: layers.length },
        uniforms: { pixels },
        bindings: {
          base: inputAt(context, 0),
          ...Object.fromEntries(layers.map((layer, i) => [`layer${i}`, layer])),
          blended: output,
        },
        workgroups: linearGrid(pixels),
      },
    ]
  },
}

function pixelsOf(type: ValueType): number {
  return type.kind === 'raw' ? type.bytes / 4 : 0
}
