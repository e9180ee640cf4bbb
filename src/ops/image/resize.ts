import { flag, oneOf, optional, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import { type KernelCall, type LowerContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link resize}. */
export interface ResizeAttrs {
  /** Size of the output in pixels. */
  readonly height: number
  readonly width: number
  /** Bilinear takes the four pixels around the sample point, also where it shrinks a map. */
  readonly mode: 'bilinear' | 'nearest'
  /**
   * False (default): pixel centres lie at + 0.5, sample points outside the outermost centres take their value.
   * True: the centres of the corner pixels fall together. Only for `bilinear`.
   */
  readonly alignCorners?: boolean
}

/** Source pixels per output pixel along one axis. */
function stepOf(source: number, output: number, alignCorners: boolean): number {
  if (!alignCorners) return source / output
  return output > 1 ? (source - 1) / (output - 1) : 0
}

function doubles(context: LowerContext<ResizeAttrs>): boolean {
  const source = tensorOf(inputAt(context, 0))
  const { height, width, mode, alignCorners = false } = context.attrs
  return mode === 'bilinear' && !alignCorners && height === 2 * source.h && width === 2 * source.w
}

function doubleCall(context: LowerContext<ResizeAttrs>): KernelCall {
  const source = inputAt(context, 0)
  const { h, w, n } = tensorOf(source)
  return {
    kernel: 'upsample_double.wgsl',
    variant: 'double',
    params: { F16: context.storage === 'f16', LOADED_F16: context.loaded === 'f16' },
    uniforms: { source: view(source), destination: view(context.output) },
    bindings: { source, destination: context.output },
    workgroups: tileGrid(h + 1, w + 1, planesOf(tensorOf(source)) * n),
  }
}

export const resizeOp: OpDefinition<ResizeAttrs> = {
  kind: 'resize',
  inputs: [1, 1],
  attributes: {
    height: whole(),
    width: whole(),
    mode: oneOf('bilinear', 'nearest'),
    alignCorners: optional(flag),
  },
  readsSegments: true,
  precise: 'asFirst',
  loads: [0],
  infer(context) {
    const source = tensorInput('resize', context, 0)
    const height = wholeNumber('resize', context, 'height', context.attrs.height, 1)
    const width = wholeNumber('resize', context, 'width', context.attrs.width, 1)
    if (context.attrs.mode === 'nearest' && context.attrs.alignCorners) {
      throw shapeError('resize', context, 'alignCorners means nothing for nearest; leave it out')
    }
    return tensorType(source.n, height, width, source.segments)
  },
  flops: ({ attrs }, output) =>
    output.kind === 'tensor' && attrs.mode === 'bilinear'
      ? 9 * output.n * output.h * output.w * channelsOf(output)
      : 0,
  lower(context) {
    const { attrs, output, storage, loaded, variant } = context
    if (doubles(context) && variant !== 'any') return [doubleCall(context)]
    const source = inputAt(context, 0)
    const from = tensorOf(source)
    const type = tensorOf(output)
    const alignCorners = attrs.alignCorners ?? false
    return [
      {
        kernel: 'resize.wgsl',
        variant: 'any',
        params: {
          F16: storage === 'f16',
          LOADED_F16: loaded === 'f16',
          MODE: attrs.mode === 'nearest' ? 0 : alignCorners ? 2 : 1,
        },
        uniforms: {
          source: view(source),
          destination: view(output),
          step: [stepOf(from.h, type.h, alignCorners), stepOf(from.w, type.w, alignCorners)],
        },
        bindings: { source, destination: output },
        workgroups: tileGrid(type.h, type.w, planesOf(type) * type.n),
      },
    ]
  },
}

/**
 * Resizes a tensor's maps.
 * @throws EngineError INVALID_GRAPH if the size is not whole numbers of at least 1
 */
export function resize(graph: GraphBuilder, name: string, input: Value, attrs: ResizeAttrs): Value {
  return addNode(graph, resizeOp, name, attrs, [input])
}
