import { type Detection, decodeDetections } from './detection-decode.js'
import { weightedNonMaximumSuppression } from './detection-nms.js'
import { letterbox, moveDetection } from './detection-roi.js'
import { invertSimilarity } from './geometry-similarity.js'

/**
 * Faces of a photo from the detector's raw outputs, best first.
 * @param logits 896
 * @param boxes 896x16
 * @param width photo px
 * @param height photo px
 * @returns detections in photo px
 * @throws see decodeDetections
 */
export function detectionsInPhoto(
  logits: ArrayLike<number>,
  boxes: ArrayLike<number>,
  width: number,
  height: number,
): Detection[] {
  const toPhoto = invertSimilarity(letterbox(width, height))
  return weightedNonMaximumSuppression(decodeDetections(logits, boxes)).map((d) => moveDetection(d, toPhoto))
}
