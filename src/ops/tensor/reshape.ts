import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, linearGrid } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, type TensorType, tensorType } from '../../graph/tensor.js'
import { SHAPE, type TensorShape } from './border.js'

const valuesOf = (type: TensorType): number => type.n * type.h * type.w * channelsOf(type)

export const reshapeOp: OpDefinition<TensorShape> = {
  kind: 'reshape',
  inputs: [1, 1],
  attributes: SHAPE,
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('reshape', context, 0)
    const [n, h, w, c] = (['n', 'h', 'w', 'c'] as const).map((dimension) =>
      wholeNumber('reshape', context, dimension, context.attrs[dimension], 1),
    ) as [number, number, number, number]
    const type = tensorType(n, h, w, c)
    if (valuesOf(type) !== valuesOf(source)) {
      throw shapeError('reshape', context, `${valuesOf(source)} values do not make ${n}x${h}x${w}x${c}`)
    }
    return type
  },
  flops: () => 0,
  lower(context) {
    const { output, storage } = context
    const source = inputAt(context, 0)
    const type = tensorOf(output)
    return [
      {
        kernel: 'reshape.wgsl',
        variant: 'gather',
        params: { F16: storage === 'f16' },
        uniforms: { source: view(source), destination: view(output) },
        bindings: { source, destination: output },
        workgroups: linearGrid(type.h * type.w, planesOf(type) * type.n),
      },
    ]
  },
}

/**
 * The same values, read in N x H x W x C order (channels fastest), in another shape.
 * @throws EngineError INVALID_GRAPH if the shapes differ in their number of values
 */
export function reshape(graph: GraphBuilder, name: string, input: Value, shape: TensorShape): Value {
  return addNode(graph, reshapeOp, name, shape, [input])
}
