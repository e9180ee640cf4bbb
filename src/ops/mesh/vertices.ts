import {
  anything,
  type Check,
  either,
  finite,
  floats,
  indices,
  list,
  oneOf,
  optional,
  record,
  tuple,
  whole,
} from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP } from '../../graph/lowering.js'
import {
  type InferContext,
  type OpDefinition,
  type Operand,
  tensorOf,
  type UniformValue,
  view,
} from '../../graph/op.js'
import { channelsOf, planesOf, type TensorType, tensorType } from '../../graph/tensor.js'
import { constantTable, planesOfRows } from '../tensor/constant-table.js'

type Vec3 = readonly [number, number, number]

/**
 * Vertices come as n x 1 x V x 3, or flat as n x 1 x 1 x 3V (x, y, z of vertex 0, then of vertex 1, ...), which is
 * how a fully connected layer leaves them.
 */
export interface VertexMapAttrs {
  /** Channels of the output: each an affine function of x, y, z in every mesh, in the order of the inputs. */
  readonly channels: readonly {
    /** Weights of x, y, z, one triple per mesh. */
    readonly weights: readonly Vec3[]
    readonly offset: number
  }[]
  /** By mesh: output vertex i is vertex `orders[mesh][i]` of it; all in order where absent or undefined. */
  readonly orders?: readonly (Uint32Array | undefined)[]
  /** Added to the channels: `[output vertex][channel]`. */
  readonly table?: Float32Array
}

/** A part of a vertex's attributes; see `vertexAttributes`. */
export type VertexAttribute =
  /** A constant of each vertex, `[vertex][channel]`: as many channels as it has. */
  | { readonly kind: 'constant'; readonly data: Float32Array; readonly channels: number }
  /** (second mesh - first mesh) * scale: 3 channels. */
  | { readonly kind: 'difference'; readonly scale: number }
  /** (x, y, z of the first mesh - origin) * scale: 3 channels. */
  | { readonly kind: 'position'; readonly scale: number; readonly origin: Vec3 }
  /** z of the first mesh * scale: 1 channel. */
  | { readonly kind: 'depth'; readonly scale: number }

/** Vertices * scale + offset, per axis. */
export interface VertexTransform {
  readonly scale: Vec3
  readonly offset: Vec3
  /** Vertex i of the result is vertex `order[i]` of the mesh; all in order where absent. */
  readonly order?: Uint32Array
}

/**
 * Vertices * scale + offset, per axis: from pixels of a crop to those of a template, for example.
 * @param attrs order: vertex i of the output is vertex `order[i]` of the input
 * @returns n x 1 x V x 3, also where the input is flat
 * @throws EngineError INVALID_GRAPH if the input holds no vertices or a number is not finite
 */
export function affineVertices(
  graph: GraphBuilder,
  name: string,
  vertices: Value,
  attrs: VertexTransform,
): Value {
  checkOptions(KIND, name, TRANSFORM, attrs)
  const channels = axes((unit, axis) => ({
    weights: [scaled(unit, attrs.scale[axis] ?? 1)],
    offset: attrs.offset[axis] ?? 0,
  }))
  return addNode(graph, vertexMapOp, name, { channels, ...(attrs.order && { orders: [attrs.order] }) }, [
    vertices,
  ])
}

/**
 * The mean of two meshes, vertex by vertex.
 * @param transforms of each mesh, before the mean is taken; as they are where absent
 * @returns n x 1 x V x 3, also where the inputs are flat
 * @throws EngineError INVALID_GRAPH if an input holds no vertices, the shapes or the lengths of the orders differ, or a number
 * is not finite
 */
export function meanVertices(
  graph: GraphBuilder,
  name: string,
  meshes: readonly [Value, Value],
  transforms?: readonly [VertexTransform, VertexTransform],
): Value {
  checkOptions(
    KIND,
    name,
    { meshes: tuple(2, anything), transforms: optional(tuple(2, record(TRANSFORM))) },
    { meshes, ...(transforms !== undefined && { transforms }) },
  )
  const channels = axes((unit, axis) => ({
    weights: meshes.map((_, mesh) => scaled(unit, 0.5 * (transforms?.[mesh]?.scale[axis] ?? 1))),
    offset: 0.5 * (transforms ?? []).reduce((sum, { offset }) => sum + (offset[axis] ?? 0), 0),
  }))
  const orders = transforms?.map(({ order }) => order)
  return addNode(graph, vertexMapOp, name, { channels, ...(orders && { orders }) }, meshes)
}

/**
 * The vertices with the given indices, in that order: 68 landmarks of a mesh, for example.
 * @returns n x 1 x indices x 3
 * @throws EngineError INVALID_GRAPH if the input holds no vertices or an index lies past the last
 */
export function gatherVertices(
  graph: GraphBuilder,
  name: string,
  vertices: Value,
  vertexIndices: readonly number[] | Uint32Array,
): Value {
  checkOptions(KIND, name, { indices: either(list(whole(0)), indices) }, { indices: vertexIndices })
  const channels = axes((unit) => ({ weights: [unit], offset: 0 }))
  return addNode(graph, vertexMapOp, name, { channels, orders: [Uint32Array.from(vertexIndices)] }, [
    vertices,
  ])
}

