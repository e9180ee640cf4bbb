import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import { outputFailed, setAside, writeFileAtomic } from '../platform/node/atomic.js'
import type { PairRow } from './pairs-csv.js'
import { earlierResult } from './products.js'

/** The summary of a batch: JSON with counts and failures, CSV with a line for each pair. */

const SUMMARY_JSON = 'summary.json'
const SUMMARY_CSV = 'summary.csv'

/** A pair of a table that could not be computed, with the error's code and message. */
export interface PairFailure {
  readonly id: string
  readonly code: string
  readonly message: string
}

/** Counts of one run over a table. */
export interface BatchSummary {
  readonly pairs: number
  readonly computed: number
  /** Were complete already. */
  readonly skipped: number
  readonly failed: number
  /** Not reached. */
  readonly open: number
  readonly failures: readonly PairFailure[]
}

/**
 * Whether the summary can be written, before anything is computed.
 * @param onNote told what was set aside, a sentence each
 * @throws FaceError OUTPUT_FAILED: a folder, or a file of others, has its name
 */
export async function checkBatchSummary(folder: string, onNote: (text: string) => void): Promise<void> {
  const file = join(folder, SUMMARY_JSON)
  const files = await listedFiles(file)
  if (files === 'damaged') onNote(await setAside(folder, SUMMARY_JSON))
  const table = join(folder, SUMMARY_CSV)
  const info = await lstat(table).catch(() => null)
  // The list that would say whether it is ours is lost: neither overwritten nor in the way.
  if (files === 'damaged' && info?.isFile()) {
    onNote(await setAside(folder, SUMMARY_CSV))
    return
  }
  if (info === null || (Array.isArray(files) && files.includes(SUMMARY_CSV) && !info.isDirectory())) return
  throw new FaceError(
    'OUTPUT_FAILED',
    `${table}: is not the summary of an earlier run (no ${SUMMARY_JSON} lists it) and is not overwritten; move it or ` +
      'choose another folder with -o',
    { file: table, code: 'EEXIST' },
  )
}

/**
 * Writes both files. The table tells what lies in the folders, whoever computed it.
 * @throws FaceError OUTPUT_FAILED
 */
export async function writeBatchSummary(
  folder: string,
  pairs: readonly PairRow[],
  summary: BatchSummary,
): Promise<void> {
  const json = { format: 1, ...summary, files: [SUMMARY_JSON, SUMMARY_CSV] }
  // The one that lists the other comes first.
  await writeFileAtomic(join(folder, SUMMARY_JSON), `${JSON.stringify(json, null, 2)}\n`)
  const lines = [Object.keys(COLUMNS)]
  for (const pair of pairs) {
    const failure = summary.failures.find(({ id }) => id === pair.id)
    const result = failure ? null : (await earlierResult(join(folder, pair.id))).result
    lines.push(Object.values(COLUMNS).map((column) => cell(column({ pair, failure, result }))))
  }
  await writeFileAtomic(join(folder, SUMMARY_CSV), lines.map((line) => `${line.join(',')}\n`).join(''))
}

interface Row {
  readonly pair: PairRow
  readonly failure: PairFailure | undefined
  /** result.json; null where there is none. */
  readonly result: Readonly<Record<string, unknown>> | null
}

const at =
  (...keys: string[]) =>
  ({ result }: Row): unknown =>
    keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], result)

const COLUMNS: Readonly<Record<string, (row: Row) => unknown>> = {
  id: ({ pair }) => pair.id,
  status: ({ failure, result }) => (failure ? 'failed' : result ? 'complete' : 'open'),
  a: ({ pair }) => pair.a,
  b: ({ pair }) => pair.b,
  face_pixels: at('statistics', 'facePixels'),
  mean_length: at('statistics', 'meanLength'),
  median_length: at('statistics', 'medianLength'),
  max_length: at('statistics', 'maxLength'),
  mean_depth_change: at('statistics', 'meanDepthChange'),
  mean_expression: at('statistics', 'meanExpression'),
  occluded_share: at('statistics', 'occludedShare'),
  residual_before: at('photometric', 'before'),
  residual_after: at('photometric', 'after'),
  residual_matched_before: at('photometric', 'exposureMatched', 'before'),
  residual_matched_after: at('photometric', 'exposureMatched', 'after'),
  yaw: (row) => at('rigidPhoto', 'angles', 'yaw')(row) ?? at('rigidTemplate', 'angles', 'yaw')(row),
  pitch: (row) => at('rigidPhoto', 'angles', 'pitch')(row) ?? at('rigidTemplate', 'angles', 'pitch')(row),
  roll: (row) => at('rigidPhoto', 'angles', 'roll')(row) ?? at('rigidTemplate', 'angles', 'roll')(row),
  exceeded: (row) => exceeded(at('checks')(row)),
  warnings: (row) => [at('warnings')(row) ?? []].flat().join(' '),
  code: ({ failure }) => failure?.code,
  message: ({ failure }) => failure?.message,
}

/** Codes of the checks that speak against a result, each once. */
function exceeded(checks: unknown): string {
  if (!Array.isArray(checks)) return ''
  const codes = (checks as ({ readonly code?: unknown; readonly exceeded?: unknown } | null)[])
    .filter((check) => check?.exceeded === true)
    .map((check) => check?.code)
  return [...new Set(codes)].join(' ')
}

function cell(value: unknown): string {
  const text = value === undefined || value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Names that an earlier summary lists; null: there is none. */
async function listedFiles(file: string): Promise<readonly unknown[] | 'damaged' | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw outputFailed(file, cause)
  }
  try {
    const json = JSON.parse(text) as { pairs?: unknown; failures?: unknown; files?: unknown } | null
    if (typeof json?.pairs !== 'number' || !Array.isArray(json.failures)) return 'damaged'
    return Array.isArray(json.files) ? json.files : [SUMMARY_JSON]
  } catch {
    return 'damaged'
  }
}
