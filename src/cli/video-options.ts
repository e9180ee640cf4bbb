import { InvalidArgumentError } from 'commander'
import { FaceError } from '../index.js'

/** Rate of pictures, which have none of their own. */
export const PICTURE_RATE = 25

export function framesPerSecond(text: string): number {
  const [numerator, denominator = '1', more] = text.split('/')
  const value = Number(numerator?.trim() || Number.NaN) / Number(denominator.trim() || Number.NaN)
  if (more !== undefined || !(value > 0 && value <= 1000)) {
    throw new InvalidArgumentError('give frames per second up to 1000, for example 25, 29.97 or 30000/1001.')
  }
  return value
}

/** @throws FaceError INVALID_ARGUMENT where a video file, whose frames have times, is told a rate */
export function assertNoRate(file: string, fps: number | undefined): void {
  if (fps === undefined) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${file}: is a video file, whose frames have times of their own; leave --fps out, it is for a folder of pictures`,
    { file, fps },
  )
}
