import { FaceError } from '../errors.js'
import { checkedName, checkedWaitOptions } from '../face/checked-options.js'
import { checkedChoice } from '../face/find/face-choice.js'
import { ownedPhoto } from '../face/owned-photo.js'
import type { PhotoInput } from '../geometry/types.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import { MOTIONS, type Motion } from './motion-choice.js'
import type { Strengths } from './photo-head.js'
import type { AnimateOptions } from './types.js'

/** More would tear the face. */
export const LARGEST_STRENGTH = 2

const ANIMATE_OPTIONS: OptionNames<AnimateOptions> = {
  signal: true,
  face: true,
  driverFace: true,
  sources: true,
  strengths: true,
  motion: true,
}
const STRENGTHS: OptionNames<Strengths> = { mouth: true, eyes: true, brows: true, pose: true, light: true }

/** Options of animate() as they are at the call. */
export type CheckedAnimateOptions = Omit<AnimateOptions, 'sources' | 'strengths' | 'motion'> & {
  readonly sources: readonly PhotoInput[]
  readonly strengths: Strengths
  readonly motion: Motion
}

/**
 * The options as they are now: callers in JavaScript may pass anything.
 * @throws FaceError INVALID_ARGUMENT that names the option
 */
export function checkedAnimateOptions(options: AnimateOptions): CheckedAnimateOptions {
  checkOptionNames<object>('animate()', options, ANIMATE_OPTIONS, FaceError)
  const { sources = [], motion = 'relative', strengths = {} } = options
  const { signal } = checkedWaitOptions('animate()', {
    ...(options.signal !== undefined && { signal: options.signal }),
  })
  const face = checkedChoice(options.face, 'face')
  const driverFace = checkedChoice(options.driverFace, 'driverFace')
  if (!Array.isArray(sources)) throw wrong('sources', 'a list of photos', sources)
  return {
    ...(face && { face: { ...face } }),
    ...(driverFace && { driverFace: { ...driverFace } }),
    ...(signal && { signal }),
    sources: sources.map(ownedPhoto),
    strengths: checkedStrengths(strengths),
    motion: checkedName('motion', MOTIONS, motion),
  }
}

function checkedStrengths(given: Partial<Strengths>): Strengths {
  checkOptionNames<object>('animate(): strengths', given, STRENGTHS, FaceError)
  const strengths = { mouth: 1, eyes: 1, brows: 1, pose: 1, light: 1, ...given }
  for (const [part, value] of Object.entries(strengths)) {
    if (typeof value === 'number' && value >= 0 && value <= LARGEST_STRENGTH) continue
    throw wrong(`strengths.${part}`, `a number from 0 to ${LARGEST_STRENGTH}`, value)
  }
  return strengths
}

function wrong(option: string, what: string, value: unknown): FaceError {
  return new FaceError('INVALID_ARGUMENT', `${option} must be ${what}, got ${String(value)}`, { option })
}