/**
 * Puts per-vertex attributes side by side, for `interpolate` to spread over the pixels in one dispatch.
 * @param meshes the first mesh and, where a difference is wanted, the second
 * @returns n x 1 x V x (sum of the parts' channels)
 * @throws EngineError INVALID_GRAPH if a table does not fit the vertices, the meshes' shapes differ, or a difference
 * lacks its second mesh
 */
export function vertexAttributes(
  graph: GraphBuilder,
  name: string,
  meshes: readonly [Value] | readonly [Value, Value],
  parts: readonly VertexAttribute[],
): Value {
  checkParts(KIND, name, meshes, parts)
  const channels = channelsOfParts(meshes.length, parts)
  const table = joinTables(parts, channels.length)
  return addNode(graph, vertexMapOp, name, { channels, ...(table && { table }) }, meshes)
}

/** What the parts add up from places in so many meshes; nothing for constants. */
export function channelsOfParts(
  meshes: number,
  parts: readonly VertexAttribute[],
): VertexMapAttrs['channels'] {
  const others: Vec3[] = meshes === 2 ? [[0, 0, 0]] : []
  const none: Vec3 = [0, 0, 0]
  return parts.flatMap((part): VertexMapAttrs['channels'] => {
    switch (part.kind) {
      case 'constant':
        return Array.from({ length: part.channels }, () => ({ weights: [none, ...others], offset: 0 }))
      case 'difference':
        return axes((unit) => ({ weights: [scaled(unit, -part.scale), scaled(unit, part.scale)], offset: 0 }))
      case 'position':
        return axes((unit, axis) => ({
          weights: [scaled(unit, part.scale), ...others],
          offset: -part.scale * (part.origin[axis] ?? 0),
        }))
      case 'depth':
        return [{ weights: [[0, 0, part.scale], ...others], offset: 0 }]
      default:
        return part satisfies never
    }
  })
}

const TRIPLE = tuple(3, finite)
const TRANSFORM = { scale: TRIPLE, offset: TRIPLE, order: optional(indices) }

/** By kind of part. */
const PARTS: Readonly<Record<VertexAttribute['kind'], Readonly<Record<string, Check>>>> = {
  constant: { data: floats, channels: whole() },
  difference: { scale: finite },
  position: { scale: finite, origin: TRIPLE },
  depth: { scale: finite },
}

/** @throws EngineError INVALID_GRAPH in the name of an op of this kind */
export function checkParts(
  kind: string,
  node: string,
  meshes: readonly Value[],
  parts: readonly VertexAttribute[],
): void {
  checkOptions(
    kind,
    node,
    { meshes: list(anything, 1), parts: list(record({ kind: oneOf(...Object.keys(PARTS)) })) },
    {
      meshes,
      parts,
    },
  )
  for (const part of parts) {
    checkOptions(kind, node, PARTS[part.kind], part)
    // A table of fewer values than channels would make channels without a vertex.
    if (
      part.kind === 'constant' &&
      (part.data.length < part.channels || part.data.length % part.channels !== 0)
    ) {
      const problem = `constant parts must have rows of their ${part.channels} channels, got ${part.data.length} values`
      throw shapeError(kind, { node, inputs: [] }, problem)
    }
  }
}

const UNITS: readonly Vec3[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]

function axes<T>(make: (unit: Vec3, axis: number) => T): T[] {
  return UNITS.map(make)
}

function scaled(unit: Vec3, scale: number): Vec3 {
  return [unit[0] * scale, unit[1] * scale, unit[2] * scale]
}

/** The constant parts in their places among all channels; undefined where there are none. */
function joinTables(parts: readonly VertexAttribute[], channels: number): Float32Array | undefined {
  const rows = parts.map((part) => (part.kind === 'constant' ? part.data.length / part.channels : 0))
  const vertices = Math.max(0, ...rows)
  if (vertices === 0) return undefined
  // A table that does not fit makes the joined one NaN, which `infer` reports with the node's name.
  const table = new Float32Array(vertices * channels)
  let first = 0
  for (const part of parts) {
    if (part.kind === 'constant') {
      for (let v = 0; v < vertices; v++) {
        for (let c = 0; c < part.channels; c++) {
          table[v * channels + first + c] = part.data[v * part.channels + c] ?? Number.NaN
        }
      }
    }
    first += part.kind === 'constant' ? part.channels : part.kind === 'depth' ? 1 : 3
  }
  return table
}

const KIND = 'vertexMap'

/** What the channels of {@link VertexMapAttrs} must be. */
export const VERTEX_CHANNELS = list(record({ weights: list(tuple(3, finite), 1), offset: finite }))

