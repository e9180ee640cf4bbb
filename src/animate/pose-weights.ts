import { CHIN, EYES, FOREHEAD, LIPS } from './face-parts.js'
import { between, dot, pointAt, subtract } from './points.js'

/** Share of the face's height above the chin that moves with the jaw. */
const JAW_SHARE = 0.42
const SOFT = 0.05
const JAW = 0.1

/**
 * How well each vertex tells the motion of the skull: those over bone do, lips and lids do not, the jaw hardly.
 * @param mesh 468x3 of a shut mouth
 */
export function poseWeights(mesh: ArrayLike<number>): Float64Array {
  const weights = new Float64Array(mesh.length / 3).fill(1)
  const height = between(mesh, CHIN, FOREHEAD)
  const length = dot(height, height)
  const chin = pointAt(mesh, CHIN)
  for (const vertex of [...LIPS, ...EYES[0].rim, ...EYES[1].rim]) weights[vertex] = SOFT
  for (let v = 0; v < weights.length; v++) {
    const share = dot(subtract(pointAt(mesh, v), chin), height) / length
    if (share < JAW_SHARE) weights[v] = (weights[v] as number) * JAW
  }
  return weights
}
