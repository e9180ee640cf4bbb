import { SIDES } from '../animate/face-parts.js'
import { distance } from '../animate/points.js'
import type { FaceFrame } from '../face/types.js'
import type { FaceReading } from './face-reader.js'
import type { HeadPose } from './types.js'

/** Between the points before both ears of a grown head, m: the mean of ICT-FaceKit's. */
const FACE_WIDTH = 0.14
/**
 * Share of a head's pitch that is found from photos: fitted to 98 rendered ones, with faces and skins that no figure in the docs is of
 * (training/README.md).
 */
const PITCH_SHARE = 0.88
/** Turns up to which the pose is as sure as the face itself, and at which it is a guess; degrees off the camera. */
const SURE_TURN = 25
const LARGEST_TURN = 60

/**
 * Pose of the head in its photo, as the network reads it in the registered frame.
 * @param fieldOfView horizontal, degrees
 */
export function headPose(
  reading: Pick<FaceReading, 'presence' | 'yaw' | 'pitch' | 'roll'>,
  { image, landmarks468, toTemplate }: FaceFrame,
  fieldOfView: number | undefined,
): HeadPose {
  const { yaw, presence } = reading
  const pitch = reading.pitch / PITCH_SHARE
  const registered = (Math.atan2(toTemplate.b, toTemplate.a) * 180) / Math.PI
  const roll = wrapped(reading.roll - registered)
  const width = distance(landmarks468, ...SIDES)
  const [x, y] = [0, 1].map((axis) => middle(landmarks468, axis)) as [number, number]
  const [right, down] = [(x - image.width / 2) / width, (y - image.height / 2) / width]
  const away = fieldOfView === undefined ? null : focalLength(image.width, fieldOfView) / width
  const off = Math.hypot(yaw, pitch)
  const turn = Math.min(1, Math.max(0, (LARGEST_TURN - off) / (LARGEST_TURN - SURE_TURN)))
  return {
    angles: { yaw, pitch, roll },
    place: [right, down, away],
    metres: away === null ? null : [right * FACE_WIDTH, down * FACE_WIDTH, away * FACE_WIDTH],
    confidence: presence * turn,
  }
}

/** px */
function focalLength(imageWidth: number, fieldOfView: number): number {
  return imageWidth / 2 / Math.tan((fieldOfView * Math.PI) / 360)
}

/** Of the face's outline, so that the mouth does not move it. */
function middle(mesh: Float32Array, axis: number): number {
  const [right, left] = SIDES
  return ((mesh[3 * right + axis] as number) + (mesh[3 * left + axis] as number)) / 2
}

/** Degrees in [-180, 180). */
export function wrapped(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180
}
