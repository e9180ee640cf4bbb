import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, type TensorType, tensorType } from '../../graph/tensor.js'
import { convWindow, PADDING, type Padding, type Size, size, type Window } from '../conv/geometry.js'

/** Attributes of {@link poolAvg} and {@link poolMax}. */
export interface PoolAttrs {
  readonly kernel: Size
  readonly stride: Size
  /** Padding counts neither for the maximum nor for the mean. */
  readonly padding: Padding
}

function poolWindow(kind: string, context: InferContext<PoolAttrs>): { input: TensorType; window: Window } {
  const input = tensorInput(kind, context, 0)
  const window = convWindow(kind, context, input, context.attrs)
  const { kernel, stride, padding, outHeight, outWidth } = window
  const lastY = (outHeight - 1) * stride[0] - padding[0]
  const lastX = (outWidth - 1) * stride[1] - padding[1]
  if (padding[0] >= kernel[0] || padding[1] >= kernel[1] || lastY >= input.h || lastX >= input.w) {
    throw shapeError(kind, context, 'some windows hold nothing but padding; pad less than the kernel size')
  }
  return { input, window }
}

function poolOp(kind: 'poolMax' | 'poolAvg'): OpDefinition<PoolAttrs> {
  return {
    kind,
    inputs: [1, 1],
    attributes: { kernel: size(1), stride: size(1), padding: PADDING },
    readsSegments: true,
    precise: 'asFirst',
    asResidual(attrs, input) {
      const { kernel, stride, padding } = convWindow(
        kind,
        { node: kind, attrs, inputs: [input] },
        input,
        attrs,
      )
      const isPlain =
        kind === 'poolMax' &&
        [...kernel, ...stride].every((side) => side === 2) &&
        padding.every((side) => side === 0)
      return isPlain && input.h % 2 === 0 && input.w % 2 === 0 ? 2 : undefined
    },
    infer(context) {
      const { input, window } = poolWindow(kind, context)
      return tensorType(input.n, window.outHeight, window.outWidth, input.segments)
    },
    flops(context, output) {
      const [height, width] = poolWindow(kind, context).window.kernel
      return output.kind === 'tensor'
        ? output.n * output.h * output.w * channelsOf(output) * height * width
        : 0
    },
    lower(context) {
      const { node, attrs, output, storage } = context
      const source = inputAt(context, 0)
      const { window } = poolWindow(kind, { node, attrs, inputs: [tensorOf(source)] })
      const type = tensorOf(output)
      return [
        {
          kernel: 'pool.wgsl',
          variant: window.kernel.join('x'),
          params: { F16: storage === 'f16', AVERAGE: kind === 'poolAvg' },
          uniforms: {
            source: view(source),
            destination: view(output),
            kernel: window.kernel,
            stride: window.stride,
            padding: window.padding,
          },
          bindings: { source, destination: output },
          workgroups: tileGrid(type.h, type.w, planesOf(type) * type.n),
        },
      ]
    },
  }
}

export const poolMaxOp = poolOp('poolMax')
export const poolAvgOp = poolOp('poolAvg')

/**
 * Maximum over windows.
 * @throws EngineError INVALID_GRAPH if a window would hold nothing but padding
 */
export function poolMax(graph: GraphBuilder, name: string, input: Value, attrs: PoolAttrs): Value {
  return addNode(graph, poolMaxOp, name, attrs, [input])
}

/**
 * Mean over windows; padding is left out of sum and count.
 * @throws EngineError INVALID_GRAPH if a window would hold nothing but padding
 */
export function poolAvg(graph: GraphBuilder, name: string, input: Value, attrs: PoolAttrs): Value {
  return addNode(graph, poolAvgOp, name, attrs, [input])
}
