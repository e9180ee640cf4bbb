import { finite, list, positive, tuple, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, linearGrid, tileGrid } from '../../graph/lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, type TensorType, tensorType } from '../../graph/tensor.js'

/** Channels of a region's transform: a b tx d e ty. */
const MATRIX_CHANNELS = 6

/** Attributes of {@link regionTransform}. */
export interface RegionTransformAttrs {
  /** Vertices of the line that lies horizontally in the region: left end, right end. */
  readonly line: readonly [number, number]
  /** Vertices whose bounding box, along the line and across it, spans the region. */
  readonly vertices: readonly number[]
  /** Feature map pixels per unit of the landmarks. */
  readonly scale: number
  /** Side of the region in its own coordinates. */
  readonly side: number
  /** Size of the region in bounding boxes; both have the same centre. */
  readonly margin: number
}

function isMatrix(type: TensorType, n: number): boolean {
  return type.n === n && type.h === 1 && type.w === 1 && channelsOf(type) === MATRIX_CHANNELS
}

function checkMatrix(kind: string, context: InferContext<unknown>, n: number): void {
  if (!isMatrix(tensorInput(kind, context, 1), n)) {
    throw shapeError(kind, context, `needs a region transform (1x1x${MATRIX_CHANNELS}) for each batch entry`)
  }
}

export const regionTransformOp: OpDefinition<RegionTransformAttrs> = {
  kind: 'regionTransform',
  inputs: [1, 1],
  attributes: {
    line: tuple(2, whole(0)),
    vertices: list(whole(0), 1),
    scale: positive,
    side: positive,
    margin: positive,
  },
  coordinates: [0],
  precise: 'always',
  infer(context) {
    const landmarks = tensorInput('regionTransform', context, 0)
    const { line, vertices, scale, side, margin } = context.attrs
    const count = Math.floor(channelsOf(landmarks) / 3)
    if (landmarks.h !== 1 || landmarks.w !== 1 || channelsOf(landmarks) % 3 !== 0) {
      throw shapeError('regionTransform', context, 'needs a 1x1 map of x, y, z by vertex')
    }
    for (const vertex of [...line, ...vertices]) {
      if (wholeNumber('regionTransform', context, 'vertex', vertex, 0) >= count) {
        throw shapeError('regionTransform', context, `there is no vertex ${vertex} among ${count}`)
      }
    }
    if (vertices.length === 0 || !(scale > 0 && side > 0 && margin > 0)) {
      throw shapeError('regionTransform', context, 'needs vertices and a positive scale, side and margin')
    }
    return tensorType(landmarks.n, 1, 1, MATRIX_CHANNELS)
  },
  flops: ({ attrs }, output) => (output.kind === 'tensor' ? output.n * 12 * attrs.vertices.length : 0),
  lower(context) {
    const { attrs, output, storage } = context
    const landmarks = inputAt(context, 0)
    return [
      {
        kernel: 'region_transform.wgsl',
        variant: `${attrs.vertices.length} vertices`,
        params: { F16: storage === 'f16' },
        uniforms: {
          landmarks: view(landmarks),
          destination: view(output),
          line: attrs.line,
          vertexCount: attrs.vertices.length,
          scale: attrs.scale,
          side: attrs.side,
          margin: attrs.margin,
        },
        bindings: {
          landmarks,
          vertices: {
            kind: 'packed',
            key: `vertices:${attrs.vertices.join()}`,
            pack: () => Uint32Array.from(attrs.vertices),
          },
          destination: output,
        },
        workgroups: [tensorOf(output).n, 1, 1],
      },
    ]
  },
}

/** Attributes of {@link regionCrop}. */
export interface RegionCropAttrs {
  readonly height: number
  readonly width: number
}

