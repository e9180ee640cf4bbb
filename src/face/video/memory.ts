import { FaceError } from '../../errors.js'
import { fromBase64, toBase64 } from '../../geometry/base64.js'
import { type Box, MESH_VERTICES, type Similarity } from '../../geometry/types.js'
import type { FoundFace } from '../find/face-finder.js'
import type { RegionOfInterest } from '../find/roi.js'
import { decodeLook, encodeLook, type Look } from '../look/look.js'
import type { TrackerMemory } from '../types.js'
import { decodeThumbnail, encodeThumbnail, type Thumbnail } from './scene.js'
import type { SteadyRegistration } from './steady-registration.js'

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
  /** Photo px -> template px. */
  readonly toTemplate: Similarity
  /** What the next registration goes on from, where they are smoothed. */
  readonly registration?: SteadyRegistration
  /** 468x3 of `steadyMotion`, template px, where flows are smoothed. */
  readonly vertices?: Float32Array
}

/** A frame as a tracker remembers it. */
export interface Remembered {
  readonly picture: Thumbnail
  /** Only where the face was found. */
  readonly face?: RememberedFace
}

export function faceOfMemory(
  { frame, roi }: FoundFace,
  look: Look | undefined,
  isFresh: boolean,
  registration: SteadyRegistration | undefined,
): RememberedFace {
  const { landmarks468: mesh, irises, box, score, toTemplate } = frame
  const known = { mesh, irises, box, score, roi, isFresh, toTemplate }
  return { ...known, ...(look && { look }), ...(registration && { registration }) }
}

/** @param vertices of `steadyMotion` */
export function withVertices(remembered: Remembered, vertices: Float32Array | undefined): Remembered {
  const { face } = remembered
  return face && vertices ? { ...remembered, face: { ...face, vertices } } : remembered
}

export function memoryOf(picture: Thumbnail, face?: RememberedFace): TrackerMemory {
  const shown = encodeThumbnail(picture)
  if (face === undefined) return { picture: shown }
  const { mesh, irises, look, registration, vertices, ...rest } = face
  const packed = { mesh: encodeFloats(mesh), irises: encodeFloats(irises) }
  const seen = look && { look: encodeLook(look) }
  // Where it is registered is told once.
  const { offset, measured, speed } = registration ?? {}
  const filter = offset && measured && speed && { registration: { offset, measured, speed } }
  const places = vertices && { vertices: encodeFloats(vertices) }
  return { picture: shown, face: { ...rest, ...packed, ...seen, ...filter, ...places } }
}

/** @throws FaceError INVALID_ARGUMENT if it is not what a tracker gave out */
export function readMemory({ picture, face }: TrackerMemory): Remembered {
  const shown = typeof picture === 'string' ? decodeThumbnail(picture) : null
  if (shown === null) throw damaged()
  if (face === undefined) return { picture: shown }
  const mesh = decodeFloats(face.mesh, MESH_VERTICES * 3)
  const irises = decodeFloats(face.irises, IRIS_NUMBERS)
  const vertices = face.vertices === undefined ? undefined : decodeFloats(face.vertices, MESH_VERTICES * 3)
  const { box, score, roi, isFresh = false, toTemplate } = face
  const registration = readRegistration(face.registration, toTemplate)
  const look = face.look === undefined ? undefined : decodeLook(String(face.look))
  const numbers = [...Object.values(box ?? {}), ...Object.values(roi ?? {}), score]
  if (
    mesh === null ||
    irises === null ||
    look === null ||
    vertices === null ||
    registration === null ||
    !isSimilarity(toTemplate) ||
    !areFinite(numbers, 9)
  ) {
    throw damaged()
  }
  const known = { mesh, irises, box, score, roi, isFresh, toTemplate }
  const filters = { ...(registration && { registration }), ...(vertices && { vertices }) }
  return { picture: shown, face: { ...known, ...(look && { look }), ...filters } }
}

/** Null where it is damaged. */
function readRegistration(
  filter: NonNullable<TrackerMemory['face']>['registration'],
  toTemplate: Similarity,
): SteadyRegistration | undefined | null {
  if (filter === undefined) return undefined
  const { offset, measured, speed } = filter ?? {}
  if (!isSimilarity(offset) || !isSimilarity(measured) || !areFinite(speed, 4)) return null
  return { offset, measured, toTemplate, speed: speed as unknown as SteadyRegistration['speed'] }
}

function isSimilarity(value: Similarity | undefined): value is Similarity {
  return areFinite([value?.a, value?.b, value?.tx, value?.ty], 4)
}

function areFinite(numbers: unknown, count: number): boolean {
  return Array.isArray(numbers) && numbers.length === count && numbers.every(Number.isFinite)
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
