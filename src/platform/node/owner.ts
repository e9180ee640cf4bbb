import { createHash, randomBytes } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { hostname } from 'node:os'

/** Processes of another machine or container may share a folder; whether they live cannot be seen from here. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 6)
/** What such a process left is taken for abandoned after this long. */
const ABANDONED_MS = 24 * 3600_000

/** Unique part of the name of a temporary file or folder, by which {@link isAbandoned} finds its process. */
export function ownerTag(): string {
  return `${HOST}-${process.pid}-${randomBytes(6).toString('hex')}`
}

/**
 * True if the process that made a temporary file or folder is gone, so that nobody will finish or remove it.
 *
 * @param path its name holds an {@link ownerTag}; without one no process of this version made it
 */
export function isAbandoned(path: string): boolean {
  const [, host, pid] = /([0-9a-f]{6})-(\d+)-[0-9a-f]{12}/.exec(path.slice(path.lastIndexOf('/') + 1)) ?? []
  if (host === undefined) return true
  try {
    if (Date.now() - lstatSync(path).mtimeMs > ABANDONED_MS) return true
  } catch {
    return false
  }
  if (host !== HOST) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
