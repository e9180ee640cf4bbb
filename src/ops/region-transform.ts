import type { GraphBuilder, Value } from '../graph/graph.js'
import { channelsOf, type TensorType, tensorType } from '../graph/tensor.js'
import { constantTable } from './constant-table.js'
import { shapeError, tensorInput } from './infer.js'
import { inputAt } from './lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from './op.js'

export interface RegionTransformAttrs {
  /** Vertices at the ends of the region's own x axis, left and right. */
  readonly axis: readonly [left: number, right: number]
  /** Vertices that the region is laid around. */
  readonly vertices: readonly number[]
  /** Sides of the region by sides of the rectangle around the vertices. */
  readonly margin: number
}

const KIND = 'regionTransform'

/** The two rows of a placement, each padded to a plane. */
export const PLACEMENT_CHANNELS = 8

/** A mesh laid out flat, n x 1 x 1 x 3V; returns V. */
export function flatVertices(kind: string, context: InferContext<unknown>, type: TensorType): number {
  if (type.h !== 1 || type.w !== 1 || channelsOf(type) % 3 !== 0) {
    throw shapeError(kind, context, 'the mesh must be n x 1 x 1 x 3V')
  }
  return channelsOf(type) / 3
}

/** @throws EngineError INVALID_GRAPH if one of the indices is no vertex */
export function checkVertices(
  kind: string,
  context: InferContext<unknown>,
  indices: readonly number[],
  count: number,
): void {
  const bad = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= count)
  if (bad !== undefined) throw shapeError(kind, context, `vertex ${bad} is not in 0..${count - 1}`)
}

export const regionTransformOp: OpDefinition<RegionTransformAttrs> = {
  kind: KIND,
  infer(context) {
    const { axis, vertices, margin } = context.attrs
    const mesh = tensorInput(KIND, context, 0)
    checkVertices(KIND, context, [...axis, ...vertices], flatVertices(KIND, context, mesh))
    if (vertices.length === 0) throw shapeError(KIND, context, 'needs at least one vertex')
    if (!(margin > 0 && Number.isFinite(margin))) {
      throw shapeError(KIND, context, `margin must be positive, got ${margin}`)
    }
    return tensorType(mesh.n, 1, 1, PLACEMENT_CHANNELS)
  },
  // Two dot products and two comparisons a vertex.
  flops: ({ attrs }, output) => (output.kind === 'tensor' ? 10 * output.n * attrs.vertices.length : 0),
  lower(context) {
    const { attrs, output, storage } = context
    const mesh = inputAt(context, 0)
    return [
      {
        kernel: 'region_transform.wgsl',
        variant: 'serial',
        params: { F16: storage === 'f16' },
        uniforms: {
          source: view(mesh),
          destination: view(output),
          axis: attrs.axis,
          count: attrs.vertices.length,
          margin: attrs.margin,
        },
        bindings: {
          mesh,
          vertices: constantTable(Uint32Array.from(attrs.vertices)),
          destination: output,
        },
        workgroups: [tensorOf(output).n, 1, 1],
      },
    ]
  },
}

/**
 * Placement of a region of a mesh: the affine map from the unit square (x right, y down) to the region in the
 * mesh's frame, `(m00, m01, tx, 0, m10, m11, ty, 0)`.
 * @param mesh n x 1 x 1 x 3V
 * @returns n x 1 x 1 x 8
 * @throws EngineError INVALID_GRAPH if the mesh has another shape or lacks a vertex
 */
export function regionTransform(
  graph: GraphBuilder,
  name: string,
  mesh: Value,
  attrs: RegionTransformAttrs,
): Value {
  return graph.add(regionTransformOp, name, attrs, [mesh])
}
