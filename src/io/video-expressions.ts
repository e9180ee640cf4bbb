import { ExpressionSmoother } from '../expression/smooth-expression.js'
import { type ExpressionRow, expressionCsv } from './expression-table.js'
import type { FrameRecord } from './video-record.js'

/** Between two frames, s: some videos give two the same time. */
const SHORTEST = 1e-3

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
  const smoother = new ExpressionSmoother()
  let [before, isSeen, isLost] = [Number.NaN, false, false]
  for await (const record of records) {
    const { frame, cut, message } = record
    const read = record.expression ?? null
    const now = time(record)
    const place = { file: file(record), frame, time: now }
    if (read === null) {
      isLost = isSeen
      rows.push({ ...place, status: 'lost', expression: null, ...(message !== undefined && { message }) })
    } else {
      if (cut || isLost) smoother.reset()
      const expression = isSmooth ? smoother.next(read, isSeen ? Math.max(now - before, SHORTEST) : 1) : read
      rows.push({ ...place, status: isLost ? 'regained' : 'ok', expression })
      ;[isSeen, isLost] = [true, false]
    }
    before = now
  }
  return expressionCsv(rows)
}
