import { at } from '../geometry/array.js'
import type { DrivenHead } from './carry-over.js'
import type { Eye, FaceTriangles } from './face-parts.js'
import { IRIS_BEHIND, irisRadius } from './gaze.js'
import { placesOnMesh, valueAt } from './mesh-places.js'
import type { PhotoHead } from './photo-head.js'
import { meanOf, pointAt, type Vector } from './points.js'

/** An eye of the photo behind its lids: it goes with the head, not with the lids, and its iris moves. */
export interface Eyeball {
  /** Places in the photo, px. */
  readonly points: readonly Vector[]
  readonly triangles: readonly number[]
  /** Points with the iris moved, before the head is turned. */
  moved(head: DrivenHead): readonly Vector[]
}

const COLUMNS = 17
const ROWS = 11
/** Size of the piece, widths of the eye. */
const WIDTH = 1.5
const HEIGHT = 0.9
/** What goes with the iris beyond its edge, widths of the eye: a column of the piece, or its edge would lie in one that bends. */
const RIM = 0.05
/** By how much the iris lies before the white, widths of the eye: far gazes push it over that. */
const BEFORE_WHITE = 0.02
/** How far the white lies behind the lids, widths of the eye. */
const BEHIND = IRIS_BEHIND + BEFORE_WHITE

export function eyeballPoints(photo: PhotoHead, eye: Eye, faces: FaceTriangles, index: number): Eyeball {
  const { mesh } = photo
  const [outer, inner] = eye.corners.map((v) => pointAt(mesh, v)) as [Vector, Vector]
  const [left, right] = outer[0] <= inner[0] ? [outer, inner] : [inner, outer]
  const width = Math.hypot(right[0] - left[0], right[1] - left[1])
  const along = [(right[0] - left[0]) / width, (right[1] - left[1]) / width] as const
  const across = [-along[1], along[0]] as const
  const [mx, my] = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2]
  const iris = [at(photo.irises, 2 * eye.iris), at(photo.irises, 2 * eye.iris + 1)] as const
  const irisPlace = ((iris[0] - mx) * along[0] + (iris[1] - my) * along[1]) / width
  const radius = irisRadius(photo.irises, eye) / width
  const depth = surfaceDepth(mesh, faces, eye)
  const points: Vector[] = []
  const holds: number[] = []
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const a = (column / (COLUMNS - 1) - 0.5) * WIDTH * width
      const b = (row / (ROWS - 1) - 0.5) * HEIGHT * width
      const [x, y] = [mx + a * along[0] + b * across[0], my + a * along[1] + b * across[1]]
      const hold = irisHold(a / width, irisPlace, radius)
      points.push([x, y, depth(x, y) + (BEHIND - BEFORE_WHITE * hold) * width])
      holds.push(hold)
    }
  }
  return {
    points,
    triangles: gridTriangles(),
    moved({ gazes }) {
      const gaze = gazes[index === 0 ? 0 : 1]
      const [dx, dy] = [0, 1].map((axis) => {
        return width * (gaze.along * at(along, axis) + gaze.across * at(across, axis))
      }) as [number, number]
      return points.map(([x, y, z], i) => {
        const hold = holds[i] as number
        return [x + hold * dx, y + hold * dy, z]
      })
    },
  }
}

/**
 * How much a place goes with the iris: 1 on it and a little beyond, for it does not bend, 0 at the corners of the eye.
 * @param place along the corners' line, from their middle; as the others in widths of the eye
 */
function irisHold(place: number, irisPlace: number, radius: number): number {
  const from = place - irisPlace
  const reach = from < 0 ? 0.5 + irisPlace : 0.5 - irisPlace
  const whole = radius + RIM
  const share = (Math.abs(from) - whole) / Math.max(reach - whole, 0.1)
  if (share <= 0) return 1
  return share >= 1 ? 0 : (1 - share * share) ** 2
}

/** Depth of the closed mesh around an eye; beyond what is found, that of the eye's rim. */
function surfaceDepth(
  mesh: Float64Array,
  faces: FaceTriangles,
  { rim }: Eye,
): (x: number, y: number) => number {
  const all = [...faces.skin, ...faces.eyes[0], ...faces.eyes[1]]
  const mean = meanOf(mesh, rim)[2]
  // One point of a grid of its own for each question: asked some hundred times a photo.
  return (x, y) => {
    const shifted = Float64Array.from(mesh, (value, k) => value - (k % 3 === 0 ? x : k % 3 === 1 ? y : 0))
    const [place] = placesOnMesh(shifted, all, 1, 1, 1)
    return place ? valueAt(mesh, place, 2) : mean
  }
}

function gridTriangles(): number[] {
  const triangles: number[] = []
  for (let row = 0; row + 1 < ROWS; row++) {
    for (let column = 0; column + 1 < COLUMNS; column++) {
      const a = row * COLUMNS + column
      triangles.push(a, a + 1, a + COLUMNS, a + 1, a + COLUMNS + 1, a + COLUMNS)
    }
  }
  return triangles
}
