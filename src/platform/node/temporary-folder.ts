import { mkdtempSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { dropPending, keepPending, outputFailed } from './atomic.js'
import { temporaryName } from './owner.js'

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
  return removable(path)
}

/**
 * Makes the folder of what is under way to `place`, beside it. Once it is renamed to its place there is nothing left to remove.
 * @throws FaceError OUTPUT_FAILED
 */
export async function makeFolderUnderWay(place: string): Promise<TemporaryFolder> {
  const path = join(dirname(place), temporaryName(basename(place)))
  keepPending(path)
  try {
    await mkdir(path)
  } catch (cause) {
    dropPending(path)
    throw outputFailed(path, cause)
  }
  return removable(path)
}

function removable(path: string): TemporaryFolder {
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true })
      dropPending(path)
    },
  }
}
