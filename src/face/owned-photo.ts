import type { PhotoInput } from '../geometry/types.js'
import { stillOf } from '../platform/index.js'
import { isDeviceData, ownedPlace } from '../runtime/device-data.js'
import type { FramePixels } from './types.js'

/**
 * The photo as it is now. Calls are queued, frames are kept by trackers and results, and what was uploaded is recognised by
 * its object: so bytes, pixels and what a video or canvas shows are copied before the call returns, and then they are the
 * caller's again. What holds no bytes (file names) is returned as it is; what is no photo is left to the decoder to refuse.
 */
export function ownedPhoto(photo: PhotoInput): PhotoInput {
  if (typeof photo !== 'object' || photo === null) return photo
  const still = stillOf(photo)
  if (still !== undefined) return still
  const bytes = copyOfBytes(photo)
  if (bytes !== undefined) return bytes as Uint8Array
  const { width, height, data } = photo as { width: number; height: number; data?: unknown }
  const pixels = copyOfBytes(data)
  return pixels === undefined ? photo : { width, height, data: pixels as Uint8Array }
}

/** As `ownedPhoto`, for what may lie on the device: that is read when the commands run. */
export function ownedFrame(frame: FramePixels): FramePixels {
  return isDeviceData(frame) ? ownedPlace(frame) : ownedPhoto(frame)
}

/** By tag, not by `instanceof`: arrays of another realm are as good. Undefined for what holds no bytes. */
function copyOfBytes(value: unknown): Uint8Array | Uint8ClampedArray | ArrayBuffer | undefined {
  switch (Object.prototype.toString.call(value)) {
    case '[object Uint8Array]':
      return new Uint8Array(value as Uint8Array)
    case '[object Uint8ClampedArray]':
      return new Uint8ClampedArray(value as Uint8ClampedArray)
    case '[object ArrayBuffer]':
    case '[object SharedArrayBuffer]':
      return new Uint8Array(value as ArrayBuffer).slice().buffer
    default:
      return undefined
  }
}
