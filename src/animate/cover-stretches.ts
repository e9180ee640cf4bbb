import { COVERABLE_PARTS } from './coverable-parts.js'
import { type Cover, coverOf } from './covered-parts.js'
import type { ObservedFrame } from './types.js'

/** Frames in a row in which a part of the driver's face is covered. */
export interface CoverStretch extends Cover {
  /** Index of the first. */
  readonly first: number
  readonly frames: number
}

/**
 * Where a driver's eyes or mouth are covered: the photo does not follow them there.
 * @param observed frame by frame; those that are held go on with what was before
 * @returns in the order of their beginnings; `told` has the largest figure of each
 */
export function coverStretches(observed: readonly Pick<ObservedFrame, 'covers'>[]): CoverStretch[] {
  const stretches: CoverStretch[] = []
  for (const part of COVERABLE_PARTS) {
    let [first, largest] = [-1, Number.NEGATIVE_INFINITY]
    for (let frame = 0; frame <= observed.length; frame++) {
      const cover = observed[frame]?.covers?.[part]
      if (cover?.phase === 'covered') {
        if (first < 0) first = frame
        largest = Math.max(largest, cover.figure ?? largest)
      } else if (first >= 0) {
        stretches.push({ ...coverOf(part, largest), first, frames: frame - first })
        ;[first, largest] = [-1, Number.NEGATIVE_INFINITY]
      }
    }
  }
  return stretches.sort((a, b) => a.first - b.first)
}
