import { sha256Now } from '../platform/node/hash.js'

/** A record in a file that says what its own content was: a change of it is found. */
export type Sealed<Record> = Record & {
  /** SHA-256 over the JSON of the rest in its order, hex. */
  readonly seal: string
}

/** @returns the record with its seal behind the rest */
export function sealed<Record extends object>(record: Record): Sealed<Record> {
  return { ...record, seal: sealOf(record) }
}

/** Whether a record, as it was read from a file, is what was sealed. */
export function isUnbroken({ seal, ...rest }: { readonly seal?: unknown }): boolean {
  return seal === sealOf(rest)
}

function sealOf(record: object): string {
  return sha256Now([JSON.stringify(record)])
}
