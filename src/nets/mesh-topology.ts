/**
 * Vertices of the 468-vertex mesh that the attention network refines, in the order of its outputs. *Left* and
 * *right* are sides of an unmirrored picture, as in the original network.
 */

// biome-ignore format: one line per ring of lip vertices
export const LIPS: readonly number[] = [
  61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291,     // outer, lower
  185, 40, 39, 37, 0, 267, 269, 270, 409,                // outer, upper
  78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308,      // inner, lower
  191, 80, 81, 82, 13, 312, 311, 310, 415,               // inner, upper
  76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306,      // second from outside, lower
  184, 74, 73, 72, 11, 302, 303, 304, 408,               // second from outside, upper
  62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292,      // second from inside, lower
  183, 42, 41, 38, 12, 268, 271, 272, 407,               // second from inside, upper
]

// biome-ignore format: one line per arc
const LEFT_EYE_CONTOUR: readonly number[] = [
  33, 7, 163, 144, 145, 153, 154, 155, 133,
  246, 161, 160, 159, 158, 157, 173,
]

// biome-ignore format: one line per arc around the contour, to the brow
const LEFT_EYE: readonly number[] = [
  ...LEFT_EYE_CONTOUR,
  130, 25, 110, 24, 23, 22, 26, 112, 243,
  247, 30, 29, 27, 28, 56, 190,
  226, 31, 228, 229, 230, 231, 232, 233, 244,
  113, 225, 224, 223, 222, 221, 189,
  35, 124, 46, 53, 52, 65,
  143, 111, 117, 118, 119, 120, 121, 128, 245,
  156, 70, 63, 105, 66, 107, 55, 193,
]

// biome-ignore format: one line per arc
const RIGHT_EYE_CONTOUR: readonly number[] = [
  263, 249, 390, 373, 374, 380, 381, 382, 362,
  466, 388, 387, 386, 385, 384, 398,
]

// biome-ignore format: one line per arc around the contour, to the brow
const RIGHT_EYE: readonly number[] = [
  ...RIGHT_EYE_CONTOUR,
  359, 255, 339, 254, 253, 252, 256, 341, 463,
  467, 260, 259, 257, 258, 286, 414,
  446, 261, 448, 449, 450, 451, 452, 453, 464,
  342, 445, 444, 443, 442, 441, 413,
  265, 353, 276, 283, 282, 295,
  372, 340, 346, 347, 348, 349, 350, 357, 465,
  383, 300, 293, 334, 296, 336, 285, 417,
]

/** One output of the attention network. */
export interface RefinedPart {
  /** Name of the branch: prefix of its weights. */
  readonly branch: string
  /** Vertex that each point becomes; 468 and above are appended (irises). */
  readonly vertices: readonly number[]
  /** For appended vertices: those whose mean z they get. */
  readonly depthFrom?: readonly number[]
}

/** A part of the face that the attention network looks at closely. */
export interface FaceRegion {
  /** Prefix of the weights of the layers that its parts share. */
  readonly name: string
  /** Corners of mouth or eye, left and right in the picture: the region's x axis. */
  readonly axis: readonly [number, number]
  /** Vertices that the region is laid around. */
  readonly vertices: readonly number[]
  readonly parts: readonly RefinedPart[]
}

export const FACE_REGIONS: readonly FaceRegion[] = [
  {
    name: 'lips',
    axis: [61, 291],
    vertices: LIPS,
    parts: [{ branch: 'lips', vertices: LIPS }],
  },
  {
    name: 'leftEye',
    axis: [33, 133],
    vertices: LEFT_EYE,
    parts: [
      { branch: 'leftEye', vertices: LEFT_EYE },
      // Centre, then right, top, left and bottom edge.
      { branch: 'leftIris', vertices: [468, 469, 470, 471, 472], depthFrom: LEFT_EYE_CONTOUR },
    ],
  },
  {
    name: 'rightEye',
    axis: [362, 263],
    vertices: RIGHT_EYE,
    parts: [
      { branch: 'rightEye', vertices: RIGHT_EYE },
      { branch: 'rightIris', vertices: [473, 474, 475, 476, 477], depthFrom: RIGHT_EYE_CONTOUR },
    ],
  },
]
