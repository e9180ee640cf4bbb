import { EngineError } from '../errors.js'

/**
 * Refuses NaN and infinities before they get into results and files, where nobody says where they came from.
 * @param name of the argument
 * @param item what `size` numbers in a row are called
 * @throws EngineError NUMERIC_OVERFLOW naming the argument and the first item that holds one (`details.index`)
 */
export function assertFinite(values: ArrayLike<number>, name: string, item = 'number', size = 1): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw notFinite(name, item, Math.floor(i / size), values[i] as number)
  }
}

export function notFinite(name: string, item: string, index: number, value: number): EngineError {
  return new EngineError(
    'NUMERIC_OVERFLOW',
    `${name}: ${item} ${index} is not finite (${value}); where a network gave it, run its plan in debug mode to find the step`,
    { name, index },
  )
}