export const regionCropOp: OpDefinition<RegionCropAttrs> = {
  kind: 'regionCrop',
  inputs: [2, 2],
  attributes: { height: whole(), width: whole() },
  // The matrix is never a concatenation with padding: its channels are checked to be six of one part.
  readsSegments: true,
  coordinates: [1],
  loads: [1],
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('regionCrop', context, 0)
    checkMatrix('regionCrop', context, source.n)
    if (tensorInput('regionCrop', context, 1).segments.length !== 1) {
      throw shapeError('regionCrop', context, 'the region transform cannot be a concatenation')
    }
    const height = wholeNumber('regionCrop', context, 'height', context.attrs.height, 1)
    const width = wholeNumber('regionCrop', context, 'width', context.attrs.width, 1)
    return tensorType(source.n, height, width, source.segments)
  },
  flops: (_, output) =>
    output.kind === 'tensor' ? output.n * output.h * output.w * (20 + 8 * channelsOf(output)) : 0,
  lower(context) {
    const { output, storage, loaded } = context
    const source = inputAt(context, 0)
    const matrix = inputAt(context, 1)
    const type = tensorOf(output)
    return [
      {
        kernel: 'region_crop.wgsl',
        variant: 'bilinear',
        params: { F16: storage === 'f16', LOADED_F16: loaded === 'f16' },
        uniforms: { source: view(source), matrix: view(matrix), destination: view(output) },
        bindings: { source, matrix, destination: output },
        workgroups: tileGrid(type.h, type.w, type.n),
      },
    ]
  },
}

/** Attributes of {@link regionPoints}. */
export interface RegionPointsAttrs {
  /** Units of the points and of the result per unit of the transform's two sides. */
  readonly scale: number
}

export const regionPointsOp: OpDefinition<RegionPointsAttrs> = {
  kind: 'regionPoints',
  inputs: [2, 2],
  attributes: { scale: finite },
  coordinates: [0, 1],
  precise: 'always',
  infer(context) {
    const points = tensorInput('regionPoints', context, 0)
    const channels = channelsOf(points)
    if (points.h !== 1 || points.w !== 1 || channels % 2 !== 0) {
      throw shapeError('regionPoints', context, 'needs a 1x1 map of x, y by point')
    }
    checkMatrix('regionPoints', context, points.n)
    if (!Number.isFinite(context.attrs.scale)) {
      throw shapeError('regionPoints', context, `scale ${context.attrs.scale} must be finite`)
    }
    return tensorType(points.n, 1, 1, channels)
  },
  flops: (_, output) => (output.kind === 'tensor' ? output.n * 4 * channelsOf(output) : 0),
  lower(context) {
    const { attrs, output, storage } = context
    const points = inputAt(context, 0)
    const matrix = inputAt(context, 1)
    const type = tensorOf(output)
    return [
      {
        kernel: 'region_points.wgsl',
        variant: 'plane',
        params: { F16: storage === 'f16' },
        uniforms: {
          points: view(points),
          matrix: view(matrix),
          destination: view(output),
          scale: attrs.scale,
        },
        bindings: { points, matrix, destination: output },
        workgroups: linearGrid(planesOf(type), type.n),
      },
    ]
  },
}

/**
 * The affine map from a region's own coordinates (0 .. side) to feature map coordinates, pixel edges at whole numbers.
 * The region lies along `line` and is `margin` times the bounding box of `vertices` in that orientation.
 * @param landmarks n x 1 x 1 x 3 V: x, y, z by vertex; z is not used
 * @returns n x 1 x 1 x 6: a b tx d e ty, map x = a px + b py + tx, map y = d px + e py + ty
 * @throws EngineError INVALID_GRAPH if a vertex does not exist or an attribute is out of range
 */
export function regionTransform(
  graph: GraphBuilder,
  name: string,
  landmarks: Value,
  attrs: RegionTransformAttrs,
): Value {
  return addNode(graph, regionTransformOp, name, attrs, [landmarks])
}

/**
 * Cuts a region of height x width pixels out of a feature map. Pixel (x, y) has its centre at (x + .5, y + .5) in region
 * coordinates; sample points past the outermost pixel centres of the map give 0, others are bilinear.
 * @param matrix of `regionTransform`
 * @throws EngineError INVALID_GRAPH if the transform does not fit
 */
export function regionCrop(
  graph: GraphBuilder,
  name: string,
  input: Value,
  matrix: Value,
  attrs: RegionCropAttrs,
): Value {
  return addNode(graph, regionCropOp, name, attrs, [input, matrix])
}

/**
 * Takes points out of region coordinates: scale * M(p / scale), M the region's transform.
 * @param points n x 1 x 1 x 2 P: x, y by point
 * @param matrix of `regionTransform`
 * @throws EngineError INVALID_GRAPH if the transform does not fit
 */
export function regionPoints(
  graph: GraphBuilder,
  name: string,
  points: Value,
  matrix: Value,
  attrs: RegionPointsAttrs,
): Value {
  return addNode(graph, regionPointsOp, name, attrs, [points, matrix])
}
