import { FaceError } from '../errors.js'
import { ownedPhoto } from '../face/owned-photo.js'
import type { FaceFrame } from '../face/types.js'
import { MESH_VERTICES, type PhotoInput, type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { asBytes } from '../platform/photo-kinds.js'
import { isBuiltIn } from '../realms.js'
import type { ExpressionInput } from './types.js'

/** Whether the face need not be looked for. */
export function isFound(input: ExpressionInput): input is FaceFrame {
  return typeof input === 'object' && input !== null && 'landmarks468' in input && 'registered' in input
}

/**
 * What is read, as it is now: the caller may change it when the call returns.
 * @throws FaceError INVALID_INPUT for a face that lacks something, or has numbers that are not finite
 */
export function ownedInput(input: ExpressionInput, name: string): PhotoInput | FaceFrame {
  return isFound(input) ? ownedFace(input, name) : ownedPhoto(input)
}

/** As `ownedInput`. */
export function ownedFace(input: FaceFrame, name: string): FaceFrame {
  const { landmarks468, irises, registered, box, toTemplate, image, score } = input as Partial<FaceFrame>
  const { a, b, tx, ty } = toTemplate ?? {}
  const { x, y, width, height } = box ?? {}
  const isWhole =
    isBuiltIn(landmarks468, 'Float32Array') &&
    landmarks468.length === 3 * MESH_VERTICES &&
    isBuiltIn(irises, 'Float32Array') &&
    irises.length === IRIS_NUMBERS &&
    registered?.width === TEMPLATE_SIZE &&
    registered.height === TEMPLATE_SIZE &&
    isPixels(registered) &&
    isPixels(image) &&
    [a, b, tx, ty, x, y, width, height, score, ...landmarks468, ...irises].every(Number.isFinite)
  if (!isWhole) {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is not a face as detect() and flow() give it (468 landmarks and ten points of the irises, all numbers finite, the photo's pixels and a registered frame of ` +
        `${TEMPLATE_SIZE}x${TEMPLATE_SIZE}); give one of these, or a photo`,
      { photo: name },
    )
  }
  return {
    ...input,
    landmarks468: landmarks468.slice(),
    irises: irises.slice(),
    registered: { ...registered, data: registered.data.slice() },
  }
}

function isPixels(image: Partial<Rgba> | undefined): image is Rgba {
  const { width, height, data } = image ?? {}
  const isSize = Number.isInteger(width) && Number.isInteger(height) && (width as number) > 0
  const bytes = ArrayBuffer.isView(data) ? asBytes(data) : undefined
  return isSize && bytes?.length === 4 * (width as number) * (height as number)
}

/** Ten points, x and y. */
const IRIS_NUMBERS = 20
