import { FaceError } from '../errors.js'
import { MESH_VERTICES } from '../geometry/types.js'
import { isBuiltIn } from '../realms.js'
import { isDriverCovers } from './driver-covers.js'
import type { HeadMotion } from './head-motion.js'
import type { ObservedFrame } from './types.js'

/** Motions that come from outside: of a caller, or of a file. One number that is none would spread over a whole picture. */

/** x and y of `mouthPlaces`. */
export const MOUTH_NUMBERS = 48

/** Whether all numbers of a motion are there and finite. */
export function isHeadMotion(value: unknown): value is HeadMotion {
  if (typeof value !== 'object' || value === null) return false
  const motion = value as Partial<HeadMotion>
  const { rotation, shift, scale, eyeOpenings, mouthOpening, gazes, surround } = motion
  const [right, left] = Array.isArray(gazes) ? gazes : []
  return (
    areNumbers(rotation, 9) &&
    areNumbers(shift, 3) &&
    areNumbers(eyeOpenings, 2) &&
    areNumbers(surround, 4) &&
    areNumbers([scale, mouthOpening, right?.along, right?.across, left?.along, left?.across], 6) &&
    (scale as number) > 0 &&
    areFloats(motion.expression, 3 * MESH_VERTICES) &&
    areFloats(motion.light, 3 * MESH_VERTICES)
  )
}

/** @throws FaceError INVALID_ARGUMENT for a motion that lacks numbers, or has some that are not finite */
export function assertMotion(motion: HeadMotion, call: string): void {
  if (!isHeadMotion(motion)) throw invalid(call)
}

/** @throws FaceError INVALID_ARGUMENT, as {@link assertMotion} */
export function assertObserved(observed: ObservedFrame, call: string): void {
  const { status, motion, mouth, covers } = (observed ?? {}) as Partial<ObservedFrame>
  const isKnown = STATUSES.includes(status as ObservedFrame['status'])
  const isWhole = isHeadMotion(motion) && areFloats(mouth, MOUTH_NUMBERS)
  if (!isKnown || !isWhole || !(covers === undefined || isDriverCovers(covers))) throw invalid(call)
}

const STATUSES: readonly ObservedFrame['status'][] = ['ok', 'regained', 'held']

function areNumbers(values: unknown, count: number): boolean {
  return Array.isArray(values) && values.length === count && values.every(Number.isFinite)
}

function areFloats(values: unknown, count: number): boolean {
  return isBuiltIn(values, 'Float32Array') && values.length === count && values.every(Number.isFinite)
}

function invalid(call: string): FaceError {
  return new FaceError(
    'INVALID_ARGUMENT',
    `${call}: needs what observe(), start() or smoothedMotion() give, all numbers there and finite, and a scale above 0`,
  )
}
