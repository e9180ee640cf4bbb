import { readFile } from 'node:fs/promises'
import { FaceError } from '../../errors.js'
import type { Rgba } from '../../geometry/types.js'
import { messageOf } from '../../realms.js'

/** Optional: licences of HEVC keep its decoder out of the package. */
const DECODER = 'heic-decode'

type HeicDecode = (input: { readonly buffer: Uint8Array }) => Promise<{
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray
}>

/**
 * Decodes HEIC, the photos of iPhones, with the package `heic-decode` where the user has installed it.
 * @throws FaceError INVALID_INPUT that says how to go on without it
 */
export async function decodeHeic(input: string | Uint8Array, name: string): Promise<Rgba> {
  const decode = await loadDecoder(name)
  try {
    const buffer = typeof input === 'string' ? await readFile(input) : input
    const { width, height, data } = await decode({ buffer })
    return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n')
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is HEIC, and ${DECODER} cannot decode it (${reason}); save it as JPEG`,
      { file: name, format: 'heic' },
      { cause },
    )
  }
}

async function loadDecoder(name: string): Promise<HeicDecode> {
  try {
    const specifier: string = DECODER
    return ((await import(specifier)) as { default: HeicDecode }).default
  } catch (cause) {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: is HEIC (HEVC), as iPhones save photos, for which the package carries no decoder; install one beside ` +
        `it ("npm install ${DECODER}"), or save the photo as JPEG (macOS: sips -s format jpeg in.heic --out out.jpg; ` +
        'Linux: heif-convert in.heic out.jpg)',
      { file: name, format: 'heic', decoder: DECODER },
      { cause },
    )
  }
}
