import { stat } from 'node:fs/promises'
import { dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path'
import { FaceError } from '../errors.js'
import { type CorpusEntry, type EntryKind, entryOf } from './entry.js'
import { folderEntries, patternEntries } from './manifest-folder.js'
import { csvRows, jsonRows, type ManifestRow } from './manifest-rows.js'

/** How a manifest is read. */
export interface ManifestOptions {
  /** The folder that paths of the manifest are relative to and may not leave. Default: that of the manifest. */
  readonly root?: string
  readonly signal?: AbortSignal
}

/**
 * The entries of a corpus one after another, in the order of the input; never all of them in memory. Duplicate ids are found by
 * `planCorpus`, which sees them all.
 *
 * - A CSV table (`.csv`) with a header line, or JSON lines (`.jsonl`, `.ndjson`) with one object a line: of `video`, `frames` (a folder
 *   of pictures) or `a` and `b` (two photos) one is filled in every row; `id` and `group` may be. Other columns are ignored. A byte
 *   order mark, CRLF and empty lines do no harm.
 * - A folder: each video file in it, at any depth, and each folder with two or more pictures.
 * - A video file, or a pattern like `videos/**\/*.mp4`: what exists under the name is never read as a pattern.
 * @throws FaceError INVALID_INPUT naming file, line and remedy
 */
export async function* readManifest(
  input: string,
  options: ManifestOptions = {},
): AsyncGenerator<CorpusEntry> {
  if (typeof input !== 'string' || input === '') {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `the corpus's input is a file, folder or pattern, got ${String(input)}`,
    )
  }
  const info = await stat(input).catch(() => null)
  if (info?.isDirectory()) {
    yield* folderEntries(resolve(input), options.signal)
    return
  }
  const kind = MANIFESTS[extname(input).toLowerCase()]
  if (info === null && kind === undefined) {
    yield* patternEntries(input, options.signal)
    return
  }
  if (kind === undefined) {
    const file = resolve(input)
    yield entryOf('video', [file], dirname(file), input, null)
    return
  }
  const root = resolve(options.root ?? dirname(resolve(input)))
  const rows = kind === 'csv' ? csvRows(input, (columns) => checkColumns(columns, input)) : jsonRows(input)
  for await (const row of rows) {
    options.signal?.throwIfAborted()
    yield rowEntry(row, root, `${input}: line ${row.line}`)
  }
}

const MANIFESTS: Readonly<Record<string, 'csv' | 'json'>> = {
  '.csv': 'csv',
  '.jsonl': 'json',
  '.ndjson': 'json',
}

/** @throws FaceError INVALID_INPUT */
function checkColumns(columns: readonly string[], file: string): void {
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) !== i)
  const shown = `the header is "${columns.join(',').slice(0, 80)}"`
  if (twice !== undefined) {
    throw new FaceError('INVALID_INPUT', `${file}: has the column "${twice}" more than once; ${shown}`, {
      file,
    })
  }
  if (columns.includes('video') || columns.includes('frames')) return
  const [a, b] = [columns.includes('a'), columns.includes('b')]
  if (a && b) return
  const missing = a !== b ? `has no column "${a ? 'b' : 'a'}" beside "${a ? 'a' : 'b'}"` : 'names no input'
  throw new FaceError(
    'INVALID_INPUT',
    `${file}: ${missing}; the header must name video, frames, or a and b, separated by commas, and may name id and group; ${shown}`,
    { file },
  )
}

function rowEntry({ line, fields }: ManifestRow, root: string, where: string): CorpusEntry {
  const { id, group, video, frames, a, b } = fields
  const given = [video, frames, a ?? b].filter((value) => value !== undefined).length
  if (given !== 1 || (a === undefined) !== (b === undefined)) {
    throw new FaceError(
      'INVALID_INPUT',
      `${where}: fill in one of video, frames, or a and b together; got ${Object.keys(fields).join(', ') || 'nothing'}`,
    )
  }
  const inputs = a !== undefined && b !== undefined ? [a, b] : [video ?? (frames as string)]
  const kind: EntryKind = a !== undefined ? 'pair' : video !== undefined ? 'video' : 'frames'
  for (const path of inputs) assertInside(path, root, where)
  return entryOf(
    kind,
    inputs.map((path) => resolve(root, path)),
    root,
    where,
    line,
    id,
    group,
  )
}

/** Lexically: links in the folder are its owner's own. @throws FaceError INVALID_INPUT */
function assertInside(path: string, root: string, where: string): void {
  if (path.includes('\0')) throw new FaceError('INVALID_INPUT', `${where}: a path holds a NUL character`)
  const inside = relative(root, resolve(root, path))
  if (inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return
  throw new FaceError(
    'INVALID_INPUT',
    `${where}: the path "${path}" leaves the folder ${root}; move the manifest, or name the folder of all inputs with --root`,
    { path, root },
  )
}
