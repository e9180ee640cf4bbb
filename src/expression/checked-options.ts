import { FaceError } from '../errors.js'
import { checkedWaitOptions } from '../face/checked-options.js'
import { checkedChoice } from '../face/find/face-choice.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import { ownedInput } from './expression-input.js'
import type { ExpressionOptions, ExpressionStreamOptions } from './types.js'

const EXPRESSION_OPTIONS: OptionNames<ExpressionOptions> = {
  signal: true,
  face: true,
  neutral: true,
  fieldOfView: true,
}
const STREAM_OPTIONS: OptionNames<ExpressionStreamOptions> = { ...EXPRESSION_OPTIONS, smoothing: true }

/** Degrees. */
const FIELDS_OF_VIEW = { least: 5, largest: 170 } as const

/** The options as they are now. @throws FaceError INVALID_ARGUMENT that names the option */
export function checkedExpressionOptions(options: ExpressionOptions): ExpressionOptions {
  checkOptionNames<object>('expression()', options, EXPRESSION_OPTIONS, FaceError)
  return checked('expression()', options)
}

/** As `checkedExpressionOptions`. */
export function checkedStreamOptions(
  options: ExpressionStreamOptions,
): ExpressionOptions & { readonly smoothing: boolean } {
  checkOptionNames<object>('expressions()', options, STREAM_OPTIONS, FaceError)
  const { smoothing = true } = options
  if (typeof smoothing !== 'boolean') throw wrong('smoothing', 'true or false', smoothing)
  return { ...checked('expressions()', options), smoothing }
}

function checked(what: string, options: ExpressionOptions): ExpressionOptions {
  const { signal } = checkedWaitOptions(what, {
    ...(options.signal !== undefined && { signal: options.signal }),
  })
  const face = checkedChoice(options.face, 'face')
  const { neutral, fieldOfView } = options
  const { least, largest } = FIELDS_OF_VIEW
  const isAngle = typeof fieldOfView === 'number' && fieldOfView >= least && fieldOfView <= largest
  if (fieldOfView !== undefined && !isAngle) {
    throw wrong('fieldOfView', `an angle of ${least} to ${largest} degrees`, fieldOfView)
  }
  return {
    ...(face && { face: { ...face } }),
    ...(neutral !== undefined && { neutral: ownedInput(neutral, 'neutral') }),
    ...(fieldOfView !== undefined && { fieldOfView }),
    ...(signal && { signal }),
  }
}

function wrong(option: string, what: string, value: unknown): FaceError {
  return new FaceError('INVALID_ARGUMENT', `${option} must be ${what}, got ${String(value)}`, { option })
}
