import { list, optional, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP } from '../../graph/lowering.js'
import { type InferContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { channelsOf, planesOf, tensorType } from '../../graph/tensor.js'
import { constantTable } from '../tensor/constant-table.js'

/** Attributes of {@link refineMesh}. */
export interface RefineMeshAttrs {
  /**
   * Vertex that each point becomes. Those below the mesh's vertex count V replace x and y of a vertex; the others
   * are V, V + 1, ... without a gap and are appended.
   */
  readonly vertices: readonly number[]
  /** Vertices whose mean z the appended ones get. */
  readonly depthFrom?: readonly number[]
}

const KIND = 'refineMesh'
const KEEP = 0xffffffff

/** Vertices of the input and of the output. */
function counts(context: InferContext<RefineMeshAttrs>): { before: number; after: number } {
  const mesh = tensorInput(KIND, context, 0)
  if (mesh.h !== 1 || mesh.w !== 1 || channelsOf(mesh) % 3 !== 0) {
    throw shapeError(KIND, context, 'the mesh must be n x 1 x 1 x 3V')
  }
  const before = channelsOf(mesh) / 3
  return { before, after: before + context.attrs.vertices.filter((vertex) => vertex >= before).length }
}

function checkVertices(
  context: InferContext<RefineMeshAttrs>,
  indices: readonly number[],
  count: number,
): void {
  const bad = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= count)
  if (bad !== undefined) throw shapeError(KIND, context, `vertex ${bad} is not in 0..${count - 1}`)
}

export const refineMeshOp: OpDefinition<RefineMeshAttrs> = {
  kind: KIND,
  inputs: [2, 2],
  attributes: { vertices: list(whole(0)), depthFrom: optional(list(whole(0))) },
  coordinates: [0, 1],
  precise: 'always',
  infer(context) {
    const { vertices, depthFrom = [] } = context.attrs
    const { before, after } = counts(context)
    const mesh = tensorInput(KIND, context, 0)
    const points = tensorInput(KIND, context, 1)
    if (points.n !== mesh.n || points.h * points.w !== 1 || channelsOf(points) !== 2 * vertices.length) {
      throw shapeError(KIND, context, `the points must be ${mesh.n} x 1 x 1 x ${2 * vertices.length}`)
    }
    checkVertices(context, vertices, after)
    checkVertices(context, depthFrom, before)
    if (new Set(vertices).size !== vertices.length) {
      throw shapeError(KIND, context, 'two points share a vertex')
    }
    if (after > before && depthFrom.length === 0) {
      throw shapeError(KIND, context, 'appended vertices need depthFrom')
    }
    return tensorType(mesh.n, 1, 1, 3 * after)
  },
  flops: () => 0,
  lower(context) {
    const { node, attrs, output, storage } = context
    const mesh = inputAt(context, 0)
    const points = inputAt(context, 1)
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
          destination: view(output),
          vertices: before,
          depthCount: depthFrom.length,
        },
        bindings: { mesh, points, places: constantTable(places), destination: output },
        workgroups: [Math.ceil(planesOf(type) / LINEAR_WORKGROUP), 1, type.n],
      },
    ]
  },
}

/**
 * A mesh with 2D points put in the place of some of its vertices or behind the last: x, y from the points, z from
 * the mesh.
 * @param mesh n x 1 x 1 x 3V: x, y, z of vertex 0, then of vertex 1, ...
 * @param points n x 1 x 1 x 2P: x, y by point, in the mesh's frame
 * @returns n x 1 x 1 x 3(V + appended)
 * @throws EngineError INVALID_GRAPH if shapes or indices do not fit together
 */
export function refineMesh(
  graph: GraphBuilder,
  name: string,
  mesh: Value,
  points: Value,
  attrs: RefineMeshAttrs,
): Value {
  return addNode(graph, refineMeshOp, name, attrs, [mesh, points])
}
