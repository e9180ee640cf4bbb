import { createHash } from 'node:crypto'

/** SHA-256 of the parts one after another, lower-case hexadecimal. Text counts as UTF-8. */
export async function sha256(parts: Iterable<string | Uint8Array>): Promise<string> {
  return sha256Now(parts)
}

/** {@link sha256} for what only Node does. */
export function sha256Now(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
