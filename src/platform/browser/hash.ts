/** SHA-256 of the parts one after another, lower-case hexadecimal. Text counts as UTF-8. */
export async function sha256(parts: Iterable<string | Uint8Array>): Promise<string> {
  const whole = await new Blob([...parts] as BlobPart[]).arrayBuffer()
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
