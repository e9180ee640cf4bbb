import { COVERABLE_PARTS, type CoveredPart } from './coverable-parts.js'
import { type CoverFigures, verdictOn } from './covered-parts.js'
import type { DriverCover, DriverCovers } from './driver-covers.js'

/** Whether parts of a face are covered, frame after frame: near the limit a figure trembles, and what it says must not. */

/** Of each part that is covered: how much speaks for its end, in frames that cannot tell; nothing of the others. Plain JSON. */
export type WatchedCovers = Readonly<Partial<Record<CoveredPart, number>>>

/** So many frames in a row that cannot tell end a cover, too: a beard that was taken for one does not stay one. */
const UNSURE_FRAMES = 12
/** What a frame that shows the part free counts against them: two end a cover. */
const FREE_COUNTS = 6

/**
 * A part is covered from the frame on whose figure is above the limit, and free again from the second in a row on that shows it free. By frames so far alone: live, resumed and whole
 * videos are told the same.
 * @param before of the frame before; nothing after a cut
 */
export function watchCovers(before: WatchedCovers, figures: CoverFigures): WatchedCovers {
  const covers: Partial<Record<CoveredPart, number>> = {}
  for (const part of COVERABLE_PARTS) {
    const ending = before[part]
    const verdict = verdictOn(part, figures[part])
    if (verdict === 'covered') covers[part] = 0
    else if (ending !== undefined) {
      const now = ending + (verdict === 'free' ? FREE_COUNTS : 1)
      if (now < UNSURE_FRAMES) covers[part] = now
    }
  }
  return covers
}

/** Frames for which a figure between free ones and the limit holds a part: something that comes in is before the mouth two or three frames later. */
const DOUBT = 3
/** Frames in which a photo comes back to a part that is free again. */
export const RETURN = 5

/** @param before of the frame before; null after a cut @returns null where all is free */
export function nextCovers(before: DriverCovers | null, figures: CoverFigures): DriverCovers | null {
  const watched: Partial<Record<CoveredPart, number>> = {}
  for (const part of COVERABLE_PARTS) {
    const ending = before?.[part]?.ending
    if (ending !== undefined) watched[part] = ending
  }
  const now = watchCovers(watched, figures)
  const covers: Partial<Record<CoveredPart, DriverCover>> = {}
  for (const part of COVERABLE_PARTS) {
    const cover = nextCover(part, before?.[part], figures[part], now)
    if (cover !== null) covers[part] = cover
  }
  return Object.keys(covers).length === 0 ? null : covers
}

function nextCover(
  part: CoveredPart,
  before: DriverCover | undefined,
  figure: number | null,
  { [part]: ending }: WatchedCovers,
): DriverCover | null {
  const next = (phase: DriverCover['phase']): DriverCover => {
    const frames = before?.phase === phase ? before.frames + 1 : 1
    return { phase, frames, figure, ...(ending !== undefined && { ending }) }
  }
  if (ending !== undefined) return next('covered')
  // Whoever looks nearly covered at all times would stutter: it was once not so, and is not doubted again.
  if (before?.phase === 'believed') return next('believed')
  if (before?.phase === 'covered') return next('freed')
  // No figure says nothing of a part that was free.
  if (figure !== null && verdictOn(part, figure) === 'unsure') {
    const isDoubted = !(before?.phase === 'doubted' && before.frames >= DOUBT)
    return next(isDoubted ? 'doubted' : 'believed')
  }
  if (before === undefined || (before.phase === 'freed' && before.frames >= RETURN)) return null
  return next('freed')
}

/** Whether a value from outside is one of these. */
export function isWatchedCovers(value: unknown): value is WatchedCovers {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(
    ([part, ending]) => (COVERABLE_PARTS as readonly string[]).includes(part) && Number.isInteger(ending),
  )
}
