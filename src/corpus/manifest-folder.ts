import type { Dirent } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FaceError } from '../errors.js'
import { matching, PICTURE, sorted } from '../io/frame-files.js'
import { type CorpusEntry, entryOf } from './entry.js'

/** Containers of videos; what ffmpeg makes of them is seen when they are read. */
const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|m2?ts|wmv|flv|3gp|ogv|mxf)$/i

/**
 * Every video below a folder, and every folder with two pictures or more. Hidden files and folders are left out.
 * @throws FaceError INVALID_INPUT if it cannot be listed, or holds neither
 */
export async function* folderEntries(root: string, signal?: AbortSignal): AsyncGenerator<CorpusEntry> {
  let any = false
  for await (const entry of walk(root, root, signal)) {
    any = true
    yield entry
  }
  if (!any) {
    throw new FaceError(
      'INVALID_INPUT',
      `${root}: holds no videos and no folders of pictures; give the folder that does`,
      { file: root },
    )
  }
}

async function* walk(root: string, folder: string, signal?: AbortSignal): AsyncGenerator<CorpusEntry> {
  signal?.throwIfAborted()
  let pictures = 0
  const folders: string[] = []
  try {
    for await (const child of await opendir(folder)) {
      if (child.name.startsWith('.')) continue
      const path = join(folder, child.name)
      const kind = await kindOf(child, path)
      if (kind === 'folder') folders.push(path)
      else if (kind === 'file' && VIDEO.test(child.name)) yield entryOf('video', [path], root, path, null)
      else if (kind === 'file' && PICTURE.test(child.name)) pictures++
    }
  } catch (cause) {
    if (cause instanceof FaceError || signal?.aborted) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new FaceError(
      'INVALID_INPUT',
      `${folder}: cannot be listed (${code}); check its permissions`,
      { file: folder, code },
      { cause },
    )
  }
  if (pictures >= 2) yield entryOf('frames', [folder], root, folder, null)
  for (const below of folders) yield* walk(root, below, signal)
}

/** Links count as what they lead to, but for folders: those could lead back. */
async function kindOf(child: Dirent, path: string): Promise<'file' | 'folder' | 'other'> {
  if (child.isDirectory()) return 'folder'
  if (child.isFile()) return 'file'
  const info = child.isSymbolicLink() ? await stat(path).catch(() => null) : null
  return info?.isFile() ? 'file' : 'other'
}

/**
 * Every file that matches, each a video.
 * @throws FaceError INVALID_INPUT if there is none
 */
export async function* patternEntries(pattern: string, signal?: AbortSignal): AsyncGenerator<CorpusEntry> {
  const files = sorted(await matching(pattern, signal))
  if (files.length === 0) {
    throw new FaceError(
      'INVALID_INPUT',
      `${pattern}: does not exist, and no file matches it; give a folder, a pattern like "videos/**/*.mp4" or a manifest`,
      { file: pattern },
    )
  }
  const root = commonFolder(files)
  for (const file of files) yield entryOf('video', [file], root, file, null)
}

/** The deepest folder that holds all of some files. */
function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0] as string)
  for (const file of files) {
    while (dirname(file) !== common && !file.startsWith(common.endsWith('/') ? common : join(common, '/'))) {
      common = dirname(common)
    }
  }
  return common
}
