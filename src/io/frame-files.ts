import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { FaceError } from '../errors.js'
import { FORMAT_NAMES } from '../platform/node/foreign-format.js'
import { messageOf } from '../realms.js'

/** Names of pictures, by their ending. */
export const PICTURE = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i

/** What a name given as frames stands for. */
export type FrameFiles =
  | { readonly kind: 'video'; readonly file: string }
  /** Absolute paths in the order of their names, numbers by value. */
  | { readonly kind: 'pictures'; readonly files: readonly string[] }

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
  const files = sorted(info ? await picturesIn(input) : await matching(input, signal))
  if (files.length < 2) {
    throw invalid(
      input,
      `has ${files.length} frame${files.length === 1 ? '' : 's'}; at least two pictures are needed, each a ${FORMAT_NAMES} file by its name`,
    )
  }
  return { kind: 'pictures', files }
}

async function picturesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && PICTURE.test(entry.name) && !entry.name.startsWith('.'))
      .map((entry) => resolve(folder, entry.name))
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
