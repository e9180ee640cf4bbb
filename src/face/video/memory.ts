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
  /** 10x2, photo px. */
  readonly irises: Float32Array
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
  const { landmarks468: mesh, irises, box, score } = frame
  return { mesh, irises, box, score, roi, isFresh, ...(look && { look }) }
}

export function memoryOf(picture: Thumbnail, face?: RememberedFace): TrackerMemory {
  const shown = encodeThumbnail(picture)
  if (face === undefined) return { picture: shown }
  const { mesh, irises, look, ...rest } = face
  const packed = { mesh: encodeFloats(mesh), irises: encodeFloats(irises) }
  const seen = look && { look: encodeLook(look) }
  return { picture: shown, face: { ...rest, ...packed, ...seen } }
}

/** @throws FaceError INVALID_ARGUMENT if it is not what a tracker gave out */
export function readMemory({ picture, face }: TrackerMemory): {
  readonly picture: Thumbnail
  readonly face?: RememberedFace
} {
  const shown = typeof picture === 'string' ? decodeThumbnail(picture) : null
  if (shown === null) throw damaged()
  if (face === undefined) return { picture: shown }
  const mesh = decodeFloats(face.mesh, MESH_VERTICES * 3)
  const irises = decodeFloats(face.irises, IRIS_NUMBERS)
  const { box, score, roi, isFresh = false } = face
  const look = face.look === undefined ? undefined : decodeLook(String(face.look))
  const numbers = [...Object.values(box ?? {}), ...Object.values(roi ?? {}), score]
  if (
    mesh === null ||
    irises === null ||
    look === null ||
    numbers.length !== 9 ||
    !numbers.every(Number.isFinite)
  ) {
    throw damaged()
  }
  return { picture: shown, face: { mesh, irises, box, score, roi, isFresh, ...(look && { look }) } }
}

/** Two irises of five points. */
const IRIS_NUMBERS = 20

function encodeFloats(values: Float32Array): string {
  return toBase64(new Uint8Array(values.slice().buffer))
}

/** Null where the text is not that many numbers. */
function decodeFloats(text: unknown, count: number): Float32Array | null {
  const bytes = fromBase64(String(text))
  return bytes?.length === count * 4 ? new Float32Array(bytes.buffer) : null
}

function damaged(): FaceError {
  return new FaceError('INVALID_ARGUMENT', 'resume: a memory is damaged; start the video anew')
}
