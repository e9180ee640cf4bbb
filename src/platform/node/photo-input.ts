import { fileURLToPath } from 'node:url'
import { FaceError } from '../../errors.js'
import type { PhotoInput } from '../../geometry/types.js'
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

/** What the decoder works on. */
export type PhotoSource =
  | { readonly file: string }
  | { readonly bytes: Uint8Array }
  | { readonly pixels: PhotoPixels }

const ACCEPTED =
  'a file name or file: URL, the bytes of an image file (Uint8Array, ArrayBuffer, Blob), or pixels ' +
  '({ width, height, data } with RGBA bytes, such as an ImageData)'

/** At least two letters before the colon: `C:\photo.jpg` is a file. */
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i

/**
 * What messages call a photo: its file where it has one; never the content of a `data:` URL.
 * @param otherwise for bytes and pixels
 */
export function photoName(input: unknown, otherwise: string): string {
  if (typeof input === 'string') {
    if (DATA_URL.test(input)) return otherwise
    return /^file:\/\//i.test(input) ? fileOfUrl(input, otherwise) : input
  }
  if (isUrl(input)) return input.protocol === 'file:' ? fileOfUrl(input.href, otherwise) : otherwise
  if (isBlob(input) && typeof input.name === 'string' && input.name !== '') return input.name
  return otherwise
}

/**
 * Sorts out what a caller gave. Kinds are told by tag and shape, not by `instanceof`: a value from another realm (a
 * test runner's, a frame's) is as good.
 * @throws FaceError INVALID_ARGUMENT that says what was given and what is taken; INVALID_INPUT for an address
 */
export async function photoSource(input: PhotoInput, name: string): Promise<PhotoSource> {
  const given: unknown = input
  if (typeof given === 'string') return stringSource(given, name)
  if (isUrl(given)) return urlSource(given, name)
  if (typeof given !== 'object' || given === null) throw wrongType(name, primitive(given))
  if (tagOf(given) === 'ArrayBuffer' || tagOf(given) === 'SharedArrayBuffer') {
    return { bytes: new Uint8Array(given as ArrayBuffer) }
  }
  if (ArrayBuffer.isView(given)) {
    const bytes = asBytes(given)
    if (bytes !== undefined) return { bytes }
    throw wrongType(name, kindOf(given))
  }
  if (isBlob(given)) return { bytes: new Uint8Array(await given.arrayBuffer()) }
  if ('width' in given && 'height' in given && 'data' in given) {
    return { pixels: given as PhotoPixels }
  }
  if (typeof (given as { then?: unknown }).then === 'function')
    throw wrongType(name, 'a promise; await it first')
  throw wrongType(name, kindOf(given))
}

/**
 * The file that a word on a command line means: a name, or a `file:` URL.
 * @param name what messages call it where it is neither
 * @throws FaceError INVALID_INPUT
 */
export function photoFile(text: string, name: string): string {
  if (text === '') throw new FaceError('INVALID_INPUT', `${name}: is an empty name; give a file name`)
  if (DATA_URL.test(text))
    throw new FaceError('INVALID_INPUT', `${name}: is a data: URL; write the picture to a file`)
  const source = stringSource(text, name)
  return 'file' in source ? source.file : text
}

function stringSource(text: string, name: string): PhotoSource {
  if (text === '') throw wrongType(name, 'an empty file name')
  if (DATA_URL.test(text)) return { bytes: dataUrlBytes(text, name) }
  const scheme = SCHEME.exec(text)?.[1]
  if (scheme === undefined) return { file: text }
  return urlSource({ protocol: `${scheme.toLowerCase()}:`, href: text }, name)
}

function urlSource({ protocol, href }: { protocol: string; href: string }, name: string): PhotoSource {
  if (protocol === 'data:') return { bytes: dataUrlBytes(href, name) }
  if (protocol !== 'file:') {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is an address (${protocol}), not a file; download it first and give the file or its bytes`,
      { protocol },
    )
  }
  try {
    return { file: fileURLToPath(href) }
  } catch (cause) {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is a file: URL without a path on this machine; give an absolute path`,
      {},
      { cause },
    )
  }
}

function fileOfUrl(href: string, otherwise: string): string {
  try {
    return fileURLToPath(href)
  } catch {
    return otherwise
  }
}

function wrongType(name: string, given: string): FaceError {
  return new FaceError('INVALID_ARGUMENT', `${name}: is ${given}; give ${ACCEPTED}`, { given })
}
