import { FaceError } from '../../errors.js'
import { at } from '../../geometry/array.js'
import { applySimilarity, similarityScale } from '../../geometry/similarity.js'
import { type Box, MESH_VERTICES, type Similarity } from '../../geometry/types.js'
import { DETECTOR_SIDE } from './anchors.js'
import { type Detection, KEYPOINT } from './decode.js'

/** Side of the mesh regressors' square input, px. */
export const CROP_SIDE = 192

/** The crop is this much larger than the box of the face: forehead and chin must be inside. */
const ROI_SCALE = 1.5

/** Outer eye corners of the mesh, in the order right, left of the subject. */
export const EYE_LINE = [33, 263] as const

/** A rotated square in a photo. */
export interface RegionOfInterest {
  /** Centre, photo px. */
  readonly cx: number
  readonly cy: number
  /** Photo px. */
  readonly side: number
  /** Angle of the eye line, radians, positive clockwise as seen in the picture. */
  readonly angle: number
}

/**
 * Photo px -> detector px: the photo centred in a square of its longer side, scaled to 128. What lies outside the
 * photo is black.
 */
export function letterbox(width: number, height: number): Similarity {
  const side = Math.max(width, height)
  const scale = DETECTOR_SIDE / side
  return { a: scale, b: 0, tx: ((side - width) / 2) * scale, ty: ((side - height) / 2) * scale }
}

/** Moves a detection by a similarity. A turned box becomes the upright box of equal size around its centre. */
export function moveDetection(detection: Detection, s: Similarity): Detection {
  const { box, keypoints, score } = detection
  const [cx, cy] = applySimilarity(s, box.x + box.width / 2, box.y + box.height / 2)
  const scale = similarityScale(s)
  const width = box.width * scale
  const height = box.height * scale
  const moved: number[] = []
  for (let i = 0; i < keypoints.length; i += 2) {
    moved.push(...applySimilarity(s, at(keypoints, i), at(keypoints, i + 1)))
  }
  return { box: { x: cx - width / 2, y: cy - height / 2, width, height }, keypoints: moved, score }
}

/** The square of a detected face, upright along the eye line. Same frame as the detection. */
export function roiFromDetection({ box, keypoints }: Detection): RegionOfInterest {
  const eye = (index: number) => [at(keypoints, 2 * index), at(keypoints, 2 * index + 1)] as const
  return squareAround(box, eye(KEYPOINT.rightEye), eye(KEYPOINT.leftEye))
}

/**
 * The square of a face whose mesh is known from the frame before, so that a video needs no detector.
 * @param mesh 468x3, photo px
 * @throws FaceError INVALID_ARGUMENT for another mesh size
 */
export function roiFromMesh(mesh: ArrayLike<number>): RegionOfInterest {
  if (mesh.length !== MESH_VERTICES * 3) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `roiFromMesh: mesh of ${mesh.length} numbers, expected ${MESH_VERTICES}x3`,
    )
  }
  const vertex = (v: number) => [at(mesh, 3 * v), at(mesh, 3 * v + 1)] as const
  let [left, top] = vertex(0)
  let [right, bottom] = vertex(0)
  for (let v = 1; v < MESH_VERTICES; v++) {
    const [x, y] = vertex(v)
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  const box = { x: left, y: top, width: right - left, height: bottom - top }
  return squareAround(box, vertex(EYE_LINE[0]), vertex(EYE_LINE[1]))
}

/** Regions that differ by less than this, relative to the side and in radians, show the network the same. */
const ROI_TOLERANCE = 0.02

/** Whether a region is the one that the mesh seen in it calls for. */
export function roiAgrees(used: RegionOfInterest, wanted: RegionOfInterest): boolean {
  const shift = Math.hypot(used.cx - wanted.cx, used.cy - wanted.cy) / used.side
  const growth = Math.abs(wanted.side / used.side - 1)
  const turn = Math.abs(Math.atan2(Math.sin(wanted.angle - used.angle), Math.cos(wanted.angle - used.angle)))
  return Math.max(shift, growth, turn) < ROI_TOLERANCE
}

/** Photo px -> crop px (192x192). Its inverse takes a mesh of crop px back, z scaled along. */
export function roiToCrop(roi: RegionOfInterest): Similarity {
  const scale = CROP_SIDE / roi.side
  const a = scale * Math.cos(roi.angle)
  const b = -scale * Math.sin(roi.angle)
  return {
    a,
    b,
    tx: CROP_SIDE / 2 - (a * roi.cx - b * roi.cy),
    ty: CROP_SIDE / 2 - (b * roi.cx + a * roi.cy),
  }
}

function squareAround(
  box: Box,
  rightEye: readonly [number, number],
  leftEye: readonly [number, number],
): RegionOfInterest {
  return {
    cx: box.x + box.width / 2,
    cy: box.y + box.height / 2,
    side: ROI_SCALE * Math.max(box.width, box.height),
    angle: Math.atan2(leftEye[1] - rightEye[1], leftEye[0] - rightEye[0]),
  }
}
