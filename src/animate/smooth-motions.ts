import { FaceError } from '../errors.js'
import { multiply, transposed } from '../geometry/rotation.js'
import { fromRotationVector, type RotationVector, toRotationVector } from '../geometry/rotation-vector.js'
import { assertMotion } from './checked-motion.js'
import type { Gaze } from './gaze.js'
import type { HeadMotion } from './head-motion.js'
import type { Vector } from './points.js'
import type { ObservedFrame } from './types.js'

/** Frames on either side that count, and the spread of their weights, frames. */
const REACH = 2
const SPREAD = 1.2
/** Differences that are noise; larger ones are motion, and are left as they are. */
const NOISE = {
  angle: 0.01,
  shift: 0.012,
  scale: 0.006,
  expression: 0.012,
  light: 0.06,
  opening: 0.03,
  gaze: 0.025,
  surround: 0.006,
} as const

/**
 * The motion of one frame with the noise of its neighbours averaged out. Frames before and after count alike, so that nothing comes
 * late, and the less, the more they differ: a blink stays a blink (bilateral filter in time, Tomasi and Manduchi 1998).
 * @param frames in order; frames on the far side of one that is held do not count
 * @throws FaceError INVALID_ARGUMENT for an index beyond the frames, and for motions with numbers that are missing or not finite
 */
export function smoothedMotion(frames: readonly ObservedFrame[], index: number): HeadMotion {
  if (!Array.isArray(frames)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'smoothedMotion: needs the list of what observe() gave, frame by frame',
    )
  }
  const centre: ObservedFrame | undefined = frames[index]
  if (centre === undefined) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `smoothedMotion: there is no frame ${index} among ${frames.length}; give an index from 0 to ${frames.length - 1}`,
    )
  }
  assertMotion(centre.motion, 'smoothedMotion')
  if (centre.status === 'held') return centre.motion
  const others = neighbours(frames, index)
  for (const { motion } of others) assertMotion(motion, 'smoothedMotion')
  const { motion } = centre
  const mean = (values: (motion: HeadMotion) => readonly number[], noise: number): number[] => {
    const own = values(motion)
    const steps = own.map(() => 0)
    let total = 1
    for (const { motion: other, weight } of others) {
      const theirs = values(other)
      const step = Math.hypot(...theirs.map((value, i) => value - (own[i] as number)))
      const share = weight * Math.exp(-0.5 * (step / noise) ** 2)
      total += share
      theirs.forEach((value, i) => {
        steps[i] = (steps[i] as number) + share * (value - (own[i] as number))
      })
    }
    // Differences are averaged, so that what does not change keeps its bits.
    return own.map((value, i) => value + (steps[i] as number) / total)
  }
  const back = transposed(motion.rotation)
  const turn = mean(
    ({ rotation }) => toRotationVector(multiply(rotation, back)),
    NOISE.angle,
  ) as RotationVector
  const [right, left] = mean(({ eyeOpenings }) => eyeOpenings, NOISE.opening) as [number, number]
  const gaze = (i: 0 | 1): Gaze => {
    const [along, across] = mean(({ gazes }) => [gazes[i].along, gazes[i].across], NOISE.gaze) as [
      number,
      number,
    ]
    return { along, across }
  }
  return {
    rotation: multiply(fromRotationVector(turn), motion.rotation),
    shift: mean(({ shift }) => shift, NOISE.shift) as Vector,
    scale: (mean(({ scale }) => [scale], NOISE.scale) as [number])[0],
    expression: smoothedVertices(({ expression }) => expression, motion, others, NOISE.expression),
    light: smoothedVertices(({ light }) => light, motion, others, NOISE.light),
    eyeOpenings: [right, left],
    mouthOpening: (mean(({ mouthOpening }) => [mouthOpening], NOISE.opening) as [number])[0],
    gazes: [gaze(0), gaze(1)],
    surround: mean(({ surround }) => surround, NOISE.surround) as [number, number, number, number],
  }
}

interface Neighbour {
  readonly motion: HeadMotion
  readonly weight: number
}

function neighbours(frames: readonly ObservedFrame[], index: number): Neighbour[] {
  const found: Neighbour[] = []
  for (const direction of [-1, 1]) {
    for (let step = 1; step <= REACH; step++) {
      const frame = frames[index + direction * step]
      if (frame === undefined || frame.status === 'held') break
      found.push({ motion: frame.motion, weight: Math.exp(-0.5 * (step / SPREAD) ** 2) })
    }
  }
  return found
}

/** Vertex by vertex: lips that move do not keep a brow from being steadied. */
function smoothedVertices(
  of: (motion: HeadMotion) => Float32Array,
  own: HeadMotion,
  others: readonly Neighbour[],
  noise: number,
): Float32Array {
  const values = of(own)
  const out = values.slice()
  for (let k = 0; k < values.length; k += 3) {
    const [x, y, z] = [values[k] as number, values[k + 1] as number, values[k + 2] as number]
    let [total, sx, sy, sz] = [1, 0, 0, 0]
    for (const { motion, weight } of others) {
      const theirs = of(motion)
      const dx = (theirs[k] as number) - x
      const dy = (theirs[k + 1] as number) - y
      const dz = (theirs[k + 2] as number) - z
      const share = weight * Math.exp((-0.5 * (dx * dx + dy * dy + dz * dz)) / noise ** 2)
      total += share
      sx += share * dx
      sy += share * dy
      sz += share * dz
    }
    out[k] = x + sx / total
    out[k + 1] = y + sy / total
    out[k + 2] = z + sz / total
  }
  return out
}
