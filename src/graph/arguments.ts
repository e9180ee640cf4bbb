import { EngineError, printed } from '../errors.js'

/** What a value must be. */
export interface Check {
  /** For messages: `a whole number >= 1`. */
  readonly wants: string
  /** Of several: `finite numbers`. */
  readonly plural?: string
  accepts(value: unknown): boolean
}

/** What every attribute of an op must be. `infer` then sees what fits together: shapes, windows, indices of vertices. */
export type AttributeChecks<Attrs> = { readonly [Name in keyof Attrs]-?: Check }

/** Largest number that a kernel's u32 holds; sizes and counts beyond it mean nothing to one. */
const MAX_WHOLE = 2 ** 32 - 1

export function whole(low = 1, high = MAX_WHOLE): Check {
  const wants = `a whole number >= ${low}${high === MAX_WHOLE ? '' : ` and <= ${high}`}`
  return {
    wants,
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high,
  }
}

export const finite: Check = {
  wants: 'finite',
  plural: 'finite numbers',
  // Kernels compute in f32, where a larger double is an infinity.
  accepts: (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)),
}

export const positive: Check = {
  wants: 'positive and finite',
  accepts: (value) => finite.accepts(value) && (value as number) > 0,
}

/** Of nodes, whose graph checks them. */
export const anything: Check = { wants: 'anything', accepts: () => true }

export const flag: Check = { wants: 'true or false', accepts: (value) => typeof value === 'boolean' }

/** Of a weight tensor, an input, ... */
export const name: Check = {
  wants: 'a name that is not empty',
  accepts: (value) => typeof value === 'string' && value !== '',
}

export function oneOf(...choices: readonly string[]): Check {
  const wants = choices.map((choice) => `'${choice}'`).join(' or ')
  return { wants, accepts: (value) => choices.includes(value as string) }
}

export function optional(check: Check): Check {
  return {
    wants: `${check.wants}, or left out`,
    accepts: (value) => value === undefined || check.accepts(value),
  }
}

export function either(...checks: readonly Check[]): Check {
  return {
    wants: checks.map(({ wants }) => wants).join(' or '),
    accepts: (value) => checks.some((check) => check.accepts(value)),
  }
}

export function tuple(length: number, check: Check): Check {
  return {
    wants: `${length} ${check.plural ?? `of: ${check.wants}`}`,
    accepts: (value) => Array.isArray(value) && value.length === length && hasAll(value, check),
  }
}

export function list(check: Check, least = 0): Check {
  const wants = `a list${least > 0 ? `, not empty,` : ''} of: ${check.plural ?? check.wants}`
  return { wants, accepts: (value) => Array.isArray(value) && value.length >= least && hasAll(value, check) }
}

/** An object whose entries are checked. */
export function record(entries: Readonly<Record<string, Check>>): Check {
  const wants = Object.entries(entries)
    .map(([key, check]) => `${key}: ${check.wants}`)
    .join(', ')
  return {
    wants: `{ ${wants} }`,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.entries(entries).every(([key, check]) => check.accepts((value as Record<string, unknown>)[key])),
  }
}

/** Not `every`: it leaves out the holes of a sparse array. */
function hasAll(values: readonly unknown[], check: Check): boolean {
  for (let i = 0; i < values.length; i++) if (!check.accepts(values[i])) return false
  return true
}

/** By tag and not by `instanceof`: arrays of another realm are as good. */
const isKind = (value: unknown, kind: string): boolean =>
  Object.prototype.toString.call(value) === `[object ${kind}]`

/** Indices of vertices in triangles, and the like. */
export const indices: Check = { wants: 'a Uint32Array', accepts: (value) => isKind(value, 'Uint32Array') }

export const floats: Check = { wants: 'a Float32Array', accepts: (value) => isKind(value, 'Float32Array') }

export const finiteFloats: Check = {
  wants: 'a Float32Array of finite numbers',
  accepts: (value) => isKind(value, 'Float32Array') && (value as Float32Array).every(Number.isFinite),
}

/** What `OpDefinition.attributes` says of attributes, by name: for ops from outside of the package. */
export const checks = {
  either,
  finite,
  finiteFloats,
  flag,
  floats,
  indices,
  list,
  name,
  oneOf,
  optional,
  positive,
  record,
  tuple,
  whole,
} as const

/** What is wrong with attributes, or undefined. The first fault is named. */
export function faultOf<Attrs>(checks: AttributeChecks<Attrs>, attrs: unknown): string | undefined {
  if (typeof attrs !== 'object' || attrs === null) return `attributes are an object, got ${printed(attrs)}`
  for (const [key, check] of Object.entries<Check>(checks as Readonly<Record<string, Check>>)) {
    const value = (attrs as Record<string, unknown>)[key]
    if (!check.accepts(value)) return `${key} must be ${check.wants}, got ${printed(value)}`
  }
  return undefined
}

/** @throws EngineError INVALID_ARGUMENT for arguments of a function that is no op */
export function checkArguments(what: string, checks: Readonly<Record<string, Check>>, given: unknown): void {
  const fault = faultOf(checks, given)
  if (fault !== undefined) throw new EngineError('INVALID_ARGUMENT', `${what}: ${fault}`)
}

/**
 * Attributes as they are now: a caller who changes an array afterwards does not change the graph. Objects of a class are a
 * custom op's own business.
 */
export function ownAttributes<Attrs>(attrs: Attrs): Attrs {
  if (typeof attrs !== 'object' || attrs === null) return attrs
  const prototype = Object.getPrototypeOf(attrs)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return attrs
  return Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, ownValue(value)])) as Attrs
}

function ownValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ownValue)
  if (isKind(value, 'Uint32Array')) return new Uint32Array(value as Uint32Array)
  if (isKind(value, 'Float32Array')) return new Float32Array(value as Float32Array)
  return isKind(value, 'Object') ? ownAttributes(value) : value
}
