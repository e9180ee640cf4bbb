import { createHash, randomBytes } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRunning } from './process-life.js'

/** Processes of another machine or container may share a folder; whether they live cannot be seen from here. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 6)
/** What such a process left is taken for abandoned after this long. */
const ABANDONED_MS = 24 * 3600_000

const TEMPORARY = /^\..*\.([0-9a-f]{6})-(\d+)-[0-9a-f]{12}\.tmp$/

/** Name for a file under way to `name`, unique, by which {@link removeAbandoned} finds the process that writes it. */
export function temporaryName(name: string): string {
  return `.${name}.${HOST}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`
}

function isAbandoned(path: string, host: string, pid: number): boolean {
  try {
    if (Date.now() - lstatSync(path).mtimeMs > ABANDONED_MS) return true
  } catch {
    return false
  }
  return host === HOST && !isRunning(pid)
}

/**
 * Removes the files under way in a folder whose processes are gone, so that nobody will finish or remove them.
 *
 * @param alsoNamed what else no process of this version is at work on; with it, folders below are looked through too
 */
export async function removeAbandoned(folder: string, alsoNamed?: RegExp): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    const [, host, pid] = TEMPORARY.exec(entry.name) ?? []
    const abandoned = host === undefined ? alsoNamed?.test(entry.name) : isAbandoned(path, host, Number(pid))
    // Another process may be at the same clean-up; what cannot be removed is in nobody's way.
    if (abandoned) await rm(path, { recursive: true, force: true }).catch(() => undefined)
    else if (alsoNamed && entry.isDirectory()) await removeAbandoned(path, alsoNamed)
  }
}
