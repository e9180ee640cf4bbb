import type { FlowResult } from '../face/types.js'
import { at } from '../geometry/array.js'
import { sampleMasked } from '../geometry/masked-sample.js'
import { rotate } from '../geometry/rotation.js'
import { applySimilarityToPoints, invertSimilarity } from '../geometry/similarity.js'
import { fitSimilarity3 } from '../geometry/similarity3.js'
import { CLOSELY_SEEN } from './head-motion.js'
import { poseWeights } from './pose-weights.js'
import { type SkinLight, skinLight, skinReference } from './skin-light.js'
import { steadiedLandmarks } from './steadied-landmarks.js'
import { powerOf, withoutPower } from './tones.js'

/** What the flow from a photo to a further one of the same person says of the latter. */
export interface SourcePlaces {
  /** 468x3, px of the further photo: where it shows what the photo shows at its landmarks. */
  readonly landmarks: Float32Array
  /** 10x2, px of the further photo. */
  readonly irises: Float32Array
  /** Contrast of the further photo against the photo, see `powerOf`. */
  readonly power: number
  /** Of the further photo without that power against the photo. */
  readonly light: SkinLight
  /** 468: the probability that the further photo shows that place of the skin. */
  readonly visible: Float32Array
}

/**
 * Found by flow where skin is, by landmarks on lips and lids, as a driver's motion is: two photos that are drawn over one another must show
 * the same at the same place.
 * @param result from the photo to the further one, with the way back
 */
export function sourcePlaces(result: FlowResult): SourcePlaces {
  const { a, b } = result
  const from = applySimilarityToPoints(invertSimilarity(a.toTemplate), result.meshA, 3)
  const to = applySimilarityToPoints(invertSimilarity(b.toTemplate), result.meshB, 3)
  const { landmarks: seen, irises } = steadiedLandmarks(result)
  const rigid = fitSimilarity3(from, to, poseWeights(from))
  const landmarks = to.slice()
  // The flow's mesh is not quite where the landmarks are.
  for (let k = 0; k < to.length; k += 3) {
    const [x, y, z] = [0, 1, 2].map((axis) => at(a.landmarks468, k + axis) - at(from, k + axis)) as [
      number,
      number,
      number,
    ]
    rotate(rigid.rotation, x, y, z).forEach((value, axis) => {
      landmarks[k + axis] = at(to, k + axis) + rigid.scale * value
    })
  }
  for (const v of CLOSELY_SEEN) landmarks.set([at(seen, 3 * v), at(seen, 3 * v + 1)], 3 * v)
  const skin = skinReference(result.registeredA, result.meshMask, result.meshA, result.triangles)
  const power = powerOf(result.registeredA, result.warpedB, result.meshMask)
  const light = skinLight(skin, withoutPower(result.warpedB, power))
  return { landmarks, irises, power, light, visible: visibleVertices(result) }
}

function visibleVertices({ occlusionProbability, mask, meshA }: FlowResult): Float32Array {
  const out = new Float32Array(meshA.length / 3).fill(1)
  if (occlusionProbability === undefined) return out
  const hidden = new Float64Array(1)
  return out.map((_, v) => {
    sampleMasked(occlusionProbability, 1, mask, at(meshA, 3 * v), at(meshA, 3 * v + 1), hidden)
    return 1 - at(hidden, 0)
  })
}
