import { EngineError, FaceError } from '../../errors.js'
import { at } from '../../geometry/array.js'
import type { Box } from '../../geometry/types.js'
import { ANCHOR_COUNT, anchorCentres } from './anchors.js'

/** Numbers per anchor: box (centre x, y, width, height) and six keypoints. */
export const BOX_VALUES = 16
const KEYPOINTS = 6

/** Place of the keypoints among the six; sides are the subject's. */
export const KEYPOINT = {
  rightEye: 0,
  leftEye: 1,
  noseTip: 2,
  mouthCentre: 3,
  rightEar: 4,
  leftEar: 5,
} as const

export interface Detection {
  readonly box: Box
  /** 6x2, see KEYPOINT; same frame as `box`. */
  readonly keypoints: readonly number[]
  /** In (0, 1). */
  readonly score: number
}

/**
 * Candidates of the detector's raw outputs whose score reaches `minScore`, in anchor order.
 * @param logits 896 scores before the sigmoid
 * @param boxes 896x16, detector px relative to the anchor's centre (sizes absolute)
 * @returns detections in detector px (see DETECTOR_SIDE)
 * @throws FaceError INVALID_ARGUMENT for other lengths; EngineError NUMERIC_OVERFLOW for NaN or Inf
 */
export function decodeDetections(
  logits: ArrayLike<number>,
  boxes: ArrayLike<number>,
  minScore = 0.5,
): Detection[] {
  if (logits.length !== ANCHOR_COUNT || boxes.length !== ANCHOR_COUNT * BOX_VALUES) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `decodeDetections: ${logits.length} scores and ${boxes.length} box values; needs ${ANCHOR_COUNT} and ${ANCHOR_COUNT * BOX_VALUES}`,
    )
  }
  const centres = anchorCentres()
  const found: Detection[] = []
  for (let i = 0; i < ANCHOR_COUNT; i++) {
    const score = 1 / (1 + Math.exp(-at(logits, i)))
    if (score < minScore) continue
    const detection = decodeBox(boxes, i, at(centres, 2 * i), at(centres, 2 * i + 1), score)
    if (![score, ...Object.values(detection.box), ...detection.keypoints].every(Number.isFinite)) {
      throw new EngineError(
        'NUMERIC_OVERFLOW',
        `the face detector's output for anchor ${i} is not finite; run its plan in debug mode to find the step`,
      )
    }
    if (detection.box.width > 0 && detection.box.height > 0) found.push(detection)
  }
  return found
}

function decodeBox(boxes: ArrayLike<number>, anchor: number, x: number, y: number, score: number): Detection {
  const value = (i: number) => at(boxes, anchor * BOX_VALUES + i)
  const width = value(2)
  const height = value(3)
  const keypoints: number[] = []
  for (let k = 0; k < KEYPOINTS; k++) {
    keypoints.push(x + value(4 + 2 * k), y + value(5 + 2 * k))
  }
  return {
    box: { x: x + value(0) - width / 2, y: y + value(1) - height / 2, width, height },
    keypoints,
    score,
  }
}
