import type { DrawableImage, PhotoInput, Rgba } from '../../geometry/types.js'
import { messageOf } from '../../realms.js'
import { tagOf } from '../photo-kinds.js'
import { checkPixels, checkSize, invalid } from '../photo-limits.js'
import type { Outline, Shape } from '../shapes.js'
import { photoName, photoSource } from './photo-input.js'

type Context = OffscreenCanvasRenderingContext2D

/** Opaque: transparent parts of what is drawn stand on black. */
function surface(width: number, height: number, alpha = false): Context {
  const options = { alpha, willReadFrequently: true, colorSpace: 'srgb' } as const
  return new OffscreenCanvas(width, height).getContext('2d', options) as Context
}

function pixelsOf(context: Context): Rgba {
  const { width, height } = context.canvas
  const { data } = context.getImageData(0, 0, width, height)
  return { width, height, data: new Uint8Array(data.buffer) }
}

function drawn({ width, height, data }: Rgba): OffscreenCanvas {
  const context = surface(width, height, true)
  context.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0)
  return context.canvas
}

/**
 * What is shown at this moment by something that can be drawn; undefined for what cannot.
 * @throws FaceError INVALID_INPUT where nothing is shown, or what is may not be read
 */
export function stillOf(photo: unknown): Rgba | undefined {
  const size = sizeOf(photo)
  if (size === undefined) return undefined
  const name = `the ${tagOf(photo)}`
  const { width, height } = size
  if (!(width > 0) || !(height > 0)) {
    throw invalid(
      name,
      'shows nothing yet',
      "wait until it is loaded (a video's loadeddata event), or give one that is not closed",
    )
  }
  checkSize(width, height, name)
  const context = surface(width, height)
  context.drawImage(photo as DrawableImage, 0, 0, width, height)
  let pixels: Rgba
  try {
    pixels = pixelsOf(context)
  } catch (cause) {
    throw invalid(
      name,
      `may not be read (${messageOf(cause)})`,
      'load it with crossOrigin set, from a site that allows it (CORS)',
      {},
      cause,
    )
  }
  if (isBlank(photo as DrawableImage, pixels)) {
    throw invalid(
      name,
      'shows nothing: every pixel is transparent',
      'draw on it first; give a WebGL canvas in the task that draws it, and one whose control was transferred ' +
        '(transferControlToOffscreen) once its new owner has drawn',
    )
  }
  return pixels
}

const OPAQUE_BLACK = 0xff000000

/** Whether nothing is drawn on it. @param pixels with black below them */
function isBlank(photo: DrawableImage, pixels: Rgba): boolean {
  const isBlack = new Uint32Array(pixels.data.buffer).every((pixel) => pixel === OPAQUE_BLACK)
  if (!isBlack) return false
  const { width, height } = pixels
  const context = surface(width, height, true)
  context.drawImage(photo, 0, 0, width, height)
  return new Uint32Array(pixelsOf(context).data.buffer).every((pixel) => pixel === 0)
}

function sizeOf(photo: unknown): { readonly width: number; readonly height: number } | undefined {
  switch (tagOf(photo)) {
    case 'ImageBitmap':
    case 'OffscreenCanvas':
    case 'HTMLCanvasElement':
      return photo as ImageBitmap
    case 'VideoFrame': {
      const { displayWidth: width, displayHeight: height } = photo as VideoFrame
      return { width, height }
    }
    case 'HTMLVideoElement': {
      const { videoWidth, videoHeight, readyState } = photo as HTMLVideoElement
      const isLoaded = readyState >= 2
      return { width: isLoaded ? videoWidth : 0, height: isLoaded ? videoHeight : 0 }
    }
    case 'HTMLImageElement': {
      const { naturalWidth: width, naturalHeight: height } = photo as HTMLImageElement
      return { width, height }
    }
    default:
      return undefined
  }
}

/** Formats that files are often in and browsers do not decode, by their first bytes as Latin-1. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^(II\*|MM.\*)/s, 'TIFF or a camera raw file'],
  [/^....ftyp(hei|mif|msf)/s, 'HEIC'],
  [/^(ÿ\n|....JXL )/s, 'JPEG XL'],
  [/^....jP/s, 'JPEG 2000'],
  [/^8BPS/, 'a Photoshop document'],
  [/^%PDF/, 'PDF'],
  [/^v\/1/, 'OpenEXR'],
  [/^....ftyp/s, 'a video'],
  [/^\s*<(!doctype (?!svg)|html)/i, 'a web page (HTML)'],
  [/^\s*<(\?xml|svg|!)/i, 'SVG or other XML'],
]

/**
 * Decodes a photo to RGBA8 sRGB: EXIF orientation applied, first frame of animations, transparency on black.
 * @param given address, encoded bytes, pixels (checked and returned as they are), or what can be drawn
 * @param name what messages call the photo
 * @throws FaceError INVALID_INPUT naming the photo, what is wrong and the remedy; INVALID_ARGUMENT for what is no photo
 */
