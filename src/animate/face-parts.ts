import { type Gap, INNER_LIP_GAPS, LEFT_LIDS, RIGHT_LIDS } from '../face/register/openings.js'

/** Which vertices of the 468 are what. *Right* and *left* are the person's, as in iBUG's order; right is left in the picture. */

// biome-ignore format: corner to corner along the upper lip, back along the lower one
export const INNER_LIPS: readonly number[] = [
  78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
]
// biome-ignore format: as above
export const OUTER_LIPS: readonly number[] = [
  61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
]
// biome-ignore format: two rings between outer and inner lips
const BETWEEN_LIPS: readonly number[] = [
  76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11, 302, 303, 304, 408,
  62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
]
export const LIPS: readonly number[] = /* @__PURE__ */ OUTER_LIPS.concat(BETWEEN_LIPS, INNER_LIPS)

/** Middle of the inner lips, upper and lower, and corners of the mouth. */
export const MOUTH = { upper: 13, lower: 14, corners: [61, 291] } as const

/** Two vertices that lie on one another where the gap between them is shut. */
type Meeting = readonly [upper: number, lower: number]

function meeting([upper, lower]: Gap): Meeting {
  return [upper, lower]
}

/** Vertices of the inner lips that lie on one another in a shut mouth: upper, lower. */
export const LIP_PAIRS: readonly Meeting[] = /* @__PURE__ */ INNER_LIP_GAPS.map(meeting)

/** An eye: its rim from the outer corner below to the inner one and above back, and what meets in a shut one (upper, lower). */
export interface Eye {
  readonly rim: readonly number[]
  readonly pairs: readonly Meeting[]
  readonly corners: readonly [outer: number, inner: number]
  /** First of its five points among the irises. */
  readonly iris: number
}

export const EYES: readonly [Eye, Eye] = [
  {
    rim: [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246],
    pairs: /* @__PURE__ */ RIGHT_LIDS.map(meeting),
    corners: [33, 133],
    iris: 0,
  },
  {
    rim: [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466],
    pairs: /* @__PURE__ */ LEFT_LIDS.map(meeting),
    corners: [263, 362],
    iris: 5,
  },
]

/** Above each vertex of the upper lids' rims the skin beside the fold, and that beyond it. */
// biome-ignore format: outer corner to inner one
export const LID_FOLDS: ReadonlyMap<number, readonly [first: number, second: number]> = /* @__PURE__ */ new Map([
  [246, [247, 113]], [161, [30, 225]], [160, [29, 224]], [159, [27, 223]], [158, [28, 222]], [157, [56, 221]], [173, [190, 189]],
  [466, [467, 342]], [388, [260, 445]], [387, [259, 444]], [386, [257, 443]], [385, [258, 442]], [384, [286, 441]], [398, [414, 413]],
])

/** Outer corners of the eyes: their distance is the unit of motion. */
export const EYE_CORNERS = [33, 263] as const
/** Middle of the forehead at the hair, tip of the chin. */
export const FOREHEAD = 10
export const CHIN = 152
/** In front of the ears, right and left. */
export const SIDES = [234, 454] as const

export const BROWS: readonly number[] = [
  ...[70, 63, 105, 66, 107, 46, 53, 52, 65, 55],
  ...[300, 293, 334, 296, 336, 276, 283, 282, 295, 285],
]

/** Outline of the mesh, in order. */
// biome-ignore format: clockwise from the forehead
export const OUTLINE: readonly number[] = [
  10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
  172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]

/** Triangles that are not skin: what lies between the lips, and between the lids of each eye. */
export interface FaceTriangles {
  readonly skin: Uint32Array
  readonly mouth: Uint32Array
  readonly eyes: readonly [Uint32Array, Uint32Array]
}

/** @param triangles Tx3, of the whole mesh, which closes mouth and eyes */
export function faceTriangles(triangles: ArrayLike<number>): FaceTriangles {
  const skin: number[] = []
  const mouth: number[] = []
  const eyes: [number[], number[]] = [[], []]
  const sets = [new Set(INNER_LIPS), new Set(EYES[0].rim), new Set(EYES[1].rim)]
  const lists = [mouth, eyes[0], eyes[1]]
  for (let i = 0; i < triangles.length; i += 3) {
    const corners = [0, 1, 2].map((k) => triangles[i + k] as number)
    const inside = sets.findIndex((set) => corners.every((corner) => set.has(corner)))
    ;(lists[inside] ?? skin).push(...corners)
  }
  return {
    skin: Uint32Array.from(skin),
    mouth: Uint32Array.from(mouth),
    eyes: [Uint32Array.from(eyes[0]), Uint32Array.from(eyes[1])],
  }
}
