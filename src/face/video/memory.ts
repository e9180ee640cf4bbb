import { FaceError } from '../../errors.js'
import { fromBase64, toBase64 } from '../../geometry/base64.js'
import { type Box, MESH_VERTICES } from '../../geometry/types.js'
import type { FoundFace } from '../find/face-finder.js'
import type { RegionOfInterest } from '../find/roi.js'
import { decodeLook, encodeLook, type Look } from '../look/look.js'
import type { TrackerMemory } from '../types.js'
import { decodeThumbnail, encodeThumbnail, type Thumbnail } from './scene.js'

/** The tracker's state as JSON, bit for bit: a video that is gone on with gives what it would have given in one go. */

/** A face as a tracker remembers it. */
export interface RememberedFace {
  /** 468x3, photo px. */
  readonly mesh: Float32Array
  readonly box: Box
  readonly score: number
  readonly roi: RegionOfInterest
  /** Only where later faces are compared with it. */
  readonly look?: Look
  /** Whether it was recognised without the frame before. */
  readonly isFresh?: boolean
}

export function faceOfMemory(
  { frame, roi }: FoundFace,
  look: Look | undefined,
  isFresh: boolean,
): RememberedFace {
  return { mesh: frame.landmarks468, box: frame.box, score: frame.score, roi, isFresh, ...(look && { look }) }
}

export function memoryOf(picture: Thumbnail, face?: RememberedFace): TrackerMemory {
  const shown = encodeThumbnail(picture)
  if (face === undefined) return { picture: shown }
  const { mesh, look, ...rest } = face
  const bytes = new Uint8Array(mesh.slice().buffer)
  const seen = look && { look: encodeLook(look) }
  return { picture: shown, face: { ...rest, mesh: toBase64(bytes), ...seen } }
}

/** @throws FaceError INVALID_ARGUMENT if it is not what a tracker gave out */
export function readMemory({ picture, face }: TrackerMemory): {
  readonly picture: Thumbnail
  readonly face?: RememberedFace
} {
  const shown = typeof picture === 'string' ? decodeThumbnail(picture) : null
  if (shown === null) throw damaged()
  if (face === undefined) return { picture: shown }
  const bytes = fromBase64(String(face.mesh))
  const { box, score, roi, isFresh = false } = face
  const look = face.look === undefined ? undefined : decodeLook(String(face.look))
  const numbers = [...Object.values(box ?? {}), ...Object.values(roi ?? {}), score]
  if (
    bytes?.length !== MESH_VERTICES * 12 ||
    look === null ||
    numbers.length !== 9 ||
    !numbers.every(Number.isFinite)
  ) {
    throw damaged()
  }
  const mesh = new Float32Array(bytes.buffer)
  return { picture: shown, face: { mesh, box, score, roi, isFresh, ...(look && { look }) } }
}

function damaged(): FaceError {
  return new FaceError('INVALID_ARGUMENT', 'resume: a memory is damaged; start the video anew')
}
