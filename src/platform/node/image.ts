import { access, constants, readFile, stat } from 'node:fs/promises'
import type { Metadata, Sharp } from 'sharp'
import type { FaceError } from '../../errors.js'
import type { PhotoInput, Rgba } from '../../geometry/types.js'
import { messageOf } from '../../realms.js'
import { checkPixels, checkSize, invalid, MAX_PIXELS } from '../photo-limits.js'
import type { Shape } from '../shapes.js'
import { FORMAT_NAMES, foreignFormat } from './foreign-format.js'
import { decodeHeic } from './heic.js'
import { photoName, photoSource } from './photo-input.js'
import { loadSharp } from './sharp.js'
import { svgOf } from './svg.js'

/** Containers of photos. Documents and drawings that libvips could render (SVG, PDF) are not photos. */
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'heif', 'tiff', 'gif'])

/** How the decoders say that an intact file uses what they do not have. */
const UNSUPPORTED = /\bunsupported\b|not (supported|configured|implemented)|unknown compression/i

/**
 * Among what libjpeg only warns of: a scan that does not decode, where it goes on with wrong colours. Filling behind the
 * last pixel (marker 0xd9) is harmless, and some cameras write it.
 */
const JPEG_DAMAGE = /Corrupt JPEG data(?!: \d+ extraneous bytes before marker 0xd9)/

/**
 * Decodes a photo to RGBA8 sRGB: EXIF orientation applied, first frame of animations, 16-bit reduced to 8,
 * grey and CMYK converted, transparency composited on black.
 * @param given file name or URL, encoded bytes or pixels (checked and returned as they are)
 * @param name what messages call the photo; default the file name, or `image data`
 * @throws FaceError INVALID_INPUT naming the file, what is wrong, the limit and the remedy; INVALID_ARGUMENT for
 *   what is no photo at all
 */
export async function decodePhoto(given: PhotoInput, name = photoName(given, 'image data')): Promise<Rgba> {
  const source = await photoSource(given, name)
  if ('pixels' in source) return checkPixels(source.pixels, name)
  let input = 'file' in source ? source.file : source.bytes
  if (typeof input === 'string') {
    await checkFile(input)
    // libvips takes brackets at the end of a name for options of its decoder.
    if (input.endsWith(']')) input = await readFile(input)
  } else if (input.length === 0) throw invalid(name, 'is empty', 'give the bytes of an image file')
  const header = await readHeader(input, name)
  await checkHeader(header, input, name)
  if (header.format === 'heif' && header.compression !== 'av1')
    return checkPixels(await decodeHeic(input, name), name)
  try {
    if (header.format !== 'jpeg') return await decode(input, header, 'error')
    return await decode(input, header, 'warning').catch((cause: unknown) => {
      if (JPEG_DAMAGE.test(messageOf(cause))) throw cause
      return decode(input, header, 'error')
    })
  } catch (cause) {
    const why = reason(cause)
    if (UNSUPPORTED.test(why)) {
      throw invalid(
        name,
        `is a kind of ${header.format.toUpperCase()} that is not read (${why})`,
        'save it as PNG',
        {},
        cause,
      )
    }
    throw damaged(name, cause)
  }
}

async function decode(
  input: string | Uint8Array,
  { space, icc }: Metadata,
  failOn: 'error' | 'warning',
): Promise<Rgba> {
  const picture = await open(input, MAX_PIXELS, failOn)
  // Colours of 16 bits with a profile sharp would bring to Display P3, and leave them there.
  if (space === 'rgb16' && icc !== undefined) picture.pipelineColourspace('srgb')
  const { data, info } = await picture
    .flatten({ background: '#000000' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
  }
}

/** What is shown at this moment by something that can be drawn. Node has no such things. */
export function stillOf(_photo: unknown): Rgba | undefined {
  return undefined
}

/** Adaptive filters make a low level both quicker and smaller than the highest without them. */
const PNG = { compressionLevel: 2, adaptiveFiltering: true } as const

/** Encodes to PNG without the alpha channel; the same pixels give the same bytes. */
export async function encodePng(image: Rgba): Promise<Uint8Array> {
  return (await fromPixels(image)).removeAlpha().png(PNG).toBuffer()
}

/**
 * As `encodePng`, with a packet of XMP.
 * @param image of any shape, 4 bytes a px
 * @returns the bytes of the file
 */
export async function encodeDescribedPng(image: Rgba, xmp: string): Promise<Uint8Array> {
  return (await fromPixels(image)).removeAlpha().withXmp(xmp).png(PNG).toBuffer()
}

/**
 * Encodes to a PNG of one channel.
 * @param values height*width grey levels
 */
export async function encodeGreyPng(values: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const grey = sharp(values, { raw: { width, height, channels: 1 } })
  return grey.toColourspace('b-w').png({ compressionLevel: 9 }).toBuffer()
}

/** Encodes RGBA8 pixels without their alpha channel to JPEG, 4:4:4 chroma; quality 1 to 100. */
export async function encodeJpeg(image: Rgba, quality = 90): Promise<Uint8Array> {
  return (await fromPixels(image)).removeAlpha().jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer()
}

/** Encodes 16-bit colours to PNG. @param pixels height*width*3 */
export async function encodePng16(pixels: Uint16Array, width: number, height: number): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .toColourspace('rgb16')
    .png({ compressionLevel: 6 })
    .toBuffer()
}

