import { CHIN, FOREHEAD, SIDES } from './face-parts.js'
import { meanOf, pointAt } from './points.js'

/** Place and size of a head in the picture, from its mesh; photo px. */
export interface HeadFrame {
  readonly centre: readonly [number, number]
  /** Unit vectors of the picture: to the forehead, and to the head's side that is right in the picture. */
  readonly up: readonly [number, number]
  readonly right: readonly [number, number]
  /** From the chin to the hair. */
  readonly height: number
  /** From ear to ear, as seen. */
  readonly width: number
}

/** @param mesh 468x3 */
export function headFrame(mesh: ArrayLike<number>): HeadFrame {
  const [top, chin] = [pointAt(mesh, FOREHEAD), pointAt(mesh, CHIN)]
  const height = Math.hypot(top[0] - chin[0], top[1] - chin[1])
  const up = [(top[0] - chin[0]) / height, (top[1] - chin[1]) / height] as const
  const right = [-up[1], up[0]] as const
  const [one, other] = [pointAt(mesh, SIDES[0]), pointAt(mesh, SIDES[1])]
  return {
    centre: [(top[0] + chin[0]) / 2, (top[1] + chin[1]) / 2],
    up,
    right,
    height,
    width: Math.abs((other[0] - one[0]) * right[0] + (other[1] - one[1]) * right[1]),
  }
}

/** Depth per px across, at most: a turn by 25 degrees draws skin that falls back so steeply out to 1.75 of its width in the photo. */
const STEEPEST = 2

/**
 * The mesh with a relief that nowhere falls back more steeply than that: along the rim of the cheeks, which are seen from the side there, a
 * turn would draw few pixels of the photo out to stripes. The largest such function that is nowhere behind the mesh (McShane 1934).
 * @param mesh 468x3
 */
export function gentleRelief(mesh: Float64Array): Float64Array {
  const out = mesh.slice()
  for (let k = 0; k < mesh.length; k += 3) {
    const [x, y] = [mesh[k] as number, mesh[k + 1] as number]
    let z = mesh[k + 2] as number
    for (let j = 0; j < mesh.length; j += 3) {
      const away = Math.hypot(x - (mesh[j] as number), y - (mesh[j + 1] as number))
      z = Math.min(z, (mesh[j + 2] as number) + STEEPEST * away)
    }
    out[k + 2] = z
  }
  return out
}

/** Half axes of the ellipsoid in widths and heights of the face, and how far its middle lies above the face's, in heights. */
const ELLIPSOID = { across: 0.62, along: 0.85, above: 0.18 } as const

/**
 * Depth of hair, ears and neck, which the mesh does not reach: a half ellipsoid around the head that falls to the plane of the ears
 * at its outline, and goes on as that plane.
 * @param mesh 468x3
 * @returns z at a point of the picture, px
 */
export function headDepth(mesh: ArrayLike<number>, frame: HeadFrame): (x: number, y: number) => number {
  const { centre, up, right, height, width } = frame
  const ears = meanOf(mesh, SIDES)[2]
  const bulge = Math.max(1, ears - meanOf(mesh, [FOREHEAD, 151, 9])[2])
  const [cx, cy] = [
    centre[0] + ELLIPSOID.above * height * up[0],
    centre[1] + ELLIPSOID.above * height * up[1],
  ]
  return (x, y) => {
    const a = ((x - cx) * right[0] + (y - cy) * right[1]) / (ELLIPSOID.across * width)
    const b = ((x - cx) * up[0] + (y - cy) * up[1]) / (ELLIPSOID.along * height)
    return ears - bulge * Math.sqrt(Math.max(0, 1 - a * a - b * b))
  }
}

/**
 * Within what distance of the mesh's rim the expression falls there, heights of the face. On the skull it hardly does: what moves
 * there is no expression but motion of the head that the similarity does not have.
 */
const EXPRESSION_REACH = { jaw: 0.12, skull: 0.6 } as const
/** Over what height about the ears the one passes into the other, heights of the face. */
const JAW_TO_SKULL = 0.2

/** @param ears height of the ears, of {@link heightInFace} @param x of a point of the rim, photo px @returns px */
export function expressionReach(frame: HeadFrame, ears: number, x: number, y: number): number {
  const { jaw, skull } = EXPRESSION_REACH
  const share = smoothStep(ears - JAW_TO_SKULL / 2, ears + JAW_TO_SKULL / 2, heightInFace(frame, x, y))
  return frame.height * (jaw + share * (skull - jaw))
}

/** Where the neck begins to follow the head less, and where the body stays, in heights of the face from its middle. */
const NECK = { begins: -0.5, ends: -1.1 } as const
/** Least length of neck over which that fades, in heights of the face: a picture that ends sooner ends in the head. */
const LEAST_NECK = 0.1
/** Where shoulders begin beside a head, in widths of the face from its middle, and below what, in heights: above that it is hair. */
const SHOULDERS = { from: 0.6, to: 0.95, below: -0.05, fully: -0.35 } as const

/**
 * How much a point of the picture goes with the head: 1 on it, 0 on the body, and 0 at the picture's lower border, which a moved
 * body would leave open.
 * @param bottom the picture's height, px
 */
export function headShare(frame: HeadFrame, x: number, y: number, bottom: number): number {
  const border = heightInFace(frame, x, bottom)
  const ends = border < NECK.begins - LEAST_NECK ? Math.max(NECK.ends, border) : NECK.ends
  const height = heightInFace(frame, x, y)
  const beside = smoothStep(SHOULDERS.from, SHOULDERS.to, Math.abs(across(frame, x, y)))
  return (
    smoothStep(ends, NECK.begins, height) *
    (1 - beside * smoothStep(SHOULDERS.below, SHOULDERS.fully, height))
  )
}

/** How far up the face a point lies from its middle, in heights of the face. */
export function heightInFace({ centre, up, height }: HeadFrame, x: number, y: number): number {
  return ((x - centre[0]) * up[0] + (y - centre[1]) * up[1]) / height
}

/** How far to the picture's right of the face's middle line a point lies, in widths of the face. */
function across({ centre, right, width }: HeadFrame, x: number, y: number): number {
  return ((x - centre[0]) * right[0] + (y - centre[1]) * right[1]) / width
}

/** 0 at `from` and before, 1 at `to` and beyond, smooth between them. */
function smoothStep(from: number, to: number, value: number): number {
  const share = Math.max(0, Math.min(1, (value - from) / (to - from)))
  return share * share * (3 - 2 * share)
}
