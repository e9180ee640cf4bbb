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

/**
 * Depth of a head that turns like a real one, per depth that the mesh network sees. Points of a scanned head moved by 15 and 25 degrees come
 * nearest to its own views from there at 1.1 to 1.3; with the most a landmarker finds as much of the turn as in these views.
 */
const RELIEF = 1.3

/** The mesh as deep as its turns look real. @param mesh 468x3, as the network sees it */
export function deepened(mesh: ArrayLike<number>): Float64Array {
  return Float64Array.from(mesh, (value, k) => (k % 3 === 2 ? RELIEF * value : value))
}

/** Depth per px across, at most, where a turn draws skin out: by 25 degrees to 2.3 times its width in the photo; to three times and a little where the rim passes into what is beyond. */
const STEEPEST = 3.2
/** The same beyond the rim, beside the skull and beside the jaw, where a neck begins that hardly turns along. */
const STEEPEST_BEYOND = { skull: 2, jaw: 0.3 } as const

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

/** How steeply what lies beyond a point of the rim may fall back from it where a turn draws it out. @param ears as of {@link expressionReach} */
export function steepestBeyond(frame: HeadFrame, ears: number, x: number, y: number): number {
  const { jaw, skull } = STEEPEST_BEYOND
  // Over more height than the expression: what falls back further from the rim would be torn where the one passes into the other.
  const share = smoothStep(ears - 2 * JAW_TO_SKULL, ears + JAW_TO_SKULL / 2, heightInFace(frame, x, y))
  return jaw + share * (skull - jaw)
}

/** Cosine of the angle to the turn's direction at which a side is wholly the one that goes back. */
const BACK = -0.5

/**
 * Which side of a head a turn brings forward, where it shows more of it than the photo does.
 * @param rotation 3x3
 * @returns function of a direction away from the middle of the face ({@link outwardFrom}): 1 on that side, 0 on the other
 */
export function comingForward(rotation: ArrayLike<number>): (x: number, y: number) => number {
  // Where the turn shifts what lies deeper.
  const [dx, dy] = [rotation[2] as number, rotation[5] as number]
  const length = Math.hypot(dx, dy)
  return (x, y) => (length > 0 ? smoothStep(BACK, 0, (x * dx + y * dy) / length) : 1)
}

/** Direction of a point from the middle of the face, of length 1 in a face as wide as high. */
export function outwardFrom(frame: HeadFrame, x: number, y: number): readonly [number, number] {
  const { up, right } = frame
  const [a, b] = [across(frame, x, y), heightInFace(frame, x, y)]
  const length = Math.hypot(a, b)
  if (length === 0) return [0, 0]
  return [(a * right[0] + b * up[0]) / length, (a * right[1] + b * up[1]) / length]
}

/** Half axes of the ellipsoid in widths and heights of the face, and how far its middle lies above the face's, in heights. */
const ELLIPSOID = { across: 0.62, along: 0.85, above: 0.18 } as const

/** Share of the ellipsoid's outline beyond which it falls straight on where a turn draws it out: at its outline it falls without end. */
const STRAIGHT = 0.85

/**
 * Height of a half ball over its middle plane, 1 at its middle.
 * @param q distance from there; 1 is the ball's radius
 * @param straight from this q on it falls along its tangent
 */
function roundness(q: number, straight: number): number {
  if (q < straight) return Math.sqrt(1 - q * q)
  const rim = Math.sqrt(1 - straight * straight)
  return rim > 0 ? Math.max(0, rim - (straight / rim) * (q - straight)) : 0
}

/**
 * Depth of hair, ears and neck, which the mesh does not reach: a half ellipsoid around the head that falls to the plane of the ears
 * at its outline, and goes on as that plane.
 * @param mesh 468x3
 * @param isGentle its rim less steep than an ellipsoid's
 * @returns z at a point of the picture, px
 */
export function headDepth(
  mesh: ArrayLike<number>,
  frame: HeadFrame,
  isGentle: boolean,
): (x: number, y: number) => number {
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
    return ears - bulge * roundness(Math.hypot(a, b), isGentle ? STRAIGHT : 1)
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
const SHOULDERS = { from: 0.5, to: 1.1, below: -0.05, fully: -0.35 } as const

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
export function smoothStep(from: number, to: number, value: number): number {
  const share = Math.max(0, Math.min(1, (value - from) / (to - from)))
  return share * share * (3 - 2 * share)
}
