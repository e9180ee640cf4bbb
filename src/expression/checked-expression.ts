import { FaceError } from '../errors.js'
import { COEFFICIENT_NAMES } from './names.js'
import type { Coefficients, GazeAngles, HeadPose, ReadExpression } from './types.js'

/** Expressions that come from outside: of a caller, or of a file. A number that is none would go through all that follows. */

/** Whether all coefficients are there, each a finite number or without a value. */
export function isCoefficients(value: unknown): value is Coefficients {
  if (typeof value !== 'object' || value === null) return false
  const all = value as Partial<Coefficients>
  return COEFFICIENT_NAMES.every((name) => isNumberOrNull(all[name]?.value))
}

/** Whether all numbers of a pose are there and finite. */
export function isHeadPose(value: unknown): value is HeadPose {
  if (typeof value !== 'object' || value === null) return false
  const { angles, place, metres } = value as Partial<HeadPose>
  const { yaw, pitch, roll } = angles ?? {}
  const [x, y, away] = Array.isArray(place) ? place : []
  const isPlaced = metres === null || (Array.isArray(metres) && metres.every(Number.isFinite))
  return [yaw, pitch, roll, x, y].every(Number.isFinite) && isNumberOrNull(away) && isPlaced
}

/** Whether it is what was read of a face. */
export function isExpression(value: unknown): value is ReadExpression {
  if (typeof value !== 'object' || value === null) return false
  const { coefficients, pose, gaze } = value as Partial<ReadExpression>
  const { yaw, pitch } = (gaze ?? {}) as Partial<GazeAngles>
  return isCoefficients(coefficients) && isHeadPose(pose) && [yaw, pitch].every(Number.isFinite)
}

/** @throws FaceError INVALID_ARGUMENT for an expression that lacks numbers, or has some that are not finite */
export function assertExpression(value: unknown, call: string): asserts value is ReadExpression {
  if (isExpression(value)) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${call}: needs what expression() gives, all ${COEFFICIENT_NAMES.length} coefficients, gaze and pose there and their numbers finite`,
  )
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || Number.isFinite(value)
}
