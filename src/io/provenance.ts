import type { WeightsInfo } from '../face/types.js'
import { packageFacts } from '../platform/index.js'
import { sha256Now } from '../platform/node/hash.js'

/*
 * What a result was computed by. A result may be taken for the one that a command would compute now only if
 * both have the same digest: names and dates of files say nothing about what is in them.
 */

type Option = string | number | boolean | null | readonly Option[] | { readonly [key: string]: Option }

/** Everything that decides the numbers of a result but for the adapter, whose rounding differs only. */
export interface Provenance {
  /** Version of the package. */
  readonly version: string
  readonly weights: Pick<WeightsInfo, 'name' | 'hash' | 'depthHash'>
  /** Options that change numbers, defaults filled in. */
  readonly options: Readonly<Record<string, Option>>
  /** SHA-256 of the bytes of each input, hex, by what messages call it (`photo A`). */
  readonly inputs: Readonly<Record<string, string>>
}

/** What of a provenance is the same in every run of this package with these weights. */
export function computedBy(weights: Provenance['weights']): Pick<Provenance, 'version' | 'weights'> {
  const { name, hash, depthHash } = weights
  return { version: packageFacts().version, weights: { name, hash, depthHash } }
}

/** SHA-256 over the canonical JSON (keys sorted, no blanks) of `provenance`, hex. */
export function provenanceDigest({ version, weights, options, inputs }: Provenance): string {
  const { name, hash, depthHash } = weights
  const facts = { version, weights: { name, hash, depthHash }, options, inputs }
  return sha256Now([canonicalJson(facts)])
}

/** As result.json holds it. */
export function withDigest<T extends Provenance>(provenance: T): T & { readonly digest: string } {
  return { ...provenance, digest: provenanceDigest(provenance) }
}

/**
 * What two provenances differ in, a phrase each: `refinement is none, was variational`. Empty where the
 * digests are the same.
 * @param before as read from a file, so of any shape
 */
export function provenanceChanges(before: unknown, now: Provenance): string[] {
  if (!isRecord(before)) return ['the earlier result does not say what computed it']
  const changes: string[] = []
  if (before.version !== now.version) {
    changes.push(`the version is ${now.version}, was ${show(before.version)}`)
  }
  const weights = isRecord(before.weights) ? before.weights : {}
  if (weights.name !== now.weights.name || weights.hash !== now.weights.hash) {
    changes.push(`the weights are ${weightsName(now.weights)}, were ${weightsName(weights)}`)
  } else if ((weights.depthHash ?? null) !== now.weights.depthHash) {
    changes.push('the weights of depth from motion are others')
  }
  const options = isRecord(before.options) ? before.options : {}
  for (const key of keysOf(options, now.options)) {
    const [was, is] = [options[key], now.options[key]]
    if (canonicalJson(was) !== canonicalJson(is)) changes.push(`${key} is ${show(is)}, was ${show(was)}`)
  }
  const inputs = isRecord(before.inputs) ? before.inputs : {}
  for (const key of keysOf(inputs, now.inputs)) {
    if (inputs[key] !== now.inputs[key]) changes.push(`${key} has other content`)
  }
  return changes
}

/** JSON with sorted keys, so that equal values have equal text. */
function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
    ) ?? 'undefined'
  )
}

function keysOf(...records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].sort()
}

function weightsName({ name, hash }: Readonly<Record<string, unknown>>): string {
  return hash === undefined ? 'unknown' : `${show(name)} ${String(hash).slice(0, 12)}`
}

function show(value: unknown): string {
  if (value === undefined) return 'not recorded'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
