import { FaceError } from '../errors.js'
import { checkedFlowOptions } from '../face/checked-options.js'
import type { PhotoInput } from '../geometry/types.js'
import { MOTIONS, type Motion } from './carry-over.js'
import { PARTS, type Strengths } from './photo-head.js'
import type { AnimateOptions } from './types.js'

/** More would tear the face. */
export const LARGEST_STRENGTH = 2

type Checked = Omit<AnimateOptions, 'sources' | 'strengths' | 'motion'> & {
  readonly sources: readonly PhotoInput[]
  readonly strengths: Strengths
  readonly motion: Motion
}

/**
 * Callers in JavaScript may pass anything.
 * @throws FaceError INVALID_ARGUMENT that names the option
 */
export function checkedAnimateOptions(options: AnimateOptions): Checked {
  // Of the driver's face the tracker knows what is wrong.
  const { face, faceB, signal } = checkedFlowOptions({
    ...options,
    ...(options?.driverFace !== undefined && { faceB: options.driverFace }),
  })
  const { sources = [], motion = 'relative' } = options
  if (!Array.isArray(sources)) throw wrong('sources', 'a list of photos', sources)
  if (!MOTIONS.includes(motion)) throw wrong('motion', MOTIONS.join(' or '), motion)
  return {
    ...(face && { face }),
    ...(faceB && { driverFace: faceB }),
    ...(signal && { signal }),
    sources: [...sources],
    strengths: checkedStrengths(options.strengths),
    motion,
  }
}

function checkedStrengths(given: unknown = {}): Strengths {
  if (typeof given !== 'object' || given === null) throw wrong('strengths', 'an object', given)
  const strengths = { mouth: 1, eyes: 1, brows: 1, pose: 1 }
  for (const [part, value] of Object.entries(given)) {
    if (!(PARTS as readonly string[]).includes(part)) throw wrong('strengths', `of ${PARTS.join(', ')}`, part)
    if (value === undefined) continue
    if (!(typeof value === 'number' && value >= 0 && value <= LARGEST_STRENGTH)) {
      throw wrong(`strengths.${part}`, `a number from 0 to ${LARGEST_STRENGTH}`, value)
    }
    strengths[part as keyof typeof strengths] = value
  }
  return strengths
}

function wrong(option: string, what: string, value: unknown): FaceError {
  return new FaceError('INVALID_ARGUMENT', `${option} must be ${what}, got ${String(value)}`, { option })
}
