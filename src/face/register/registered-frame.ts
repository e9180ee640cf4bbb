import { FaceError } from '../../errors.js'
import { type PhotoInput, type Rgba, TEMPLATE_SIZE } from '../../geometry/types.js'
import { decodePhoto, photoName } from '../../platform/index.js'

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
