import { at } from '../geometry/array.js'
import type { Rgba } from '../geometry/types.js'
import { type DrivenHead, type PosedPoints, posedPoints } from './carry-over.js'
import { eyeballPoints } from './eyeball.js'
import { EYES, type Eye, type FaceTriangles, INNER_LIPS, OUTER_LIPS } from './face-parts.js'
import { moveGrid } from './grid-motion.js'
import { comingForward, gentleRelief, headFrame, headShare, outwardFrom } from './head-depth.js'
import { packed } from './head-points.js'
import { lashLine } from './lash-line.js'
import { lidLight } from './lid-light.js'
import type { MeshPlace } from './mesh-places.js'
import { MOUTH_PATCH_PLACES } from './mouth-patch.js'
import type { PhotoHead } from './photo-head.js'
import { pointAt } from './points.js'
import { type GridPoint, sheetGrid } from './sheet-grid.js'

/**
 * The photo as one continuous sheet of triangles with depth: the face mesh, a grid over all else that the matte says is the person,
 * and behind their openings the eyeballs and the inside of the mouth. Its corners move, the topology stays.
 */
export interface Sheet {
  /** Tx3. */
  readonly triangles: Uint32Array
  /** Vx4: where each corner lies in the photo (px), and in the patch of the inner mouth (px; -1: not on it). */
  readonly places: Float32Array
  move(head: DrivenHead): MovedSheet
  /**
   * What vertices of the mesh have, at each corner that goes with them: beyond the rim it falls to 0 as the expression does.
   * @param values 468 x channels
   * @returns V x channels
   */
  spread(values: ArrayLike<number>, channels: number): Float32Array
  /** How much each corner goes with the head, V: 1 on it, 0 on the body. */
  readonly shares: Float32Array
}

/** A sheet in one frame. */
export interface MovedSheet {
  /** Where the corners go, Vx3, px of the photo. */
  readonly vertices: Float32Array
  /** By what the colour of each corner is multiplied, Vx3. */
  readonly gains: Float32Array
}

type PlanePoint = readonly [number, number]

/** How far the inside of the mouth lies behind the lips, distances of the outer eye corners. */
const MOUTH_DEPTH = 0.03
/**
 * A turn moves what lies deeper aside, which would leave pixels of the lips' opening free: behind the lips the inside of the mouth
 * goes on to their outer line, in the colour of its rim. By ring of the inside and ring of the outer lips, from the first of each.
 */
const MOUTH_RINGS: readonly number[] = [...INNER_LIPS, ...OUTER_LIPS]
const SKIRT_TRIANGLES: readonly number[] = INNER_LIPS.flatMap((_, i) => {
  const [next, outer] = [(i + 1) % INNER_LIPS.length, INNER_LIPS.length]
  return [i, next, outer + i, next, outer + next, outer + i]
})

