import { EYES, type Eye } from './face-parts.js'
import { LASHES_SHOWN } from './openings.js'
import type { PhotoHead } from './photo-head.js'
import { between, distance, pointAt, subtract, type Vector } from './points.js'

/**
 * The narrow strips between where eyes are cut out of the skin and the landmarks of the lids: lashes and water line. They go with
 * the lids. The upper ones stay as they are and come to lie on the lower lid, so that a shut eye has a line of lashes; the lower ones shrink
 * to nothing, where their rim of white would be seen as a slit.
 */
export interface LashLine {
  /** Places in the photo, px: the rim of each eye at the landmarks, the person's right one first. */
  readonly points: readonly Vector[]
  /** By vertex of the mesh (the rims as cut out) and, from 468 on, by point. */
  readonly triangles: readonly number[]
  /** @param mesh 468x3, the photo's with the expression @returns the points before the head is turned */
  moved(mesh: ArrayLike<number>): readonly Vector[]
}

/** Share of the photo's opening from which on a lower strip is whole; at 0 it is nothing. */
const OPEN = 0.5
/**
 * From the photo's opening to a shut eye it is at least so much, widths of the eye; of eyes that are shut in the photo it is 0.085. Where
 * the landmarks of lids cross it would be nothing, and a step of a lid that nobody sees would make a strip appear or vanish.
 */
const LEAST_RANGE = 0.05
/** How far the inner edges lie behind the skin, the lower one still before the eyeball, and the upper one before all skin; widths of the eye. */
const BEHIND = 0.03
const BEFORE = 0.02

export function lashLine({ mesh, landmarks }: PhotoHead): LashLine {
  const rims = EYES.flatMap(({ rim }) => rim)
  const upper = new Set(EYES.flatMap(({ pairs }) => pairs.map(([u]) => u)))
  const partners = new Map(
    EYES.flatMap(({ pairs }) => pairs.flatMap(([u, l]) => [[u, l] as const, [l, u] as const])),
  )
  const widths = EYES.flatMap(({ rim, corners }) => rim.map(() => distance(mesh, ...corners)))
  const offsets = rims.map(
    (v) => pointAt(landmarks, v).map((value, k) => value - (mesh[3 * v + k] as number)) as Vector,
  )
  const own = rims.map((v) => openingAt(mesh, v, partners))
  const rest = rims.map((v) => {
    const u = upper.has(v) ? v : (partners.get(v) ?? v)
    return LASHES_SHOWN * Math.hypot(...subtract(pointAt(mesh, u), pointAt(landmarks, u)))
  })
  return {
    points: rims.map((v) => pointAt(landmarks, v)),
    triangles: EYES.flatMap((eye, i) => strip(eye, 468 + i * EYES[0].rim.length)),
    moved: (now) =>
      rims.map((v, i) => {
        const [whole, least, width] = [own[i] as number, rest[i] as number, widths[i] as number]
        const range = Math.max(whole - least, LEAST_RANGE * width)
        const open = 1 - (whole - openingAt(now, v, partners)) / range
        const share = upper.has(v) ? 1 : Math.max(0, Math.min(1, open / OPEN))
        const depth = (upper.has(v) ? -BEFORE : BEHIND) * width
        const [x, y, z] = pointAt(now, v)
        const [dx, dy, dz] = offsets[i] as Vector
        return [x + share * dx, y + share * dy, z + share * dz + depth]
      }),
  }
}

function openingAt(mesh: ArrayLike<number>, v: number, partners: ReadonlyMap<number, number>): number {
  const partner = partners.get(v)
  return partner === undefined ? 1 : Math.hypot(...between(mesh, v, partner))
}

function strip({ rim }: Eye, first: number): number[] {
  return rim.flatMap((v, i) => {
    const next = (i + 1) % rim.length
    return [v, rim[next] as number, first + i, rim[next] as number, first + next, first + i]
  })
}
