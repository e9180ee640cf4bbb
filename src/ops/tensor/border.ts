import { type AttributeChecks, whole } from '../../graph/arguments.js'
import { addNode, checkedBuilder, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, linearGrid } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf, view } from '../../graph/op.js'
import {
  channelsOf,
  describeType,
  planesOf,
  type RawType,
  type TensorType,
  tensorType,
} from '../../graph/tensor.js'

/** Batch entries, rows, columns and channels of a tensor. */
export interface TensorShape {
  readonly n: number
  readonly h: number
  readonly w: number
  readonly c: number
}

export const SHAPE: AttributeChecks<TensorShape> = { n: whole(), h: whole(), w: whole(), c: whole() }

/** Raw type of a dense N x H x W x C float32 buffer. */
export function denseType(shape: TensorShape): RawType {
  const { n, h, w, c } = shape
  return { kind: 'raw', bytes: n * h * w * c * 4, contents: `f32[${n},${h},${w},${c}]` }
}

export const packOp: OpDefinition<TensorShape> = {
  kind: 'pack',
  inputs: [1, 1],
  attributes: SHAPE,
  infer(context) {
    const { n, h, w, c } = context.attrs
    const source = context.inputs[0]
    const wanted = denseType(context.attrs)
    if (source?.kind !== 'raw' || source.bytes !== wanted.bytes) {
      throw shapeError('pack', context, `needs a raw buffer ${wanted.contents} of ${wanted.bytes} bytes`)
    }
    return tensorType(n, h, w, c)
  },
  flops: () => 0,
  lower(context) {
    const { output, storage } = context
    const source = inputAt(context, 0)
    const type = tensorOf(output)
    return [
      {
        kernel: 'pack.wgsl',
        variant: 'plane',
        params: { F16: storage === 'f16' },
        uniforms: { destination: view(output) },
        bindings: { source, destination: output },
        workgroups: linearGrid(type.h * type.w, planesOf(type) * type.n),
      },
    ]
  },
}

/** Runs of channels that lie in memory without padding between them. */
function contiguousParts(
  type: TensorType,
): { firstPlane: number; partPlanes: number; firstChannel: number; partChannels: number }[] {
  const parts: { firstPlane: number; partPlanes: number; firstChannel: number; partChannels: number }[] = []
  let firstPlane = 0
  let firstChannel = 0
  for (const channels of type.segments) {
    const partPlanes = Math.ceil(channels / 4)
    const last = parts.at(-1)
    if (last !== undefined && last.partChannels % 4 === 0) {
      last.partPlanes += partPlanes
      last.partChannels += channels
    } else {
      parts.push({ firstPlane, partPlanes, firstChannel, partChannels: channels })
    }
    firstPlane += partPlanes
    firstChannel += channels
  }
  return parts
}

export const unpackOp: OpDefinition<Record<string, never>> = {
  kind: 'unpack',
  inputs: [1, 1],
  attributes: {},
  asEpilogue: () => ({ dense: true }),
  readsSegments: true,
  infer(context) {
    const type = tensorInput('unpack', context, 0)
    return denseType({ n: type.n, h: type.h, w: type.w, c: channelsOf(type) })
  },
  flops: () => 0,
  lower(context) {
    const { output, storage } = context
    const source = inputAt(context, 0)
    const type = tensorOf(source)
    return contiguousParts(type).map((part) => ({
      kernel: 'unpack.wgsl',
      variant: 'plane',
      params: { F16: storage === 'f16' },
      uniforms: { source: view(source), ...part },
      bindings: { source, destination: output },
      workgroups: linearGrid(type.h * type.w, part.partPlanes * type.n),
    }))
  },
}

/**
 * Declares an input buffer `name` of dense N x H x W x C float32 values and gives it as a tensor.
 * @throws EngineError INVALID_GRAPH if a dimension is not a whole number of at least 1, or the name is taken
 */
export function inputTensor(graph: GraphBuilder, name: string, shape: TensorShape): Value {
  checkOptions('input', name, SHAPE, shape)
  return checkedBuilder(graph).together(() => {
    const buffer = graph.input(name, denseType(shape))
    return addNode(graph, packOp, `${name}:pack`, shape, [buffer])
  })
}

/**
 * Names a tensor as a result: its output buffer holds dense N x H x W x C float32 values.
 * @throws EngineError INVALID_GRAPH if the value is no tensor of the graph, or the name is taken
 */
export function outputTensor(graph: GraphBuilder, name: string, value: Value): void {
  if (value?.type?.kind === 'raw') {
    throw shapeError(
      'output',
      { node: name, inputs: [value.type] },
      `${describeType(value.type)} is no tensor`,
    )
  }
  const node = typeof name === 'string' ? `${name}:unpack` : name
  checkedBuilder(graph).together(() => graph.output(name, addNode(graph, unpackOp, node, {}, [value])))
}