export async function decodePhoto(given: PhotoInput, name = photoName(given, 'image data')): Promise<Rgba> {
  const still = stillOf(given)
  if (still !== undefined) return still
  const source = await photoSource(given, name)
  if ('pixels' in source) return checkPixels(source.pixels, name)
  const { encoded } = source
  if (encoded.size === 0) throw invalid(name, 'is empty', 'give the bytes of an image file')
  await assertWhole(encoded, name)
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(encoded, { premultiplyAlpha: 'none', imageOrientation: 'from-image' })
  } catch (cause) {
    const head = new TextDecoder('latin1').decode(await encoded.slice(0, 64).arrayBuffer())
    const foreign = FOREIGN.find(([magic]) => magic.test(head))?.[1]
    if (foreign !== undefined) {
      throw invalid(
        name,
        `is ${foreign}, which this browser does not decode`,
        'save it as JPEG or PNG',
        {},
        cause,
      )
    }
    throw invalid(
      name,
      `cannot be decoded (${messageOf(cause)})`,
      'give an intact JPEG, PNG or WebP',
      {},
      cause,
    )
  }
  try {
    const { width, height } = bitmap
    checkSize(width, height, name)
    const context = surface(width, height)
    context.drawImage(bitmap, 0, 0)
    return pixelsOf(context)
  } finally {
    bitmap.close()
  }
}

/** Of a JPEG that is cut off browsers show the rest in grey. @throws FaceError INVALID_INPUT */
async function assertWhole(encoded: Blob, name: string): Promise<void> {
  const bytes = new Uint8Array(await encoded.arrayBuffer())
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return
  for (let i = bytes.length - 2; i > 1; i--) {
    if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return
    // The marker of the last scan's start: what follows it is compressed, and has no end.
    if (bytes[i] === 0xff && bytes[i + 1] === 0xda) break
  }
  throw invalid(name, 'is damaged or incomplete (the JPEG has no end)', 'copy or download the file again')
}

async function encoded(image: Rgba, options: ImageEncodeOptions): Promise<Uint8Array> {
  const context = surface(image.width, image.height)
  context.drawImage(drawn(image), 0, 0)
  return new Uint8Array(await (await context.canvas.convertToBlob(options)).arrayBuffer())
}

/** Encodes to PNG without the alpha channel. */
export async function encodePng(image: Rgba): Promise<Uint8Array> {
  return await encoded(image, { type: 'image/png' })
}

/** Encodes grey levels to PNG: in three equal channels, as browsers write no other. */
export async function encodeGreyPng(values: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const data = new Uint8Array(4 * values.length)
  values.forEach((value, i) => {
    data.set([value, value, value, 255], 4 * i)
  })
  return await encodePng({ width, height, data })
}

/** Encodes RGBA8 pixels without their alpha channel to JPEG; quality 1 to 100. */
export async function encodeJpeg(image: Rgba, quality = 90): Promise<Uint8Array> {
  return await encoded(image, { type: 'image/jpeg', quality: quality / 100 })
}

/** The part of an image inside a rectangle of whole pixels, resized to `width` x `height`. */
export async function cropAndResize(
  image: Rgba,
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  width: number,
  height: number,
): Promise<Rgba> {
  const context = surface(width, height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(drawn(image), box.x, box.y, box.width, box.height, 0, 0, width, height)
  return pixelsOf(context)
}

/** Resizes. `smooth` for photos, `exact` for maps of values, whose pixels must keep their colours. */
export async function resizePicture(
  image: Rgba,
  width: number,
  height: number,
  kind: 'smooth' | 'exact',
): Promise<Rgba> {
  const context = surface(width, height)
  context.imageSmoothingEnabled = kind === 'smooth'
  context.imageSmoothingQuality = 'high'
  context.drawImage(drawn(image), 0, 0, width, height)
  return pixelsOf(context)
}

/**
 * Draws shapes on an opaque image.
 * @returns `image`, whose pixels are changed
 */
export async function drawShapes(image: Rgba, shapes: readonly Shape[]): Promise<Rgba> {
  const context = surface(image.width, image.height)
  context.drawImage(drawn(image), 0, 0)
  for (const shape of shapes) draw(context, shape)
  image.data.set(pixelsOf(context).data)
  return image
}

function draw(context: Context, shape: Shape): void {
  context.save()
  context.translate(shape.x ?? 0, 'y' in shape ? shape.y : 0)
  if ('shapes' in shape) {
    context.scale(shape.scale, shape.scale)
    if (shape.clip !== undefined) {
      context.beginPath()
      context.rect(0, 0, shape.clip.width, shape.clip.height)
      context.clip()
    }
    for (const inner of shape.shapes) draw(context, inner)
  } else {
    outline(context, shape)
  }
  context.restore()
}

function outline(context: Context, { path, fill, stroke, strokeOpacity, strokeWidth, round }: Outline): void {
  const shape = new Path2D(path)
  if (fill !== undefined) {
    context.fillStyle = fill
    context.fill(shape)
  }
  if (stroke === undefined) return
  context.strokeStyle = stroke
  context.globalAlpha = strokeOpacity ?? 1
  context.lineWidth = strokeWidth ?? 1
  context.lineCap = round ? 'round' : 'butt'
  context.lineJoin = round ? 'round' : 'miter'
  context.stroke(shape)
}
