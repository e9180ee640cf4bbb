import { at } from '../geometry/array.js'
import { assertFinite, notFinite } from '../geometry/finite.js'
import { sampleMasked } from '../geometry/masked-sample.js'
import { applySimilarity3 } from '../geometry/similarity3.js'
import type { RigidMotion } from './rigid-motion.js'
import { fitRigidRobust } from './rigid-motion.js'

/** A vertex this much behind the visible surface, in template px, is hidden by it. */
const HIDDEN_MARGIN = 3

/**
 * Mesh of B: every visible vertex of A moved by the flow at its place. Hidden vertices (behind the
 * surface, or off the mask) have no flow of their own and follow the rigid motion of the visible ones.
 * @param mesh Vx3, template px of A
 * @param flow 224x224x3
 * @param mask 224x224
 * @param depth 224x224, z of the visible surface, template px
 * @param places Vx3, where the flow of each vertex is read, if not at its place; off the mask it is read there all the same
 * @throws EngineError NUMERIC_OVERFLOW naming the argument and the vertex where one of them, or what a vertex reads of a field, is NaN or infinite
 * @returns the moved mesh, Vx3 in template px of B, the rigid motion most visible vertices follow, and the hidden vertices
 */
export function moveMesh(
  mesh: ArrayLike<number>,
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
  places: ArrayLike<number> = mesh,
): { mesh: Float32Array; rigid: RigidMotion; hidden: readonly number[] } {
  assertFinite(mesh, 'mesh', 'vertex', 3)
  if (places !== mesh) assertFinite(places, 'places', 'vertex', 3)
  const vertices = mesh.length / 3
  const out = new Float32Array(mesh.length)
  const step = new Float64Array(3)
  const surface = new Float64Array(1)
  const source = new Float64Array(mesh.length)
  const target = new Float64Array(mesh.length)
  const hidden: number[] = []
  let seen = 0
  for (let v = 0; v < vertices; v++) {
    const x = mesh[3 * v] as number
    const y = mesh[3 * v + 1] as number
    const z = mesh[3 * v + 2] as number
    sampleMasked(depth, 1, mask, x, y, surface)
    const isMoving =
      sampleMasked(flow, 3, mask, at(places, 3 * v), at(places, 3 * v + 1), step) > 0 ||
      sampleMasked(flow, 3, mask, x, y, step) > 0
    if (!isMoving || z > (surface[0] as number) + HIDDEN_MARGIN) {
      hidden.push(v)
      continue
    }
    assertRead(surface, 'depth', v)
    assertRead(step, 'flow', v)
    for (let axis = 0; axis < 3; axis++) {
      const from = mesh[3 * v + axis] as number
      source[seen] = from
      target[seen] = from + (step[axis] as number)
      out[3 * v + axis] = target[seen] as number
      seen++
    }
  }
  const rigid = fitRigidRobust(source.subarray(0, seen), target.subarray(0, seen))
  for (const v of hidden) {
    out.set(
      applySimilarity3(rigid, mesh[3 * v] as number, mesh[3 * v + 1] as number, mesh[3 * v + 2] as number),
      3 * v,
    )
  }
  return { mesh: out, rigid, hidden }
}

function assertRead(read: Float64Array, field: string, vertex: number): void {
  const value = read.find((number) => !Number.isFinite(number))
  if (value !== undefined) throw notFinite(field, 'what it holds for vertex', vertex, value)
}
