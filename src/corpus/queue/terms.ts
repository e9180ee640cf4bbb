import { createHash } from 'node:crypto'
import { FaceError, printed } from '../../errors.js'

/**
 * What all workers of a queue must have in common for its results to be one set: engine version, hash of the weights,
 * options that change numbers. Names and values are the caller's; equal names with equal values are equal terms.
 */
export type QueueTerms = Readonly<Record<string, string>>

/** SHA-256 over the terms, whatever their order, 16 hex digits: every entry carries it. */
export function termsDigest(terms: QueueTerms): string {
  const sorted = Object.entries(terms).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16)
}

/** What differs, a phrase each: `weights: dbb7d76192ca here, 0123456789ab in the queue`. */
export function termsChanges(inQueue: QueueTerms, here: QueueTerms): string[] {
  const names = [...new Set([...Object.keys(inQueue), ...Object.keys(here)])].sort()
  return names
    .filter((name) => inQueue[name] !== here[name])
    .map((name) => `${name}: ${here[name] ?? 'none'} here, ${inQueue[name] ?? 'none'} in the queue`)
}

/**
 * @param remedy what else can be done than to use the same
 * @throws FaceError INVALID_ARGUMENT that says what differs
 */
export function assertSameTerms(inQueue: QueueTerms, here: QueueTerms, queue: string, remedy: string): void {
  const changes = termsChanges(inQueue, here)
  if (changes.length === 0) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `the queue ${printed(queue)} was filled for other results (${changes.join('; ')}); use the same version, weights and ` +
      `options, or ${remedy}`,
    { queue, changes },
  )
}

/** @throws FaceError INVALID_INPUT if the server holds something else under the queue's name */
export function parseTerms(text: string, queue: string): QueueTerms {
  try {
    const json: unknown = JSON.parse(text)
    const isTerms =
      typeof json === 'object' &&
      json !== null &&
      Object.values(json).every((value) => typeof value === 'string')
    if (isTerms) return json as QueueTerms
  } catch {
    // Said below.
  }
  throw new FaceError(
    'INVALID_INPUT',
    `the queue ${printed(queue)}: what it was filled for cannot be read; another program uses its name: choose another --name`,
    { queue },
  )
}
