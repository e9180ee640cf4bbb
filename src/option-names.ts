import { type DeepFaceFlowError, type ErrorCode, printed } from './errors.js'

/** The names of all options of a kind, checked by the compiler: none can be forgotten. */
export type OptionNames<T> = Readonly<Record<keyof T & string, true>>

/**
 * Refuses options that nothing reads: a name that is misspelt would be ignored without a word.
 * @param what names the call in messages
 * @param Failure the error's class
 * @throws INVALID_ARGUMENT that names the option and the one that is nearest; also for what is no object
 */
export function checkOptionNames<T extends object>(
  what: string,
  options: T,
  names: OptionNames<T>,
  Failure: new (code: ErrorCode, message: string, details?: Record<string, unknown>) => DeepFaceFlowError,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new Failure('INVALID_ARGUMENT', `${what}: options are an object, got ${printed(options)}`)
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name))
  if (unknown === undefined) return
  throw new Failure(
    'INVALID_ARGUMENT',
    `${what}: there is no option ${unknownName(unknown, Object.keys(names))}`,
    {
      option: unknown,
    },
  )
}

/** An unknown name for a message, with the one that may be meant, or all. */
export function unknownName(name: string, known: readonly string[]): string {
  const [nearest] = [...known].sort((a, b) => distance(a, name) - distance(b, name))
  const isNear = nearest !== undefined && distance(nearest, name) <= Math.max(2, name.length / 3)
  return `${printed(name)}; ${isNear ? `"${nearest}" is meant?` : `there are: ${known.join(', ')}`}`
}

/** Letters to insert, delete or replace until one word is the other, whatever their case (Levenshtein). */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase().slice(0, 80)]
  let row = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
