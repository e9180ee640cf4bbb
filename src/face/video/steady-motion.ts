import { sampleMasked } from '../../geometry/masked-sample.js'
import { surfaceOf } from '../../products/fragments.js'
import { moveMesh } from '../../products/moved-mesh.js'
import { flowPlaces } from '../register/mesh-lead.js'
import type { PairOutputs } from '../registered-pair.js'

/** Pairs that end in the same frame. */
export interface MotionToFrame {
  /** From the frame before. */
  readonly previous: PairOutputs
  readonly reference: PairOutputs
}

/** Share that the flow from the reference has where both flows agree: as much as what the frame before leads to. */
const ANCHOR = 0.5
/** Beyond that they differ by more than their noise and the flow from the reference has the say, template px. */
const NOISE = 1

/**
 * Motion that is steady in time. Flow from the reference does not drift but trembles; flows from frame to frame, one after another,
 * do not tremble but drift, in depth most, since each errs the same way. So each vertex is where both lead, the flow from the
 * reference being the anchor, and both flows are changed to say so: then the flows from frame to frame add up to those from the
 * reference. Both flows are changed in place.
 * @param before Vx3: vertices of the reference in the frame before, template px; undefined where it cannot be gone on from
 * @param triangles Tx3 vertices, of the face beyond the mesh too
 * @param onward what is given at the mesh's vertices, Vx3, with what it comes to at those beyond
 * @returns Vx3: vertices of the reference in this frame, template px
 */
export function steadyMotion(
  before: Float32Array | undefined,
  { previous, reference }: MotionToFrame,
  triangles: ArrayLike<number>,
  onward: (rows: Float32Array) => Float32Array = (rows) => rows,
): Float32Array {
  const found = surfaceOf(reference.fragments)
  // The mesh network's own lies elsewhere: by the depth drawn there its lips and chin would count as hidden.
  const { drawnMesh, landmarksOfA } = reference
  const places = landmarksOfA && flowPlaces(drawnMesh)
  const { mesh: measured } = moveMesh(drawnMesh, reference.flow, found.mask, found.depth, places)
  if (before === undefined) return measured
  const { mask } = surfaceOf(previous.fragments)
  const isStill = previous.flow.every((value) => value === 0)
  const out = measured.slice()
  const changes = new Float32Array(measured.length)
  const changesOfStep = new Float32Array(measured.length)
  const step = new Float64Array(3)
  for (let v = 0; v < measured.length; v += 3) {
    const [x, y, z] = [before[v] as number, before[v + 1] as number, before[v + 2] as number]
    // Between two pictures that are the same nothing moves.
    if (!isStill && sampleMasked(previous.flow, 3, mask, x, y, step) === 0) continue
    const led = [x + (step[0] as number), y + (step[1] as number), z + (step[2] as number)] as const
    const apart = led.map((value, axis) => (measured[v + axis] as number) - value)
    const isNoise = Math.exp(-0.5 * (Math.hypot(...apart) / NOISE) ** 2)
    const share = isStill ? 0 : 1 - (1 - ANCHOR) * isNoise
    for (let axis = 0; axis < 3; axis++) {
      out[v + axis] = (led[axis] as number) + share * (apart[axis] as number)
      changes[v + axis] = (out[v + axis] as number) - (measured[v + axis] as number)
      changesOfStep[v + axis] = (out[v + axis] as number) - (led[axis] as number)
    }
  }
  addToFlow(reference, onward(changes), found.mask, triangles)
  addToFlow(previous, onward(changesOfStep), mask, triangles)
  return out
}

/** Adds what is given at the vertices, Vx3, to the flow there, and takes it from the flow back where that leads to it. */
function addToFlow(
  { flow, fragments, backward }: PairOutputs,
  changes: Float32Array,
  mask: Uint8Array,
  triangles: ArrayLike<number>,
): void {
  const field = new Float32Array(flow.length)
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    const [u, v] = [fragments[4 * i + 1] as number, fragments[4 * i + 2] as number]
    const corner = 3 * (fragments[4 * i + 3] as number)
    const a = 3 * (triangles[corner] as number)
    const b = 3 * (triangles[corner + 1] as number)
    const c = 3 * (triangles[corner + 2] as number)
    for (let axis = 0; axis < 3; axis++) {
      const last = changes[c + axis] as number
      const value =
        last + u * ((changes[a + axis] as number) - last) + v * ((changes[b + axis] as number) - last)
      field[3 * i + axis] = value
      flow[3 * i + axis] = (flow[3 * i + axis] as number) + value
    }
  }
  if (backward === undefined) return
  const width = Math.sqrt(mask.length)
  const change = new Float64Array(3)
  for (let i = 0; i < mask.length; i++) {
    if (backward.mask[i] === 0) continue
    const x = (i % width) + 0.5 + (backward.flow[3 * i] as number)
    const y = Math.floor(i / width) + 0.5 + (backward.flow[3 * i + 1] as number)
    if (sampleMasked(field, 3, mask, x, y, change) === 0) continue
    for (let axis = 0; axis < 3; axis++) {
      backward.flow[3 * i + axis] = (backward.flow[3 * i + axis] as number) - (change[axis] as number)
    }
  }
}
