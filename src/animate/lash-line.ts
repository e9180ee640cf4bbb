import { EYES, type Eye } from './face-parts.js'
import type { PhotoHead } from './photo-head.js'
import { between, distance, pointAt, type Vector } from './points.js'

/**
 * The narrow strips between where eyes are cut out of the skin and the landmarks of the lids: lashes and water line. They go with
 * the lids, and shrink to nothing as these shut, where their rim of white would be seen as a slit.
 */
export interface LashLine {
  /** Places in the photo, px: the rim of each eye at the landmarks, the person's right one first. */
  readonly points: readonly Vector[]
  /** By vertex of the mesh (the rims as cut out) and, from 468 on, by point. */
  readonly triangles: readonly number[]
  /** @param mesh 468x3, the photo's with the expression @returns the points before the head is turned */
  moved(mesh: ArrayLike<number>): readonly Vector[]
}

/** Shares of the photo's opening at which a strip is nothing, and at which it is whole. */
const SHUT = 0.2
const OPEN = 0.6
/** How far a strip's inner edge lies behind the skin, widths of the eye: before the eyeball. */
const BEHIND = 0.03

export function lashLine({ mesh, landmarks }: PhotoHead): LashLine {
  const rims = EYES.flatMap(({ rim }) => rim)
  const partners = new Map(
    EYES.flatMap(({ pairs }) => pairs.flatMap(([u, l]) => [[u, l] as const, [l, u] as const])),
  )
  const depths = EYES.flatMap(({ rim, corners }) => rim.map(() => BEHIND * distance(mesh, ...corners)))
  const offsets = rims.map(
    (v) => pointAt(landmarks, v).map((value, k) => value - (mesh[3 * v + k] as number)) as Vector,
  )
  const own = rims.map((v) => openingAt(mesh, v, partners))
  return {
    points: rims.map((v) => pointAt(landmarks, v)),
    triangles: EYES.flatMap((eye, i) => strip(eye, 468 + i * EYES[0].rim.length)),
    moved: (now) =>
      rims.map((v, i) => {
        const share = Math.max(
          0,
          Math.min(1, (openingAt(now, v, partners) / (own[i] as number) - SHUT) / (OPEN - SHUT)),
        )
        const [x, y, z] = pointAt(now, v)
        const [dx, dy, dz] = offsets[i] as Vector
        return [x + share * dx, y + share * dy, z + share * dz + (depths[i] as number)]
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
