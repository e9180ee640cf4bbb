import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropPending, keepPending } from './atomic.js'

/** A folder that does not outlive its use, nor the process where a signal ends that. */
export interface TemporaryFolder {
  readonly path: string
  /** With all that is in it; may be called again. */
  remove(): Promise<void>
}

/**
 * Makes a folder in the system's folder for temporary files.
 * @param prefix what its name begins with
 * @throws the system's error, which names the path
 */
export function makeTemporaryFolder(prefix: string): TemporaryFolder {
  // At once: a signal between making it and writing it down would leave it behind.
  const path = mkdtempSync(join(tmpdir(), prefix))
  keepPending(path)
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true })
      dropPending(path)
    },
  }
}
