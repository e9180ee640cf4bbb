import { FaceError } from '../errors.js'
import type { Rgba } from '../geometry/types.js'
import { type PhotoPixels, rgbaOf } from './photo-kinds.js'

/** Photos are decoded to RGBA8 in memory, 4 bytes a pixel: 100 megapixels are 400 MB. */
export const MAX_PIXELS = 100_000_000

/** No face of the smallest supported size fits a smaller photo. */
export const MIN_SIDE = 32

/** Faces are found down to a fiftieth of the longer side: in a longer strip none fits. */
export const MAX_ASPECT = 50

export function checkSize(width: number, height: number, name: string): void {
  if (width * height > MAX_PIXELS) {
    throw invalid(
      name,
      `has ${width}x${height} pixels, more than the limit of ${MAX_PIXELS / 1e6} megapixels`,
      'scale it down first',
      { width, height, maxPixels: MAX_PIXELS },
    )
  }
  if (Math.max(width, height) > MAX_ASPECT * Math.min(width, height) && Math.min(width, height) > 0) {
    throw invalid(
      name,
      `has ${width}x${height} pixels, one side more than ${MAX_ASPECT} times the other`,
      'cut out the part that shows the face',
      { width, height, maxAspect: MAX_ASPECT },
    )
  }
  if (width < MIN_SIDE || height < MIN_SIDE) {
    throw invalid(
      name,
      `has ${width}x${height} pixels, less than the minimum of ${MIN_SIDE}x${MIN_SIDE}`,
      'give a larger photo',
      { width, height, minSide: MIN_SIDE },
    )
  }
}

export function checkPixels(pixels: PhotoPixels, name: string): Rgba {
  const { width, height } = pixels
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw invalid(name, `has the size ${width}x${height}`, 'give whole positive numbers of pixels')
  }
  checkSize(width, height, name)
  return rgbaOf(pixels, name)
}

export function invalid(
  file: string,
  what: string,
  remedy: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): FaceError {
  return new FaceError('INVALID_INPUT', `${file}: ${what}; ${remedy}`, { file, ...details }, { cause })
}
