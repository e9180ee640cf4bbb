import { applySimilarity, composeSimilarity } from '../../geometry/similarity.js'
import type { Box, Similarity } from '../../geometry/types.js'
import { DETECTOR_SIDE } from './anchors.js'

/** What the detector is shown of a photo: similarities from photo px to its square. */

const CENTRE = DETECTOR_SIDE / 2

/** Share of the square that a face fills in a look around its place. */
const CLOSE_SHARE = 0.4

/** Turns a view about the centre of the detector's square; quarter turns are exact. */
export function turned(view: Similarity, quarterTurns: number): Similarity {
  const angle = (quarterTurns * Math.PI) / 2
  const exact = Number.isInteger(quarterTurns) ? Math.round : (value: number) => value
  return aroundCentre(exact(Math.cos(angle)), exact(Math.sin(angle)), view)
}

function aroundCentre(a: number, b: number, view: Similarity): Similarity {
  return composeSimilarity(
    { a, b, tx: CENTRE - a * CENTRE + b * CENTRE, ty: CENTRE - b * CENTRE - a * CENTRE },
    view,
  )
}

/** A view with the box in its middle, of the size in which faces are found best. */
export function closeView({ x, y, width, height }: Box): Similarity {
  const a = (CLOSE_SHARE * DETECTOR_SIDE) / Math.max(width, height)
  return { a, b: 0, tx: CENTRE - a * (x + width / 2), ty: CENTRE - a * (y + height / 2) }
}

/** The view turned by `angle` about the middle of a box, which stays where it was. */
export function turnedAbout(view: Similarity, { x, y, width, height }: Box, angle: number): Similarity {
  const [cx, cy] = applySimilarity(view, x + width / 2, y + height / 2)
  const [a, b] = [Math.cos(angle), Math.sin(angle)]
  return composeSimilarity({ a, b, tx: cx - a * cx + b * cy, ty: cy - b * cx - a * cy }, view)
}

export interface Stage {
  /** In words, for messages. */
  readonly name: string
  readonly views: readonly Similarity[]
}

/** Below these sides a tile shows nothing new, or faces too small to be used. */
const MIN_TILE = { 2: DETECTOR_SIDE, 4: DETECTOR_SIDE, 8: 2 * DETECTOR_SIDE } as const

/** Overlapping tiles of a half to an eighth of the longer side. */
export function* tileStages(width: number, height: number): Generator<Stage> {
  const longer = Math.max(width, height)
  for (const [part, name] of [
    [2, 'tiles of half its size'],
    [4, 'tiles of a quarter of its size'],
    [8, 'tiles of an eighth of its size'],
  ] as const) {
    if (longer / part < MIN_TILE[part]) return
    yield { name, views: tiles(width, height, longer / part) }
  }
}

/** Squares of the given side that overlap by half and cover the photo. */
function tiles(width: number, height: number, side: number): Similarity[] {
  const starts = (length: number): number[] => {
    if (length <= side) return [(length - side) / 2]
    const count = Math.ceil((length - side) / (side / 2)) + 1
    return Array.from({ length: count }, (_, i) => ((length - side) * i) / (count - 1))
  }
  const scale = DETECTOR_SIDE / side
  return starts(height).flatMap((y) =>
    starts(width).map((x) => ({ a: scale, b: 0, tx: -x * scale, ty: -y * scale })),
  )
}