export const vertexMapOp: OpDefinition<VertexMapAttrs> = {
  kind: KIND,
  inputs: [1, 2],
  attributes: {
    channels: VERTEX_CHANNELS,
    orders: optional(list(optional(indices))),
    table: optional(floats),
  },
  coordinates: [0, 1],
  precise: 'always',

  infer(context) {
    const { attrs, inputs } = context
    if (inputs.length !== 1 && inputs.length !== 2) throw shapeError(KIND, context, 'takes one or two meshes')
    const meshes = inputs.map((_, index) => meshInput(context, index))
    const first = meshInput(context, 0)
    const second = meshes[1] ?? first
    if (first.vertices !== second.vertices || first.flat !== second.flat) {
      throw shapeError(KIND, context, 'the two meshes differ in their shapes')
    }
    const n = Math.max(first.n, second.n)
    if (meshes.some((mesh) => mesh.n !== 1 && mesh.n !== n)) {
      throw shapeError(KIND, context, 'the two meshes differ in their batch sizes')
    }
    if (attrs.channels.length === 0) throw shapeError(KIND, context, 'has no channels')
    checkChannels(KIND, context, attrs.channels, inputs.length)
    const orders = inputs.map((_, mesh) => attrs.orders?.[mesh])
    for (const order of orders) {
      const wrong = order?.find((vertex) => vertex >= first.vertices)
      if (wrong !== undefined || order?.length === 0) {
        throw shapeError(KIND, context, `has no vertex ${wrong ?? 'to gather'}; there are ${first.vertices}`)
      }
    }
    const [vertices = first.vertices, ...others] = orders.map((order) => order?.length ?? first.vertices)
    if (others.some((count) => count !== vertices)) {
      throw shapeError(KIND, context, `takes ${[vertices, ...others].join(' and ')} vertices of its meshes`)
    }
    const { table } = attrs
    if (table && (table.length !== vertices * attrs.channels.length || !table.every(Number.isFinite))) {
      throw shapeError(KIND, context, `the constant parts must be finite and have ${vertices} rows each`)
    }
    return tensorType(n, 1, vertices, attrs.channels.length)
  },

  flops({ inputs }, output) {
    return output.kind === 'tensor' ? output.n * output.w * channelsOf(output) * 6 * inputs.length : 0
  },

  lower(context) {
    const { attrs, inputs, output, storage } = context
    const type = tensorOf(output)
    const bindings: Record<string, Operand> = { output, rows: constantTable(packChannels(attrs.channels)) }
    const uniforms: Record<string, UniformValue> = { outputView: view(output) }
    inputs.forEach((mesh, index) => {
      bindings[`mesh${index}`] = mesh
      uniforms[`view${index}`] = view(mesh)
      const order = attrs.orders?.[index]
      if (order) bindings[`order${index}`] = constantTable(order)
    })
    if (attrs.table) bindings.constants = constantTable(planesOfRows(attrs.table, attrs.channels.length))
    const flat = channelsOf(tensorOf(inputAt(context, 0))) !== 3
    return [
      {
        kernel: 'vertex_map.wgsl',
        variant: `${flat ? 'flat ' : ''}${inputs.length} mesh${inputs.length > 1 ? 'es' : ''}`,
        params: {
          F16: storage === 'f16',
          MESHES: inputs.length,
          FLAT: flat,
          GATHER0: attrs.orders?.[0] !== undefined,
          GATHER1: attrs.orders?.[1] !== undefined,
          TABLE: attrs.table !== undefined,
        },
        uniforms,
        bindings,
        workgroups: [Math.ceil(type.w / LINEAR_WORKGROUP), planesOf(type), type.n],
      },
    ]
  },
}

interface MeshShape {
  readonly n: number
  readonly vertices: number
  readonly flat: boolean
}

function meshInput(context: InferContext<VertexMapAttrs>, index: number): MeshShape {
  const type: TensorType = tensorInput(KIND, context, index)
  const channels = channelsOf(type)
  if (type.h !== 1 || (channels !== 3 && (type.w !== 1 || channels % 3 !== 0))) {
    throw shapeError(KIND, context, 'vertices must be n x 1 x V x 3 or n x 1 x 1 x 3V')
  }
  return channels === 3
    ? { n: type.n, vertices: type.w, flat: false }
    : { n: type.n, vertices: channels / 3, flat: true }
}

/** @throws EngineError INVALID_GRAPH unless the channels have finite weights of so many meshes */
export function checkChannels(
  kind: string,
  context: InferContext<unknown>,
  channels: VertexMapAttrs['channels'],
  meshes: number,
): void {
  for (const { weights, offset } of channels) {
    if (weights.length !== meshes) {
      throw shapeError(kind, context, `a difference needs two meshes, got ${meshes}`)
    }
    if (![offset, ...weights.flat()].every(Number.isFinite)) {
      throw shapeError(kind, context, 'scales and offsets must be finite')
    }
  }
}

/** Per channel, padded to planes, and mesh: weights of x, y, z and the offset (all of it with the first mesh). */
export function packChannels(channels: VertexMapAttrs['channels']): Float32Array {
  const meshes = channels[0]?.weights.length ?? 1
  const rows = new Float32Array(Math.ceil(channels.length / 4) * 4 * meshes * 4)
  channels.forEach(({ weights, offset }, channel) => {
    weights.forEach((triple, mesh) => {
      rows.set([...triple, mesh === 0 ? offset : 0], (channel * meshes + mesh) * 4)
    })
  })
  return rows
}
