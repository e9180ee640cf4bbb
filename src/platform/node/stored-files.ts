import { createHash } from 'node:crypto'
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryName } from './owner.js'

/** Written last: what the other files must be. */
const RECORD = 'contents.json'

interface FileFacts {
  readonly bytes: number
  readonly sha256: string
}

const factsOf = (data: Uint8Array): FileFacts => ({
  bytes: data.length,
  sha256: createHash('sha256').update(data).digest('hex'),
})

/** A file's content; undefined for a link, a folder, or what cannot be read. */
async function contentOf(file: string): Promise<Buffer | undefined> {
  try {
    return (await lstat(file)).isFile() ? await readFile(file) : undefined
  } catch {
    return undefined
  }
}

/**
 * True if a folder holds all of `names` just as {@link storeFiles} wrote them: libraries are mapped into the process,
 * where a damaged one would end it by a signal.
 */
export async function isIntact(folder: string, names: readonly string[]): Promise<boolean> {
  try {
    if (!(await lstat(folder)).isDirectory()) return false
    const record = JSON.parse(String(await contentOf(join(folder, RECORD)))) as Record<
      string,
      FileFacts
    > | null
    const facts = await Promise.all(
      names.map(async (name) => {
        const data = await contentOf(join(folder, name))
        const found = data && factsOf(data)
        return found?.bytes === record?.[name]?.bytes && found?.sha256 === record?.[name]?.sha256
      }),
    )
    return record !== null && facts.every(Boolean)
  } catch {
    return false
  }
}

/**
 * Writes files and a record of their sizes and hashes, over whatever stands there. Each is flushed and renamed into its
 * place, so that other processes see the old file or the new one, never a part, and those that do the same at the same
 * time do no harm.
 */
export async function storeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const facts = await lstat(folder).catch(() => undefined)
  if (facts && !facts.isDirectory()) await rm(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [name, data] of files) await place(folder, name, data, 0o555)
  const record = Object.fromEntries([...files].map(([name, data]) => [name, factsOf(data)]))
  await place(folder, RECORD, Buffer.from(`${JSON.stringify(record, null, 1)}\n`), 0o444)
  await syncFolder(folder)
}

async function place(folder: string, name: string, data: Uint8Array, mode: number): Promise<void> {
  const target = join(folder, name)
  const work = join(folder, temporaryName(name))
  try {
    const file = await open(work, 'wx', mode)
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    const there = await lstat(target).catch(() => undefined)
    if (there?.isDirectory()) await rm(target, { recursive: true, force: true })
    await rename(work, target)
  } finally {
    await rm(work, { force: true })
  }
}

/** Makes renames last; not all file systems let a folder be opened for that. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
