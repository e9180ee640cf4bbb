import { finite, finiteFloats, indices, oneOf, optional, record, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { columnTiles, inputAt, rowsPerInvocation } from '../../graph/lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, tensorType } from '../../graph/tensor.js'
import { constantTable, planesOfRows } from '../tensor/constant-table.js'
import { checkTriangles, fragmentsInput, triangleTable } from './triangles.js'

/** A value per vertex that never changes, e.g. the NCC colours of a mesh: `[vertex][channel]`. */
export interface ConstantAttributes {
  readonly data: Float32Array
  readonly channels: number
}

export interface InterpolateAttrs {
  /** The triangles that were rasterised. */
  readonly triangles: Uint32Array
  /** Set where the attributes are not a tensor. */
  readonly constant?: ConstantAttributes
}

/**
 * Fills the triangles of a raster with a mean of their corners' attributes, weighted barycentrically; 0 where no
 * triangle is. An attribute that is equal at all corners comes out exactly.
 * @param fragments n x h x w x 4 of `rasterise`
 * @param attributes (1 or n) x 1 x V x c, or a constant table
 * @returns n x h x w x c
 * @throws EngineError INVALID_GRAPH if the shapes do not fit or an index lies past the last vertex
 */
export function interpolate(
  graph: GraphBuilder,
  name: string,
  fragments: Value,
  attributes: Value | ConstantAttributes,
  attrs: Pick<InterpolateAttrs, 'triangles'>,
): Value {
  if (typeof attributes === 'object' && attributes !== null && 'data' in attributes) {
    return addNode(graph, interpolateOp, name, { ...attrs, constant: attributes }, [fragments])
  }
  return addNode(graph, interpolateOp, name, attrs, [fragments, attributes])
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
  inputs: [1, 2],
  attributes: { triangles: indices, constant: optional(record({ data: finiteFloats, channels: whole() })) },
  coordinates: [0],
  loads: [0, 1],

  infer(context) {
    const { attrs } = context
    const fragments = fragmentsInput('interpolate', context, 0)
    const { channels, vertices } = attributeShape(context, fragments.n)
    checkTriangles('interpolate', context, attrs.triangles, vertices)
    return tensorType(fragments.n, fragments.h, fragments.w, channels)
  },

  // Two differences and two multiply-adds a channel.
  flops: (_context, output) => {
    return output.kind === 'tensor' ? output.n * output.h * output.w * channelsOf(output) * 6 : 0
  },

  lower(context) {
    const { attrs, output, storage, loaded } = context
    const fragments = inputAt(context, 0)
    const { constant } = attrs
    const rows = rowsPerInvocation(context.schedule)
    const shared = { fragments: view(fragments), outputView: view(output), rows }
    const triangles = triangleTable(attrs.triangles)
    const attributes = constant
      ? constantTable(planesOfRows(constant.data, constant.channels))
      : inputAt(context, 1)
    return [
      {
        kernel: 'interpolate.wgsl',
        variant: constant ? 'constant' : 'tensor',
        params: { F16: storage === 'f16', LOADED_F16: loaded === 'f16', CONSTANT: constant !== undefined },
        uniforms: constant
          ? { ...shared, vertices: constant.data.length / constant.channels }
          : { ...shared, attributes: view(attributes) },
        bindings: { fragments, triangles, attributes, output },
        workgroups: columnTiles(tensorOf(output), rows),
      },
    ]
  },
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
