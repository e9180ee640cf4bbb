import { invertSimilarity } from '../../geometry/similarity.js'
import type { Similarity } from '../../geometry/types.js'
import { type Detection, decodeDetections } from './decode.js'
import { weightedNonMaximumSuppression } from './nms.js'
import { moveDetection } from './roi.js'

/**
 * Faces of a view of a photo from the detector's raw outputs, best first.
 * @param logits 896
 * @param boxes 896x16
 * @param view photo px -> the detector's 128x128 px, such as `letterbox`
 * @returns detections in photo px
 * @throws see decodeDetections
 */
export function detectionsInView(
  logits: ArrayLike<number>,
  boxes: ArrayLike<number>,
  view: Similarity,
): Detection[] {
  const toPhoto = invertSimilarity(view)
  return weightedNonMaximumSuppression(decodeDetections(logits, boxes)).map((d) => moveDetection(d, toPhoto))
}
