import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CsvError, parse } from 'csv-parse/sync'
import { FaceError } from '../errors.js'

/** One line of a batch. */
export interface PairRow {
  /** Folder name of the pair's results. */
  readonly id: string
  /** Absolute paths. */
  readonly a: string
  readonly b: string
}

const COLUMNS = ['id', 'a', 'b'] as const

/** Ids become folder names on any system; Windows drops a dot at the end. */
const SAFE_ID = /^[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_. -]*[\p{L}\p{M}\p{N}_-])?$/u

/** File systems take 255 bytes a name, some of them 143 (those that encrypt names). */
const MAX_ID_BYTES = 143

/** What `batch` itself writes beside the folders, and names that Windows keeps for devices. */
const RESERVED_ID = /^(summary\.(json|csv)|(con|prn|aux|nul|com\d|lpt\d)(\..*)?)$/i

/**
 * Reads a table of pairs: CSV with a header line and the columns id, a, b (others are ignored); relative
 * paths start at the table's folder. Everything is checked before the first pair runs.
 * @throws FaceError INVALID_INPUT naming file, line and remedy; INVALID_ARGUMENT if `file` is no name
 */
export async function readPairs(file: string): Promise<PairRow[]> {
  if (typeof file !== 'string') {
    throw new FaceError('INVALID_ARGUMENT', `the table is a file name, got ${String(file)}`)
  }
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw invalid(file, `cannot be read (${code}); check the path`, cause)
  }
  return parsePairs(decoded(bytes, file), file)
}

function decoded(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalid(file, 'is not text in UTF-8; save it as "CSV UTF-8"', cause)
  }
}

/** The table's text to rows. @throws FaceError INVALID_INPUT */
export function parsePairs(text: string, file: string): PairRow[] {
  let records: { record: Record<string, string>; info: { lines: number } }[]
  try {
    records = parse(text, {
      columns: (names: string[]) => checkedHeader(names, file),
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
    })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw invalid(file, `is not a valid CSV table: ${cause.message}`, cause)
  }
  if (records.length === 0) {
    throw invalid(file, 'holds no pairs; give a header line id,a,b and one line per pair')
  }
  const folder = dirname(resolve(file))
  const lines = new Map<string, number>()
  return records.map(({ record, info }) => {
    for (const column of COLUMNS) {
      if (record[column] === '') throw invalid(file, `line ${info.lines}: ${column} is empty; fill it in`)
    }
    const { id = '', a = '', b = '' } = record
    if (!SAFE_ID.test(id)) {
      throw invalid(
        file,
        `line ${info.lines}: the id "${id}" cannot name a folder; use letters, digits, _ - . and spaces`,
      )
    }
    const bytes = Buffer.byteLength(id)
    if (bytes > MAX_ID_BYTES) {
      throw invalid(
        file,
        `line ${info.lines}: the id "${id}" has ${bytes} bytes, a folder name at most ${MAX_ID_BYTES}; shorten it`,
      )
    }
    if (RESERVED_ID.test(id)) {
      throw invalid(file, `line ${info.lines}: the id "${id}" is the name of something else; choose another`)
    }
    // Names that differ in case or in how accents are composed are the same folder on some systems.
    const key = id.normalize('NFC').toLowerCase()
    const earlier = lines.get(key)
    if (earlier !== undefined) {
      throw invalid(
        file,
        `line ${info.lines}: the id "${id}" is already used in line ${earlier}; ids must differ`,
      )
    }
    lines.set(key, info.lines)
    return { id, a: resolve(folder, a), b: resolve(folder, b) }
  })
}

/** @throws FaceError INVALID_INPUT if a column is missing, or named twice */
function checkedHeader(names: readonly string[], file: string): string[] {
  for (const column of COLUMNS) {
    const count = names.filter((name) => name === column).length
    if (count === 1) continue
    throw invalid(
      file,
      `has ${count === 0 ? 'no' : `${count} times the`} column "${column}"; the header must name id, a and b once each, ` +
        `separated by commas, and is "${names.join(',').slice(0, 80)}"`,
    )
  }
  return [...names]
}

function invalid(file: string, what: string, cause?: unknown): FaceError {
  return new FaceError('INVALID_INPUT', `${file}: ${what}`, { file }, { cause })
}
