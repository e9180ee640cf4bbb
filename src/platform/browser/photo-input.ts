import { FaceError } from '../../errors.js'
import type { PhotoInput } from '../../geometry/types.js'
import { messageOf } from '../../realms.js'
import {
  asBytes,
  DATA_URL,
  dataUrlBytes,
  isBlob,
  isUrl,
  kindOf,
  type PhotoPixels,
  primitive,
  tagOf,
} from '../photo-kinds.js'
import { invalid } from '../photo-limits.js'

/** What the decoder works on. */
export type PhotoSource = { readonly encoded: Blob } | { readonly pixels: PhotoPixels }

const ACCEPTED =
  'an address, the bytes of an image file (Blob, Uint8Array, ArrayBuffer), pixels (ImageData), or an ImageBitmap, ' +
  'VideoFrame, canvas, video or image element'

/**
 * What messages call a photo: the last part of its address, the name of its file.
 * @param otherwise for bytes and pixels
 */
export function photoName(input: unknown, otherwise: string): string {
  const address = typeof input === 'string' ? input : isUrl(input) ? input.href : undefined
  if (address !== undefined) {
    // Bytes, and a number that nobody chose, are no name.
    const isNameless = DATA_URL.test(address) || BLOB_URL.test(address)
    return (isNameless ? undefined : lastPart(address)) ?? otherwise
  }
  if (isBlob(input) && typeof input.name === 'string' && input.name !== '') return input.name
  return otherwise
}

const BLOB_URL = /^blob:/i

function lastPart(address: string): string | undefined {
  return /([^/?#]+)\/?(?:[?#].*)?$/.exec(address)?.[1]
}

/**
 * Sorts out what a caller gave.
 * @throws FaceError INVALID_ARGUMENT that says what was given and what is taken; INVALID_INPUT for an address that gives nothing
 */
export async function photoSource(input: PhotoInput, name: string): Promise<PhotoSource> {
  const given: unknown = input
  if (typeof given === 'string' || isUrl(given)) return await atAddress(String(given), name)
  if (typeof given !== 'object' || given === null) throw wrongType(name, primitive(given))
  if (isBlob(given)) return { encoded: given as Blob }
  if (tagOf(given) === 'ArrayBuffer') return { encoded: new Blob([given as ArrayBuffer]) }
  if (ArrayBuffer.isView(given)) {
    const bytes = asBytes(given)
    if (bytes !== undefined) return { encoded: new Blob([bytes as Uint8Array<ArrayBuffer>]) }
  } else if ('width' in given && 'height' in given && 'data' in given) {
    return { pixels: given as PhotoPixels }
  } else if (typeof (given as { then?: unknown }).then === 'function') {
    throw wrongType(name, 'a promise; await it first')
  }
  throw wrongType(name, kindOf(given))
}

async function atAddress(address: string, name: string): Promise<PhotoSource> {
  if (address === '') throw wrongType(name, 'an empty address')
  if (DATA_URL.test(address))
    return { encoded: new Blob([dataUrlBytes(address, name) as Uint8Array<ArrayBuffer>]) }
  let response: Response
  try {
    response = await fetch(address)
  } catch (cause) {
    if (BLOB_URL.test(address)) {
      throw invalid(
        name,
        'its blob: address gives nothing: it was revoked, or made by another page',
        'give the Blob or File itself',
        {},
        cause,
      )
    }
    throw invalid(
      name,
      `cannot be fetched (${messageOf(cause)})`,
      'check the address; another site must allow it (CORS)',
      {},
      cause,
    )
  }
  if (!response.ok) throw invalid(name, `cannot be fetched (HTTP ${response.status})`, 'check the address')
  return { encoded: await response.blob() }
}

function wrongType(name: string, given: string): FaceError {
  return new FaceError('INVALID_ARGUMENT', `${name}: is ${given}; give ${ACCEPTED}`, { given })
}
