import { FaceError } from '../errors.js'
import type { PhotoInput } from '../geometry/types.js'
import type { DeepFaceFlow } from './deep-face-flow.js'
import type { FaceFrame } from './types.js'

/** What `detect` calls a photo without a file. */
const UNNAMED = 'the photo'

/**
 * The faces of one of several photos, of which messages say which it is.
 * @param name of `photoName`
 * @throws as `DeepFaceFlow.detect`
 */
export async function detectNamed(
  faces: Pick<DeepFaceFlow, 'detect'>,
  photo: PhotoInput,
  name: string,
  signal: AbortSignal | undefined,
): Promise<FaceFrame[]> {
  try {
    return await faces.detect(photo, { ...(signal && { signal }) })
  } catch (error) {
    if (!(error instanceof FaceError && error.message.startsWith(`${UNNAMED}: `))) throw error
    const { code, message, details } = error
    const named = Object.entries(details).map(([key, value]) => [key, value === UNNAMED ? name : value])
    throw new FaceError(code, name + message.slice(UNNAMED.length), Object.fromEntries(named), {
      cause: error,
    })
  }
}