/** Colours of a file of {@link encodePng16}, height*width*3; null where there is none. */
export async function decodePng16(file: string): Promise<Uint16Array | null> {
  try {
    const sharp = await loadSharp()
    const { data } = await sharp(file)
      .toColourspace('rgb16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true })
    return new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
  } catch {
    return null
  }
}

/** The part of an image inside a rectangle of whole pixels, resized to `width` x `height`. */
export async function cropAndResize(
  image: Rgba,
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  width: number,
  height: number,
): Promise<Rgba> {
  const data = await (await fromPixels(image))
    .extract({ left: box.x, top: box.y, width: box.width, height: box.height })
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer()
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
}

async function fromPixels({ width, height, data }: Rgba): Promise<Sharp> {
  const sharp = await loadSharp()
  return sharp(data, { raw: { width, height, channels: 4 } })
}

/** @param failOn `truncated`, for which there is no use here, lets damaged data decode to grey bands */
async function open(
  input: string | Uint8Array,
  limitInputPixels: number | false,
  failOn: 'error' | 'warning' = 'error',
): Promise<Sharp> {
  const sharp = await loadSharp()
  return sharp(input, { failOn, limitInputPixels, autoOrient: true, pages: 1 })
}

async function readHeader(input: string | Uint8Array, name: string): Promise<Metadata> {
  // Only the header is read, so the pixel limit can be left to checkHeader, which names the numbers.
  const picture = await open(input, false)
  try {
    return await picture.metadata()
  } catch (cause) {
    const foreign = await foreignFormat(input)
    if (foreign === 'photo' || /corrupt header/.test(reason(cause))) throw damaged(name, cause)
    if (foreign === undefined) {
      throw invalid(name, `is not an image (${reason(cause)})`, `give a ${FORMAT_NAMES} file`, {}, cause)
    }
    throw invalid(name, `is ${foreign.what}`, foreign.remedy, {}, cause)
  }
}

async function checkHeader(
  { width, height, format }: Metadata,
  input: string | Uint8Array,
  name: string,
): Promise<void> {
  if (!FORMATS.has(format)) {
    throw invalid(name, `is ${format.toUpperCase()}, not a photo`, `give a ${FORMAT_NAMES} file`, { format })
  }
  checkSize(width, height, name)
  // Camera raw files are TIFF by their header; what a TIFF reader finds in them is a preview.
  const foreign = format === 'tiff' ? await foreignFormat(input) : undefined
  if (foreign !== undefined && foreign !== 'photo') {
    throw invalid(name, `is ${foreign.what}`, foreign.remedy, { format })
  }
}

async function checkFile(file: string): Promise<void> {
  let info: Awaited<ReturnType<typeof stat>>
  try {
    info = await stat(file)
    await access(file, constants.R_OK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw invalid(file, 'does not exist', 'check the path', { code }, cause)
    }
    throw invalid(
      file,
      `cannot be read (${code ?? 'unknown error'})`,
      'check its permissions',
      { code },
      cause,
    )
  }
  if (info.isDirectory()) {
    throw invalid(file, 'is a folder', 'give an image file; for a folder of frames use the video command')
  }
  if (!info.isFile()) throw invalid(file, 'is a pipe or device', 'write the photo to a file first')
  if (info.size === 0) throw invalid(file, 'is empty (0 bytes)', 'copy or download the file again')
}

/** First line of a libvips message, without its own prefix. */
function reason(cause: unknown): string {
  const text = messageOf(cause)
  return (text.split('\n')[0] ?? '').replace(/^Input (file|buffer) /, '').slice(0, 120)
}

function damaged(name: string, cause: unknown): FaceError {
  // JPEG-LS, or a damaged byte: the header cannot tell.
  if (/unsupported marker type/i.test(reason(cause))) {
    const what = `is a kind of JPEG that is not read, or damaged (${reason(cause)})`
    return invalid(name, what, 'save it as PNG, or copy it again', {}, cause)
  }
  const what = `is damaged or incomplete (${reason(cause)})`
  return invalid(name, what, 'copy or download the file again', {}, cause)
}

/**
 * Resizes. `smooth` for photos, `exact` for maps of values, whose pixels must keep their colours.
 */
export async function resizePicture(
  image: Rgba,
  width: number,
  height: number,
  kind: 'smooth' | 'exact',
): Promise<Rgba> {
  const data = await (await fromPixels(image))
    .resize(width, height, { fit: 'fill', kernel: kind === 'smooth' ? 'cubic' : 'nearest' })
    .raw()
    .toBuffer()
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
}

/**
 * Draws shapes on an opaque image.
 * @returns `image`, whose pixels are changed
 */
export async function drawShapes(image: Rgba, shapes: readonly Shape[]): Promise<Rgba> {
  const sharp = await loadSharp()
  const svg = svgOf(shapes, image.width, image.height)
  const layer = await sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer()
  putOver(image.data, layer)
  return image
}

/** Puts the layer over the image. libvips' `composite` would take all pixels through floats, while most are empty. */
function putOver(image: Uint8Array, layer: Uint8Array): void {
  for (let i = 0; i < image.length; i += 4) {
    const alpha = layer[i + 3] as number
    if (alpha === 0) continue
    const rest = 255 - alpha
    image[i] = ((layer[i] as number) * alpha + (image[i] as number) * rest + 127) / 255
    image[i + 1] = ((layer[i + 1] as number) * alpha + (image[i + 1] as number) * rest + 127) / 255
    image[i + 2] = ((layer[i + 2] as number) * alpha + (image[i + 2] as number) * rest + 127) / 255
  }
}
