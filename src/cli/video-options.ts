import { InvalidArgumentError } from 'commander'

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
