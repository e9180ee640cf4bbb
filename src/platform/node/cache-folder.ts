import { lstat, mkdir, mkdtemp } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeAbandoned } from './owner.js'
import { packageFacts } from './package-root.js'

/** Folders and files under way of builds that did not name the process in them. */
const OLD_WORK = /^unpack-|^\..*\.tmp$/

/** True for a folder that this user made and nobody else may write to. */
async function isPrivate(folder: string): Promise<boolean> {
  const facts = await lstat(folder)
  return facts.isDirectory() && facts.uid === process.getuid?.() && (facts.mode & 0o022) === 0
}

/**
 * A folder for this version of the package that outlives the process, private to the user because code is loaded from
 * it: in the XDG cache folder, else under the system's folder for temporary files.
 */
export async function cacheFolder(): Promise<string> {
  const { version } = packageFacts()
  const shared = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  for (const parent of [
    join(shared, 'deepfaceflow'),
    join(tmpdir(), `deepfaceflow-${process.getuid?.() ?? 0}`),
  ]) {
    try {
      const folder = join(parent, version)
      await mkdir(parent, { recursive: true, mode: 0o700 })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      if ((await isPrivate(parent)) && (await isPrivate(folder))) {
        await removeAbandoned(folder, OLD_WORK)
        return folder
      }
    } catch {
      // Read-only home, full disk, a file in the way: try the next place.
    }
  }
  return mkdtemp(join(tmpdir(), 'deepfaceflow-'))
}
