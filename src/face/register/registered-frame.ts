import { FaceError } from '../../errors.js'
import { MESH_VERTICES, type PhotoInput, type Rgba, TEMPLATE_SIZE } from '../../geometry/types.js'
import { decodePhoto, photoName } from '../../platform/index.js'
import type { FrameInput, RegisteredFace } from '../types.js'

/**
 * Whether an image can be a frame that is registered already.
 * @param name what the message calls it
 * @throws FaceError INVALID_INPUT if it is not 224x224
 */
export function assertRegistered({ width, height }: Rgba, name: string): void {
  if (width === TEMPLATE_SIZE && height === TEMPLATE_SIZE) return
  throw new FaceError(
    'INVALID_INPUT',
    `${name}: a registered frame is ${TEMPLATE_SIZE}x${TEMPLATE_SIZE} px, this is ${width}x${height}; ` +
      'leave out "registered" to have photos registered',
    { photo: name, width, height },
  )
}

/** The pixels of a frame that is registered already. @throws FaceError INVALID_INPUT if it is not 224x224 */
export async function registeredPhoto(photo: PhotoInput, otherwise: string): Promise<Rgba> {
  const name = photoName(photo, otherwise)
  const image = await decodePhoto(photo, name)
  assertRegistered(image, name)
  return image
}

/** Whether a frame comes with its landmarks. What lacks them is left to the decoder to refuse. */
export function isRegisteredFace(frame: FrameInput): frame is RegisteredFace {
  return typeof frame === 'object' && frame !== null && 'registered' in frame && 'landmarks468' in frame
}

/**
 * Landmarks of a face that a caller hands in.
 * @throws FaceError INVALID_INPUT for other than 468x3 finite numbers, or a transform that is none
 */
export function assertLandmarks({ landmarks468, toTemplate }: RegisteredFace, name: string): void {
  const { a, b, tx, ty } = toTemplate ?? {}
  const isTransform = [a, b, tx, ty].every((value) => Number.isFinite(value))
  const count = MESH_VERTICES * 3
  const isMesh = landmarks468?.length === count && landmarks468.every((value) => Number.isFinite(value))
  if (isTransform && isMesh) return
  throw new FaceError(
    'INVALID_INPUT',
    `${name}: a registered face has landmarks468 (${count} finite numbers) and toTemplate (a, b, tx, ty); hand in the face as ` +
      'detect() gives it, or its registered frame alone',
    { photo: name },
  )
}
