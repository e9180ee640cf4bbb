import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { FaceError } from '../errors.js'
import { FORMAT_NAMES } from '../platform/node/foreign-format.js'
import { messageOf } from '../realms.js'

/** Names of pictures that are read, by their ending. */
export const PICTURE = /\.(jpe?g|jpe|jfif|a?png|webp|avif|tiff?|gif|hei[cf])$/i
/** Names of pictures that are not. */
const UNREAD =
  /\.(bmp|dib|j2k|jp2|jpf|jpx|jxl|jxr|wdp|p[bfgnp]m|tga|exr|hdr|dpx|cin|fits|qoi|psd|xcf|svg|ico|dng|cr[23]|nef|arw|orf|raf|rw2)$/i

/** What a name given as frames stands for. */
export type FrameFiles =
  | { readonly kind: 'video'; readonly file: string }
  /**
   * Absolute paths in the order of their names, numbers by value. `skipped` says in a sentence which pictures of a folder are not
   * among them, as they are of kinds that are not read; null where there are none.
   */
  | { readonly kind: 'pictures'; readonly files: readonly string[]; readonly skipped: string | null }

/**
 * Tells paths from patterns: what exists under the name is that file or folder, whatever characters it has; only a name
 * that does not exist can be a pattern.
 * @throws FaceError INVALID_INPUT if there is nothing, or fewer than two pictures
 */
export async function findFrameFiles(input: string, signal?: AbortSignal): Promise<FrameFiles> {
  const info = await stat(input).catch((cause: NodeJS.ErrnoException) => {
    if (isAbsent(cause)) return null
    throw invalid(input, `cannot be read (${cause.code ?? cause.message}); check its permissions`, cause)
  })
  if (info?.isFile()) return { kind: 'video', file: input }
  if (info && !info.isDirectory()) {
    throw invalid(input, 'is neither a file nor a folder; give a video file or a folder of frames')
  }
  if (!info && !isDynamicPattern(withSlashes(input))) {
    throw invalid(
      input,
      'does not exist; give a video file, a folder of frames or a pattern like "frames/*.jpg"',
    )
  }
  const names = info ? await filesIn(input) : null
  const files = sorted(
    names?.filter((name) => PICTURE.test(name)).map((name) => resolve(input, name)) ??
      (await matching(input, signal)),
  )
  const skipped = names?.filter((name) => UNREAD.test(name)) ?? []
  if (files.length < 2) {
    throw invalid(
      input,
      `has ${files.length} frame${files.length === 1 ? '' : 's'}${skipped.length > 0 ? ` beside ${counted(skipped)}` : ''}; ` +
        `at least two pictures are needed, each a ${FORMAT_NAMES} file by its name`,
    )
  }
  return { kind: 'pictures', files, skipped: skipped.length > 0 ? skippedNote(input, skipped) : null }
}

function skippedNote(folder: string, names: readonly string[]): string {
  const [are, they] = names.length === 1 ? ['is', 'it'] : ['are', 'them']
  return (
    `${folder}: ${counted(names)} ${are} left out of the frames, of kinds that are not read; ` +
    `save ${they} as JPEG or PNG and start anew, if ${names.length === 1 ? 'it is one' : 'they are some'} of them`
  )
}

/** How many of which endings. */
function counted(names: readonly string[]): string {
  const kinds = new Map<string, number>()
  for (const name of names) {
    const kind = extname(name).toLowerCase()
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  const each = [...kinds].map(([kind, count]) => `${count} ${kind}`).sort()
  return `${names.length} picture${names.length === 1 ? '' : 's'} (${each.join(', ')})`
}

/** Names of the files in a folder, without hidden ones. */
async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
  } catch (cause) {
    throw invalid(
      folder,
      `cannot be listed (${(cause as NodeJS.ErrnoException).code}); check its permissions`,
      cause,
    )
  }
}

/**
 * Absolute paths of the files that match. Only the part of a pattern after the last folder that exists is read as one.
 * @throws FaceError INVALID_INPUT if it is no pattern
 */
export async function matching(pattern: string, signal: AbortSignal | undefined): Promise<string[]> {
  const rest: string[] = []
  let folder = withSlashes(pattern).replace(/\/+$/, '')
  for (;;) {
    rest.unshift(basename(folder))
    const parent = dirname(folder)
    if ((await stat(parent).catch(() => null))?.isDirectory() || parent === folder) {
      folder = parent
      break
    }
    folder = parent
  }
  try {
    const found = await glob(rest.join('/').replace(/^!/, '\\!'), {
      cwd: resolve(folder),
      caseSensitiveMatch: false,
      expandDirectories: false,
      ...(signal && { signal }),
    })
    return found.map((name) => join(resolve(folder), name))
  } catch (cause) {
    if (signal?.aborted) return []
    throw invalid(pattern, `cannot be read as a pattern (${messageOf(cause)})`, cause)
  }
}

/** Patterns use / on every system. */
function withSlashes(pattern: string): string {
  return process.platform === 'win32' ? pattern.replaceAll('\\', '/') : pattern
}

/** By name, numbers by value. */
export function sorted(files: readonly string[]): string[] {
  const collator = new Intl.Collator('en', { numeric: true })
  // Names that the collator holds equal (01, 1) still need one order on every system.
  return [...files].sort((a, b) => collator.compare(a, b) || (a < b ? -1 : 1))
}

function isAbsent({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG'
}

function invalid(file: string, what: string, cause?: unknown): FaceError {
  return new FaceError('INVALID_INPUT', `${file}: ${what}`, { file }, { cause })
}
