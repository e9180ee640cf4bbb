import { ExpressionSequence } from '../expression/expression-sequence.js'
import { type ExpressionRow, expressionCsv } from './expression-table.js'
import type { FrameRecord } from './video-record.js'

/**
 * The table of a video's expressions, smoothed along it where `isSmooth`, as `expressions()` does; see `expressionCsv`.
 * @param file name of the video, or of each picture
 * @param time of a frame, s
 */
export async function videoExpressionsCsv(
  records: AsyncIterable<FrameRecord>,
  file: (record: FrameRecord) => string,
  time: (record: FrameRecord) => number,
  isSmooth: boolean,
): Promise<string> {
  const rows: ExpressionRow[] = []
  const sequence = new ExpressionSequence(isSmooth)
  for await (const record of records) {
    const { frame, cut = false, message, expression } = record
    const now = time(record)
    const step = expression ? sequence.seen(expression, now, cut) : sequence.lost(now)
    const why = step.expression === null && message !== undefined && { message }
    rows.push({ file: file(record), frame, time: now, ...step, ...why })
  }
  return expressionCsv(rows)
}
