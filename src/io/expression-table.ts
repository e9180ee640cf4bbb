import { COEFFICIENT_NAMES } from '../expression/names.js'
import type { ExpressionStep, ReadExpression } from '../expression/types.js'

/** What is written of one photo, or of one frame of a video. */
export interface ExpressionRow extends Omit<ExpressionStep, 'expression'> {
  /** Null where the face is lost. A picture beside it is not looked at: keep none, for videos are long. */
  readonly expression: ReadExpression | null
  /** Name of the photo or of the video. */
  readonly file: string
  /** Number of the frame from 0; of photos 0. */
  readonly frame: number
  /** s from the start of the video; null for photos. */
  readonly time: number | null
}

const COLUMNS = [
  ...[
    'file',
    'frame',
    'time',
    'status',
    'confidence',
    'yaw',
    'pitch',
    'roll',
    'place_x',
    'place_y',
    'place_z',
  ],
  ...['gaze_yaw', 'gaze_pitch', 'gaze_confidence', ...COEFFICIENT_NAMES],
]

type Cell = string | number | null | undefined

/**
 * A table with a row a photo or frame: angles in degrees (signs as of `RigidMotion`), place in widths of the face, coefficients in
 * columns named as ARKit names them. Cells are empty where there is no face, and for coefficients without a value.
 */
export function expressionCsv(rows: readonly ExpressionRow[]): string {
  const lines = rows.map(({ file, frame, time, status, expression }) =>
    [file, frame, time, status, ...valuesOf(expression)].map(cell).join(','),
  )
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`
}

function valuesOf(expression: ReadExpression | null): Cell[] {
  if (expression === null) return COLUMNS.slice(4).map(() => null)
  const { confidence, pose, gaze, coefficients } = expression
  const { yaw, pitch, roll } = pose.angles
  return [
    ...[confidence, yaw, pitch, roll, ...pose.place, gaze.yaw, gaze.pitch, gaze.confidence],
    ...COEFFICIENT_NAMES.map((name) => coefficients[name].value),
  ]
}

function cell(value: Cell): string {
  if (typeof value === 'number') return String(Number(value.toFixed(5)))
  if (value === null || value === undefined) return ''
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** The same as JSON, one value a line: with the confidence of each coefficient, place in metres, and why a face is missing. */
export function expressionJsonLines(rows: readonly ExpressionRow[]): string {
  return rows.map((row) => `${JSON.stringify(lineOf(row))}\n`).join('')
}

function lineOf({ file, frame, time, status, expression, message }: ExpressionRow): object {
  const head = { file, frame, time, status }
  if (expression === null) return { ...head, message }
  const { coefficients, unseen, isRelative, gaze, pose, confidence, warnings } = expression
  return { ...head, ...rounded({ coefficients, unseen, isRelative, gaze, pose, confidence, warnings }) }
}

/** Five digits after the point: more is noise. */
function rounded<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'number' ? Number(part.toFixed(5)) : part)),
  ) as T
}
