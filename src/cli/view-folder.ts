import { lstat, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { FaceError, RESULT_FILE, VIDEO_FILES } from '../index.js'

/** A result in a folder that is looked at. */
export interface ShownResult {
  /** Its folder, below the one looked at; '' for that one itself. */
  readonly name: string
  readonly kind: 'pair' | 'video'
}

/**
 * Results of the commands in a folder: of `flow`, `demo` or `video`, or those of `batch` and `flow --all-faces`, a folder each.
 * @returns in the order of their names
 * @throws FaceError INVALID_INPUT if there is none
 */
export async function findResults(
  folder: string,
): Promise<{ title: string; results: readonly ShownResult[] }> {
  const title = basename(resolve(folder))
  const own = await kindOf(folder)
  if (own !== null) return { title, results: [{ name: '', kind: own }] }
  let names: string[]
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const what =
      code === 'ENOENT'
        ? 'does not exist; give the folder that flow, video, batch or demo wrote to'
        : code === 'ENOTDIR'
          ? 'is a file; give the folder that it lies in'
          : `cannot be read (${code}); check its permissions`
    throw new FaceError('INVALID_INPUT', `${folder}: ${what}`, { file: folder }, { cause })
  }
  names.sort(new Intl.Collator('en', { numeric: true }).compare)
  const results: ShownResult[] = []
  for (const name of names) {
    const kind = name.startsWith('.') ? null : await kindOf(join(folder, name))
    if (kind !== null) results.push({ name, kind })
  }
  if (results.length > 0) return { title, results }
  throw new FaceError(
    'INVALID_INPUT',
    `${folder}: holds no result (${RESULT_FILE} of flow, batch and demo, ${VIDEO_FILES.log} of video); give the folder that one of them wrote to`,
    { file: folder },
  )
}

async function kindOf(folder: string): Promise<ShownResult['kind'] | null> {
  const isFile = async (name: string) => {
    const info = await lstat(join(folder, name)).catch(() => null)
    return info?.isFile() ?? false
  }
  if (await isFile(RESULT_FILE)) return 'pair'
  return (await isFile(VIDEO_FILES.log)) ? 'video' : null
}
