import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { FaceError } from '../errors.js'

/** A row of a manifest before anything in it is checked. */
export interface ManifestRow {
  /** From 1. */
  readonly line: number
  /** By lower-case column; only what is text and not empty. */
  readonly fields: Readonly<Record<string, string>>
}

/** A line that is longer is no row of a manifest, but a file without line breaks. */
const MAX_LINE = 2 ** 20

/**
 * The text of a file piece by piece, without a byte order mark.
 * @throws FaceError INVALID_INPUT if it cannot be read or is not UTF-8
 */
async function* decodedText(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decoded = (bytes?: Uint8Array) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch (cause) {
      throw invalid(file, 'is not text in UTF-8; save it as UTF-8', cause)
    }
  }
  try {
    for await (const bytes of createReadStream(file)) yield decoded(bytes as Uint8Array)
  } catch (cause) {
    if (cause instanceof FaceError) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw invalid(file, `cannot be read (${code}); check the path`, cause)
  }
  yield decoded()
}

/**
 * Rows of a CSV table with a header line, one after another, whatever its size.
 * @param checkHeader called once with the columns, in lower case
 * @throws FaceError INVALID_INPUT naming file and line
 */
export async function* csvRows(
  file: string,
  checkHeader: (columns: readonly string[]) => void,
): AsyncGenerator<ManifestRow> {
  const parser = parse({
    columns: (names: string[]) => {
      const columns = names.map((name) => name.toLowerCase())
      checkHeader(columns)
      return columns
    },
    trim: true,
    skip_empty_lines: true,
    info: true,
    max_record_size: MAX_LINE,
  })
  const source = Readable.from(decodedText(file))
  const reading = pipeline(source, parser).catch(() => undefined)
  let any = false
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      any = true
      yield { line: info.lines, fields: filled(record) }
    }
  } catch (cause) {
    if (cause instanceof FaceError) throw cause
    if (!(cause instanceof CsvError)) throw cause
    throw invalid(file, `is not a valid CSV table: ${cause.message}`, cause)
  } finally {
    source.destroy()
    parser.destroy()
    await reading
  }
  if (!any) throw noRows(file)
}

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

/**
 * Rows of a file with one JSON object a line, one after another, whatever its size. Empty lines are skipped.
 * @throws FaceError INVALID_INPUT naming file and line
 */
export async function* jsonRows(file: string): AsyncGenerator<ManifestRow> {
  let rest = ''
  let line = 0
  let any = false
  const row = (text: string): ManifestRow | null => {
    line++
    if (text.trim() === '') return null
    any = true
    return { line, fields: jsonFields(text, `${file}: line ${line}`) }
  }
  for await (const part of decodedText(file)) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) {
      throw invalid(
        file,
        `line ${line + lines.length + 1} is longer than ${MAX_LINE} characters; give one object a line`,
      )
    }
    for (const text of lines) {
      const found = row(text)
      if (found) yield found
    }
  }
  const last = row(rest)
  if (last) yield last
  if (!any) throw noRows(file)
}

function jsonFields(text: string, where: string): Readonly<Record<string, string>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new FaceError('INVALID_INPUT', `${where}: is not JSON; give one object a line`, {}, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FaceError('INVALID_INPUT', `${where}: is no object; give one like {"video": "a.mp4"}`)
  }
  const named = Object.entries(value).map(([name, field]) => [name.toLowerCase(), field] as const)
  for (const [name, field] of named) {
    if (!ROW_COLUMNS.includes(name) || field === null || typeof field === 'string') continue
    throw new FaceError(
      'INVALID_INPUT',
      `${where}: "${name}" is a text, got ${JSON.stringify(field).slice(0, 60)}`,
    )
  }
  return filled(Object.fromEntries(named))
}

/** Columns that are read; others are ignored. */
export const ROW_COLUMNS: readonly string[] = ['id', 'video', 'frames', 'a', 'b', 'group']

function filled(record: Readonly<Record<string, unknown>>): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(record)) {
    if (typeof value === 'string' && value.trim() !== '') fields[name] = value.trim()
  }
  return fields
}

function noRows(file: string): FaceError {
  return invalid(file, 'holds no entries; give a line for each')
}

function invalid(file: string, what: string, cause?: unknown): FaceError {
  return new FaceError('INVALID_INPUT', `${file}: ${what}`, { file }, { cause })
}
