import { at } from '../geometry/array.js'
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
 * @returns the moved mesh, Vx3 in template px of B, the rigid motion most visible vertices follow, and the hidden vertices
 */
export function moveMesh(
  mesh: ArrayLike<number>,
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): { mesh: Float32Array; rigid: RigidMotion; hidden: readonly number[] } {
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
    if (sampleMasked(flow, 3, mask, x, y, step) === 0 || z > (surface[0] as number) + HIDDEN_MARGIN) {
      hidden.push(v)
      continue
    }
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

/**
 * Another mesh of the same vertices, moved as `moveMesh` moves them.
 * @param mesh Vx3, template px of A
 * @param places Vx3: where the flow of each vertex is read. Where that is off the mask (a chin below the one that the mask ends at), a vertex
 * moves as it does in the mesh that `moveMesh` was given
 * @param from that mesh
 * @param moved what `moveMesh` made of it: hidden vertices follow its rigid motion here too
 * @returns Vx3, template px of B
 */
export function moveAlong(
  mesh: ArrayLike<number>,
  places: ArrayLike<number>,
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  from: ArrayLike<number>,
  { mesh: to, rigid, hidden }: ReturnType<typeof moveMesh>,
): Float32Array {
  const out = Float32Array.from(mesh)
  const isHidden = new Set(hidden)
  const step = new Float64Array(3)
  for (let v = 0; v < out.length; v += 3) {
    const [x, y, z] = [out[v] as number, out[v + 1] as number, out[v + 2] as number]
    if (isHidden.has(v / 3)) {
      out.set(applySimilarity3(rigid, x, y, z), v)
      continue
    }
    if (sampleMasked(flow, 3, mask, at(places, v), at(places, v + 1), step) === 0) {
      step.forEach((_, axis) => {
        step[axis] = at(to, v + axis) - at(from, v + axis)
      })
    }
    out.set([x + at(step, 0), y + at(step, 1), z + at(step, 2)], v)
  }
  return out
}
