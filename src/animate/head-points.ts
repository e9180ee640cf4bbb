import { SIDES } from './face-parts.js'
import {
  expressionReach,
  type HeadFrame,
  headDepth,
  heightInFace,
  outwardFrom,
  smoothStep,
  steepestBeyond,
} from './head-depth.js'
import { type MeshPlace, nearestOnOutline, valueAt } from './mesh-places.js'
import { meanOf } from './points.js'

/** A point of a picture on the head, in space: what beyond the mesh follows from it. */
export interface HeadPoint {
  readonly x: number
  readonly y: number
  readonly z: number
  /** By how much it lies before that on the side that comes forward, and where that side is. */
  readonly before: number
  readonly outward: readonly [number, number]
  /** Whose expression it shares, with weights that sum to less than 1 beyond the rim. */
  readonly place: MeshPlace
  /** How far it lies beyond the rim: 0 on the mesh, 1 where it goes with hair and ears. */
  readonly beyond: number
}

/** A head's depth as it is, and nowhere as steep as to be drawn out by a turn: 468x3 each. */
export type Reliefs = readonly [full: Float64Array, gentle: Float64Array]

/** The grid lies so much behind the mesh where both are, px. */
const BEHIND = 0.3
/** Beyond the rim of the mesh depth takes over from the mesh within this, heights of the face. */
const DEPTH_REACH = 0.25
/** And the motion of hair and ears from its within this. */
const RIM_REACH = 0.06

/** @returns function of the place on the mesh (undefined off it) and the point of the picture, px */
export function headPoints(
  reliefs: Reliefs,
  frame: HeadFrame,
): (inside: MeshPlace | undefined, x: number, y: number) => HeadPoint {
  const [full] = reliefs
  const [earX, earY] = meanOf(full, SIDES)
  const ears = heightInFace(frame, earX, earY)
  const depths = reliefs.map((mesh, i) => headDepth(mesh, frame, i === 1))
  return (inside, x, y) => {
    const outward = outwardFrom(frame, x, y)
    if (inside) {
      const [z, gentle] = reliefs.map((mesh) => valueAt(mesh, inside, 2)) as [number, number]
      return { x, y, z: z + BEHIND, before: gentle - z, outward, place: inside, beyond: 0 }
    }
    const { from, to, share, distance } = nearestOnOutline(full, x, y)
    const onRim: MeshPlace = { corners: [from, to, from], weights: [1 - share, share, 0] }
    const [rimX, rimY] = [valueAt(full, onRim, 0), valueAt(full, onRim, 1)]
    const rims = reliefs.map((mesh) => valueAt(mesh, onRim, 2)) as [number, number]
    // Depth takes over from the mesh's.
    const fade = Math.exp(-distance / (DEPTH_REACH * frame.height))
    const [z, smooth] = depths.map((depth, i) => {
      return depth(x, y) + fade * ((rims[i] as number) - depth(rimX, rimY))
    }) as [number, number]
    const gentle = Math.min(smooth, rims[1] + distance * steepestBeyond(frame, ears, rimX, rimY))
    const hold = Math.exp(-distance / expressionReach(frame, ears, rimX, rimY))
    const place: MeshPlace = {
      corners: onRim.corners,
      weights: [hold * (1 - share), hold * share, 0],
    }
    const beyond = smoothStep(0, RIM_REACH * frame.height, distance)
    return { x, y, z: z + BEHIND, before: gentle - z, outward, place, beyond }
  }
}

/** Points one after the other: what is done to all of them in every frame takes a tenth of the time so. */
export interface PackedPoints {
  /** Nx4: x, y, z, before. */
  readonly places: Float64Array
  /** Nx2. */
  readonly outward: Float64Array
  /** Nx3 each. */
  readonly corners: Uint16Array
  readonly weights: Float64Array
  /** N. */
  readonly beyond: Float64Array
}

export function packed(points: readonly HeadPoint[]): PackedPoints {
  return {
    places: Float64Array.from(points.flatMap(({ x, y, z, before }) => [x, y, z, before])),
    outward: Float64Array.from(points.flatMap(({ outward }) => outward)),
    corners: Uint16Array.from(points.flatMap(({ place }) => place.corners)),
    weights: Float64Array.from(points.flatMap(({ place }) => place.weights)),
    beyond: Float64Array.from(points, ({ beyond }) => beyond),
  }
}

/**
 * The sums of what the mesh has at the corners of each point's place.
 * @param values 468x3
 * @returns Nx3
 */
function carriedOn({ corners, weights }: PackedPoints, values: Float64Array): Float64Array {
  const out = new Float64Array(corners.length)
  for (let k = 0; k < corners.length; k += 3) {
    const a = 3 * (corners[k] as number)
    const b = 3 * (corners[k + 1] as number)
    const c = 3 * (corners[k + 2] as number)
    const wa = weights[k] as number
    const wb = weights[k + 1] as number
    const wc = weights[k + 2] as number
    out[k] = wa * (values[a] as number) + wb * (values[b] as number) + wc * (values[c] as number)
    out[k + 1] =
      wa * (values[a + 1] as number) + wb * (values[b + 1] as number) + wc * (values[c + 1] as number)
    out[k + 2] =
      wa * (values[a + 2] as number) + wb * (values[b + 2] as number) + wc * (values[c + 2] as number)
  }
  return out
}

/**
 * The points with the expression, not turned.
 * @param motion 468x3: how the expression moves the mesh
 * @param forward of `comingForward`
 * @returns Nx3
 */
export function expressivePoints(
  points: PackedPoints,
  motion: Float64Array,
  forward: (x: number, y: number) => number,
): Float64Array {
  const { places, outward } = points
  const out = carriedOn(points, motion)
  for (let i = 0, k = 0; k < out.length; i++, k += 3) {
    const before = places[4 * i + 3] as number
    out[k] = (places[4 * i] as number) + (out[k] as number)
    out[k + 1] = (places[4 * i + 1] as number) + (out[k + 1] as number)
    out[k + 2] =
      (places[4 * i + 2] as number) +
      (out[k + 2] as number) +
      (before === 0 ? 0 : forward(outward[2 * i] as number, outward[2 * i + 1] as number) * before)
  }
  return out
}
