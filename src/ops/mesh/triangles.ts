import { shapeError, tensorInput } from '../../graph/infer.js'
import type { InferContext, Operand } from '../../graph/op.js'
import type { TensorType } from '../../graph/tensor.js'
import { channelsOf } from '../../graph/tensor.js'
import { constantTable } from '../tensor/constant-table.js'

/** Workgroups of 64 in one dimension of a dispatch; also well below 2^24, where 32-bit floats stop to count. */
export const MAX_TRIANGLES = 65535 * 64

/** The vertices at `index`: n x 1 x V x 3. */
export function verticesInput(kind: string, context: InferContext<unknown>, index: number): TensorType {
  const type = tensorInput(kind, context, index)
  if (type.h !== 1 || channelsOf(type) !== 3) {
    throw shapeError(kind, context, `vertices must be n x 1 x V x 3 (x, y, z)`)
  }
  return type
}

/** The fragments of `rasterise` at `index`: n x h x w x 4, of the size of `map` where there is one. */
export function fragmentsInput(
  kind: string,
  context: InferContext<unknown>,
  index: number,
  map?: TensorType,
): TensorType {
  const type = tensorInput(kind, context, index)
  if (channelsOf(type) !== 4) throw shapeError(kind, context, 'fragments must be n x h x w x 4 of rasterise')
  if (map && (type.n !== map.n || type.h !== map.h || type.w !== map.w)) {
    throw shapeError(kind, context, 'fragments must have the n, h and w of the map')
  }
  return type
}

/** Checks a list of three vertex indices a triangle. */
export function checkTriangles(
  kind: string,
  context: InferContext<unknown>,
  triangles: Uint32Array,
  vertices: number,
): void {
  if (triangles.length === 0 || triangles.length % 3 !== 0) {
    throw shapeError(kind, context, `triangles must hold 3 indices each, got ${triangles.length} numbers`)
  }
  if (triangles.length / 3 > MAX_TRIANGLES) {
    throw shapeError(kind, context, `at most ${MAX_TRIANGLES} triangles, got ${triangles.length / 3}`)
  }
  const wrong = triangles.findIndex((vertex) => vertex >= vertices)
  if (wrong >= 0) {
    const triangle = Math.floor(wrong / 3)
    throw shapeError(
      kind,
      context,
      `triangle ${triangle} refers to vertex ${triangles[wrong]}, but there are ${vertices}`,
    )
  }
}

/** One vec4 a triangle, so that a kernel reads its three indices with one load. */
export function triangleTable(triangles: Uint32Array): Operand {
  const packed = new Uint32Array((triangles.length / 3) * 4)
  for (let i = 0; i < triangles.length; i++) packed[Math.floor(i / 3) * 4 + (i % 3)] = triangles[i] ?? 0
  return constantTable(packed)
}
