import { FaceError } from '../../errors.js'
import { type Rgba, TEMPLATE_SIZE } from '../../geometry/types.js'

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
