import { at } from '../../geometry/array.js'
import type { Box } from '../../geometry/types.js'
import type { Detection } from './decode.js'

/** Intersection over union of two boxes, in [0, 1]. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) return 0
  const intersection = width * height
  return intersection / (a.width * a.height + b.width * b.height - intersection)
}

/**
 * Weighted non-maximum suppression: the best remaining detection takes all that overlap it by more than
 * `threshold`, and becomes their average weighted by score (boxes and keypoints; the score stays the best one's).
 * Averaging makes boxes steadier from frame to frame than keeping the best alone.
 * @returns detections by falling score; ties in the order given
 */
export function weightedNonMaximumSuppression(
  detections: readonly Detection[],
  threshold = 0.3,
): Detection[] {
  let remaining = [...detections].sort((a, b) => b.score - a.score)
  const kept: Detection[] = []
  for (let best = remaining[0]; best !== undefined; best = remaining[0]) {
    const { box } = best
    const overlaps = (d: Detection) => intersectionOverUnion(d.box, box) > threshold
    const cluster = remaining.filter((d) => d === best || overlaps(d))
    kept.push(average(cluster, best.score))
    const taken = new Set(cluster)
    remaining = remaining.filter((d) => !taken.has(d))
  }
  return kept
}

function average(cluster: readonly Detection[], score: number): Detection {
  const total = cluster.reduce((sum, d) => sum + d.score, 0)
  const mean = (value: (d: Detection) => number) =>
    cluster.reduce((sum, d) => sum + d.score * value(d), 0) / total
  return {
    box: {
      x: mean((d) => d.box.x),
      y: mean((d) => d.box.y),
      width: mean((d) => d.box.width),
      height: mean((d) => d.box.height),
    },
    keypoints: (cluster[0]?.keypoints ?? []).map((_, i) => mean((d) => at(d.keypoints, i))),
    score,
  }
}
