import type { GraphBuilder, Value } from '../graph/graph.js'
import { channelsOf, planesOf, tensorType } from '../graph/tensor.js'
import { constantTable } from './constant-table.js'
import { shapeError, tensorInput } from './infer.js'
import { inputAt, LINEAR_WORKGROUP } from './lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from './op.js'
import { checkVertices, flatVertices, PLACEMENT_CHANNELS } from './region-transform.js'

export interface RefineMeshAttrs {
  /**
   * Vertex that each point becomes. Those below the mesh's vertex count V replace x and y of a vertex; the others
   * must be V, V + 1, ... in order and are appended.
   */
  readonly vertices: readonly number[]
  /** Units of the points per side of the region. */
  readonly pointRange: number
  /** Vertices whose mean z the appended ones get. */
  readonly depthFrom?: readonly number[]
}

const KIND = 'refineMesh'
const KEEP = 0xffffffff

/** Vertices of the input and of the output. */
function counts(context: InferContext<RefineMeshAttrs>): { before: number; after: number } {
  const { vertices } = context.attrs
  const before = flatVertices(KIND, context, tensorInput(KIND, context, 0))
  return { before, after: before + vertices.filter((vertex) => vertex >= before).length }
}

export const refineMeshOp: OpDefinition<RefineMeshAttrs> = {
  kind: KIND,
  infer(context) {
    const { vertices, pointRange, depthFrom = [] } = context.attrs
    const mesh = tensorInput(KIND, context, 0)
    const points = tensorInput(KIND, context, 1)
    const placement = tensorInput(KIND, context, 2)
    const { before, after } = counts(context)
    if (points.n !== mesh.n || points.h * points.w !== 1 || channelsOf(points) !== 2 * vertices.length) {
      throw shapeError(KIND, context, `the points must be ${mesh.n} x 1 x 1 x ${2 * vertices.length}`)
    }
    if (
      placement.n !== mesh.n ||
      placement.h * placement.w !== 1 ||
      channelsOf(placement) !== PLACEMENT_CHANNELS
    ) {
      throw shapeError(KIND, context, `the placement must be ${mesh.n} x 1 x 1 x ${PLACEMENT_CHANNELS}`)
    }
    checkVertices(KIND, context, vertices, after)
    checkVertices(KIND, context, depthFrom, before)
    if (new Set(vertices).size !== vertices.length)
      throw shapeError(KIND, context, 'two points share a vertex')
    if (after > before && depthFrom.length === 0) {
      throw shapeError(KIND, context, 'appended vertices need depthFrom')
    }
    if (!(pointRange > 0 && Number.isFinite(pointRange))) {
      throw shapeError(KIND, context, `pointRange must be positive, got ${pointRange}`)
    }
    return tensorType(mesh.n, 1, 1, 3 * after)
  },
  // Two divisions and a dot product of two, for x and for y.
  flops: ({ attrs }, output) => (output.kind === 'tensor' ? 12 * output.n * attrs.vertices.length : 0),
  lower(context) {
    const { node, attrs, output, storage } = context
    const mesh = inputAt(context, 0)
    const points = inputAt(context, 1)
    const placement = inputAt(context, 2)
    const { before, after } = counts({ node, attrs, inputs: [tensorOf(mesh)] })
    const { depthFrom = [] } = attrs
    const places = new Uint32Array(after + depthFrom.length).fill(KEEP, 0, after)
    for (const [point, vertex] of attrs.vertices.entries()) places[vertex] = point
    places.set(depthFrom, after)
    const type = tensorOf(output)
    return [
      {
        kernel: 'refine_mesh.wgsl',
        variant: 'vec4',
        params: { F16: storage === 'f16' },
        uniforms: {
          mesh: view(mesh),
          points: view(points),
          placement: view(placement),
          destination: view(output),
          vertices: before,
          depthCount: depthFrom.length,
          pointRange: attrs.pointRange,
        },
        bindings: { mesh, points, placement, places: constantTable(places), destination: output },
        workgroups: [Math.ceil(planesOf(type) / LINEAR_WORKGROUP), 1, type.n],
      },
    ]
  },
}

/**
 * A mesh with points of one region put in: x, y from the points through the region's placement, z from the mesh.
 * @param mesh n x 1 x 1 x 3V
 * @param points n x 1 x 1 x 2P, region coordinates from 0 to `pointRange`
 * @param placement n x 1 x 1 x 8, see `regionTransform`
 * @returns n x 1 x 1 x 3(V + appended)
 * @throws EngineError INVALID_GRAPH if shapes or indices do not fit together
 */
export function refineMesh(
  graph: GraphBuilder,
  name: string,
  mesh: Value,
  points: Value,
  placement: Value,
  attrs: RefineMeshAttrs,
): Value {
  return graph.add(refineMeshOp, name, attrs, [mesh, points, placement])
}