/** @param person h*w; not 0 where the person is, and a little around */
export function makeSheet(photo: PhotoHead, faces: FaceTriangles, person: Uint8Array, image: Rgba): Sheet {
  const { mesh } = photo
  const gentle = gentleRelief(mesh)
  const frame = headFrame(mesh)
  const grid = sheetGrid([mesh, gentle], faces, frame, person, image)
  const eyeballs = EYES.map((eye, i) => eyeballPoints(photo, eye, faces, i))
  const lashes = lashLine(photo)
  const shutting = lidLight(image, mesh)
  const places: number[] = []
  const addPlaces = (points: readonly PlanePoint[], inMouth?: readonly PlanePoint[]) => {
    points.forEach(([x, y], i) => {
      places.push(x, y, ...(inMouth?.[i] ?? [-1, -1]))
    })
  }
  const meshPoints = Array.from({ length: 468 }, (_, v) => [mesh[3 * v], mesh[3 * v + 1]] as [number, number])
  addPlaces(meshPoints)
  addPlaces(grid.points.map(({ x, y }) => [x, y] as const))
  for (const { points } of eyeballs) addPlaces(points.map(([x, y]) => [x, y] as const))
  addPlaces(lashes.points.map(([x, y]) => [x, y] as const))
  for (let ring = 0; ring < 2; ring++) {
    addPlaces(
      INNER_LIPS.map((v) => meshPoints[v] as [number, number]),
      MOUTH_PATCH_PLACES,
    )
  }
  const firstGrid = 468
  const firstEye = firstGrid + grid.points.length
  const firstOther = firstEye + (eyeballs[0]?.points.length ?? 0)
  const firstLash = firstOther + (eyeballs[1]?.points.length ?? 0)
  const firstMouth = firstLash + lashes.points.length
  const mouth = [...faces.mouth].map((v) => firstMouth + INNER_LIPS.indexOf(v))
  const triangles = Uint32Array.from([
    ...faces.skin,
    ...grid.triangles.map((point) => firstGrid + point),
    ...(eyeballs[0]?.triangles ?? []).map((point) => firstEye + point),
    ...(eyeballs[1]?.triangles ?? []).map((point) => firstOther + point),
    ...lashes.triangles.map((v) => (v < 468 ? v : firstLash + v - 468)),
    ...mouth,
    ...SKIRT_TRIANGLES.map((point) => firstMouth + point),
  ])
  const shares = Float64Array.from({ length: 468 }, (_, v) =>
    headShare(frame, ...(meshPoints[v] as [number, number]), image.height),
  )
  const sides = meshPoints.map(([x, y], v) => ({
    outward: outwardFrom(frame, x, y),
    before: (gentle[3 * v + 2] as number) - (mesh[3 * v + 2] as number),
  }))
  const gridPoints = packed(grid.points)
  const gridShares = Float64Array.from(grid.points, ({ share }) => share)
  const corners = places.length / 4
  const holds: readonly MeshPlace[] = [
    ...meshPoints.map((_, v) => vertexPlace(v)),
    ...grid.points.map(({ place }) => place),
    ...eyeballs.flatMap(({ points }, i) => points.map(() => eyePlace(EYES[i] as Eye))),
    ...EYES.flatMap(({ rim }) => rim.map(vertexPlace)),
    ...MOUTH_RINGS.map(vertexPlace),
  ]
  return {
    triangles,
    places: Float32Array.from(places),
    shares: Float32Array.from({ length: corners }, (_, i) => {
      if (i < firstGrid) return shares[i] as number
      if (i < firstEye) return (grid.points[i - firstGrid] as GridPoint).share
      return i < firstMouth ? 1 : (shares[MOUTH_RINGS[i - firstMouth] as number] as number)
    }),
    spread(values, channels) {
      const out = new Float32Array(corners * channels)
      holds.forEach(({ corners: [a, b, c], weights: [wa, wb, wc] }, i) => {
        for (let k = 0; k < channels; k++) {
          out[channels * i + k] =
            wa * at(values, channels * a + k) +
            wb * at(values, channels * b + k) +
            wc * at(values, channels * c + k)
        }
      })
      return out
    },
    move(head) {
      const out = new Float32Array(corners * 3)
      const gains = new Float32Array(corners * 3).fill(1, 3 * firstEye)
      const pose = posedPoints(head.pose)
      const put = mover(out, pose)
      const { expressive } = head
      const forward = comingForward(head.pose.rotation)
      const putVertex = (corner: number, v: number, depth: number): void => {
        const [x, y, z] = pointAt(expressive, v)
        const { outward, before } = sides[v] as (typeof sides)[0]
        put(corner, x, y, z + forward(...outward) * before + depth * photo.unit, shares[v] as number)
      }
      const light = Float64Array.from(head.light)
      shutting(light, expressive)
      for (let v = 0; v < 468; v++) {
        putVertex(v, v, 0)
        for (let k = 3 * v; k < 3 * v + 3; k++) gains[k] = Math.exp(light[k] as number)
      }
      const motion = expressive.map((value, k) => value - (photo.mesh[k] as number))
      const brighter = new Float64Array(gains.subarray(0, 3 * 468)).map((gain) => gain - 1)
      const frame = { motion, brighter, forward, pose, surround: head.surround }
      moveGrid(gridPoints, gridShares, image.height, frame, { vertices: out, gains, first: firstGrid })
      eyeballs.forEach(({ moved }, i) => {
        moved(head).forEach(([x, y, z], k) => {
          put((i === 0 ? firstEye : firstOther) + k, x, y, z, 1)
        })
      })
      lashes.moved(expressive).forEach(([x, y, z], k) => {
        put(firstLash + k, x, y, z, 1)
      })
      MOUTH_RINGS.forEach((v, i) => {
        putVertex(firstMouth + i, v, MOUTH_DEPTH)
      })
      return { vertices: out, gains }
    },
  }
}

const vertexPlace = (v: number): MeshPlace => ({ corners: [v, v, v], weights: [1, 0, 0] })

/** Of an eyeball, which goes with no vertex, the corners and the upper lid. */
function eyePlace({ corners: [outer, inner], pairs }: Eye): MeshPlace {
  const [upper] = pairs[Math.floor(pairs.length / 2)] as (typeof pairs)[0]
  return { corners: [outer, inner, upper], weights: [0.25, 0.25, 0.5] }
}

/** Writes a point where the head's pose and its share in it put it. */
function mover(out: Float32Array, { matrix: [a, b, c, d, e, f, g, h, k], middle, goal }: PosedPoints) {
  const [mx, my, mz] = middle
  const [sx, sy, sz] = goal
  return (point: number, x: number, y: number, z: number, share: number): void => {
    const [u, v, w] = [x - mx, y - my, z - mz]
    out[3 * point] = x + share * (a * u + b * v + c * w + sx - x)
    out[3 * point + 1] = y + share * (d * u + e * v + f * w + sy - y)
    out[3 * point + 2] = z + share * (g * u + h * v + k * w + sz - z)
  }
}
