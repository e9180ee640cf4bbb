import { finite, finiteFloats, indices, oneOf, optional, record, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { columnTiles, inputAt, rowsPerInvocation } from '../../graph/lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, sameLayout, type TensorType, tensorType } from '../../graph/tensor.js'
import { constantTable, planesOfRows } from '../tensor/constant-table.js'
import { checkTriangles, fragmentsInput, MAX_TRIANGLES, triangleTable } from './triangles.js'

/** A value per vertex that never changes, e.g. the NCC colours of a mesh: `[vertex][channel]`. */
export interface ConstantAttributes {
  readonly data: Float32Array
  readonly channels: number
}

export interface InterpolateAttrs {
  /** The triangles that were rasterised. */
  readonly triangles: Uint32Array
  /** As of `rasterise`: what has a lower number in the fragments is no triangle of these. Default 0. */
  readonly firstTriangle?: number
  /** Set where the attributes are not a tensor. */
  readonly constant?: ConstantAttributes
}

/**
 * Fills the triangles of a raster with a mean of their corners' attributes, weighted barycentrically; elsewhere are zeros or the
 * values of `front`. An attribute that is equal at all corners comes out exactly.
 * @param fragments n x h x w x 4 of `rasterise`
 * @param attributes (1 or n) x 1 x V x c, or a constant table
 * @param front n x h x w x c, with attributes that are a tensor: what stays where none of these triangles is
 * @returns n x h x w x c
 * @throws EngineError INVALID_GRAPH if the shapes do not fit or an index lies past the last vertex
 */
export function interpolate(
  graph: GraphBuilder,
  name: string,
  fragments: Value,
  attributes: Value | ConstantAttributes,
  attrs: Omit<InterpolateAttrs, 'constant'>,
  front?: Value,
): Value {
  const others = front === undefined ? [] : [front]
  if (typeof attributes === 'object' && attributes !== null && 'data' in attributes) {
    return addNode(graph, interpolateOp, name, { ...attrs, constant: attributes }, [fragments, ...others])
  }
  return addNode(graph, interpolateOp, name, attrs, [fragments, attributes, ...others])
}

/**
 * `scale` where a triangle is, else 0.
 * @param fragments n x h x w x 4 of `rasterise`
 * @returns n x h x w x 1
 */
export function fragmentMask(graph: GraphBuilder, name: string, fragments: Value, scale = 1): Value {
  return addNode(graph, fragmentChannelOp, name, { channel: 'mask', scale }, [fragments])
}

/**
 * `input` * scale where a triangle is, else 0.
 * @param input n x h x w x c
 * @param fragments n x h x w x 4 of `rasterise`
 * @returns n x h x w x c
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function fragmentMasked(
  graph: GraphBuilder,
  name: string,
  input: Value,
  fragments: Value,
  scale = 1,
): Value {
  return addNode(graph, fragmentMaskedOp, name, { scale }, [input, fragments])
}

/**
 * z * scale where a triangle is, else 0.
 * @param fragments n x h x w x 4 of `rasterise`
 * @returns n x h x w x 1
 */
export function fragmentDepth(graph: GraphBuilder, name: string, fragments: Value, scale = 1): Value {
  return addNode(graph, fragmentChannelOp, name, { channel: 'depth', scale }, [fragments])
}

export const interpolateOp: OpDefinition<InterpolateAttrs> = {
  kind: 'interpolate',
  inputs: [1, 3],
  attributes: {
    triangles: indices,
    firstTriangle: optional(whole(0, MAX_TRIANGLES)),
    constant: optional(record({ data: finiteFloats, channels: whole() })),
  },
  coordinates: [0],
  loads: [0, 1],

  infer(context) {
    const { attrs } = context
    const fragments = fragmentsInput('interpolate', context, 0)
    const { channels, vertices } = attributeShape(context, fragments.n)
    checkTriangles('interpolate', context, attrs.triangles, vertices)
    const output = tensorType(fragments.n, fragments.h, fragments.w, channels)
    checkFront(context, output)
    return output
  },

  // Two differences and two multiply-adds a channel.
  flops: (_context, output) => {
    return output.kind === 'tensor' ? output.n * output.h * output.w * channelsOf(output) * 6 : 0
  },

  lower(context) {
    const { attrs, output, storage, loaded } = context
    const fragments = inputAt(context, 0)
    const { constant, firstTriangle = 0 } = attrs
    const front = context.inputs[2]
    const rows = rowsPerInvocation(context.schedule)
    const shared = {
      fragments: view(fragments),
      outputView: view(output),
      rows,
      firstTriangle,
      ...(front && { front: view(front) }),
    }
    const triangles = triangleTable(attrs.triangles)
    const attributes = constant
      ? constantTable(planesOfRows(constant.data, constant.channels))
      : inputAt(context, 1)
    return [
      {
        kernel: 'interpolate.wgsl',
        variant: constant ? 'constant' : 'tensor',
        params: {
          F16: storage === 'f16',
          LOADED_F16: loaded === 'f16',
          CONSTANT: constant !== undefined,
          FRONT: front !== undefined,
        },
        uniforms: constant
          ? { ...shared, vertices: constant.data.length / constant.channels }
          : { ...shared, attributes: view(attributes) },
        bindings: { fragments, triangles, attributes, output, ...(front && { front }) },
        workgroups: columnTiles(tensorOf(output), rows),
      },
    ]
  },
}

function checkFront(context: InferContext<InterpolateAttrs>, output: TensorType): void {
  const { constant } = context.attrs
  if (constant !== undefined && context.inputs.length > 1) {
    throw shapeError('interpolate', context, 'a map in front needs attributes that are a tensor')
  }
  if (context.inputs.length < 3) return
  const front = tensorInput('interpolate', context, 2)
  if (!sameLayout(front, output)) {
    throw shapeError('interpolate', context, 'the map in front must have the shape of the result')
  }
}

function attributeShape(
  context: InferContext<InterpolateAttrs>,
  batches: number,
): { channels: number; vertices: number } {
  const { constant } = context.attrs
  if (constant) {
    const channels = wholeNumber('interpolate', context, 'channels', constant.channels, 1)
    return {
      channels,
      vertices: wholeNumber('interpolate', context, 'table rows', constant.data.length / channels, 1),
    }
  }
  const type = tensorInput('interpolate', context, 1)
  if (type.h !== 1 || (type.n !== 1 && type.n !== batches)) {
    throw shapeError(
      'interpolate',
      context,
      'attributes must be n x 1 x V x c, with n = 1 or that of the fragments',
    )
  }
  return { channels: channelsOf(type), vertices: type.w }
}

interface FragmentChannelAttrs {
  readonly channel: 'mask' | 'depth'
  readonly scale: number
}

export const fragmentChannelOp: OpDefinition<FragmentChannelAttrs> = {
  kind: 'fragmentChannel',
  inputs: [1, 1],
  attributes: { channel: oneOf('mask', 'depth'), scale: finite },
  coordinates: [0],
  precise: 'asFirst',

  infer(context) {
    const { n, h, w } = fragmentsInput('fragmentChannel', context, 0)
    if (!Number.isFinite(context.attrs.scale)) {
      throw shapeError('fragmentChannel', context, `scale must be finite, got ${context.attrs.scale}`)
    }
    return tensorType(n, h, w, 1)
  },

  flops: (_context, output) => (output.kind === 'tensor' ? output.n * output.h * output.w : 0),

  lower(context) {
    const { attrs, output, storage } = context
    const fragments = inputAt(context, 0)
    return [
      {
        kernel: 'fragment_channel.wgsl',
        variant: attrs.channel,
        params: { F16: storage === 'f16', DEPTH: attrs.channel === 'depth' },
        uniforms: { fragments: view(fragments), outputView: view(output), scale: attrs.scale },
        bindings: { fragments, output },
        workgroups: columnTiles(tensorOf(output)),
      },
    ]
  },
}

export const fragmentMaskedOp: OpDefinition<{ readonly scale: number }> = {
  kind: 'fragmentMasked',
  inputs: [2, 2],
  attributes: { scale: finite },
  inPlaceInput: 0,
  coordinates: [1],
  loads: [1],
  precise: 'asFirst',

  infer(context) {
    const { n, h, w, segments } = tensorInput('fragmentMasked', context, 0)
    fragmentsInput('fragmentMasked', context, 1, tensorType(n, h, w, segments))
    return tensorType(n, h, w, segments)
  },

  flops: (_context, output) => {
    return output.kind === 'tensor' ? output.n * output.h * output.w * channelsOf(output) : 0
  },

  lower(context) {
    const { attrs, output, storage, loaded, inPlace } = context
    const source = inputAt(context, 0)
    const fragments = inputAt(context, 1)
    return [
      {
        kernel: 'fragment_masked.wgsl',
        variant: inPlace ? 'in place' : 'masked',
        params: { F16: storage === 'f16', LOADED_F16: loaded === 'f16', IN_PLACE: inPlace },
        uniforms: {
          source: view(source),
          fragments: view(fragments),
          outputView: view(output),
          scale: attrs.scale,
        },
        bindings: { fragments, output, ...(!inPlace && { source }) },
        workgroups: columnTiles(tensorOf(output)),
      },
    ]
  },
}
