import { EYES, type Eye } from '../animate/face-parts.js'
import { eyeOpening } from '../animate/openings.js'
import { distance, pointAt, type Vector } from '../animate/points.js'
import type { FaceFrame } from '../face/types.js'
import { rotate, rotationFromAngles, transposed } from '../geometry/rotation.js'
import type { GazeAngles, HeadPose } from './types.js'

/**
 * An eye as a ball, in widths of the eye from corner to corner: its middle lies behind the middle of the corners, above it and towards the
 * temple; the iris so far from it. Fitted to rendered heads (training/README.md).
 */
const BALL = { depth: 0.27, rise: 0.06, out: 0.033, radius: 0.36 } as const
/** Openings, in widths of the eye, at which the iris is hidden and at which it is seen well. */
const HIDDEN = 0.08
const SEEN = 0.2
/** Eyes that differ by so many degrees say nothing of where both look. */
const APART = 25

/** Where both eyes look, against the head, from the irises in the photo. */
export function eyeGaze(
  face: Pick<FaceFrame, 'landmarks468' | 'irises'>,
  { angles }: Pick<HeadPose, 'angles'>,
): GazeAngles {
  const turn = rotationFromAngles(angles.yaw, angles.pitch, angles.roll)
  const seen = EYES.map((eye) => ({
    ...gazeOfEye(face, eye, turn),
    weight: Math.min(1, Math.max(0, (eyeOpening(face.landmarks468, eye) - HIDDEN) / (SEEN - HIDDEN))),
  }))
  const total = seen.reduce((sum, { weight }) => sum + weight, 0)
  const mean = (of: 'yaw' | 'pitch'): number =>
    seen.reduce((sum, eye) => sum + eye[of] * (total > 0 ? eye.weight / total : 1 / seen.length), 0)
  const [first, second] = seen as [(typeof seen)[0], (typeof seen)[0]]
  const apart = Math.hypot(first.yaw - second.yaw, first.pitch - second.pitch)
  return {
    yaw: mean('yaw'),
    pitch: mean('pitch'),
    confidence: (total / seen.length) * Math.max(0, 1 - apart / APART),
  }
}

/** @param turn of the head, 3x3 */
function gazeOfEye(
  { landmarks468, irises }: Pick<FaceFrame, 'landmarks468' | 'irises'>,
  eye: Eye,
  turn: readonly number[],
): { yaw: number; pitch: number } {
  const [outer, inner] = eye.corners.map((corner) => pointAt(landmarks468, corner)) as [Vector, Vector]
  const width = distance(landmarks468, ...eye.corners)
  // The person's left eye is right in the picture.
  const temple = eye === EYES[1] ? BALL.out : -BALL.out
  const [bx, by] = rotate(turn, temple, -BALL.rise, BALL.depth)
  const along = (axis: 0 | 1, ball: number): number => {
    const corners = ((outer[axis] as number) + (inner[axis] as number)) / 2
    return ((irises[2 * eye.iris + axis] as number) - corners) / width - ball
  }
  const [x, y] = [along(0, bx) / BALL.radius, along(1, by) / BALL.radius]
  const length = Math.max(1, Math.hypot(x, y))
  const towards = [x / length, y / length, -Math.sqrt(Math.max(0, 1 - x * x - y * y))] as const
  const [hx, hy, hz] = rotate(transposed(turn), ...towards)
  const degrees = 180 / Math.PI
  return { yaw: Math.atan2(-hx, -hz) * degrees, pitch: Math.atan2(hy, Math.hypot(hx, hz)) * degrees }
}
