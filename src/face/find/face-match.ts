import type { Box } from '../../geometry/types.js'
import { COLOURS_ALIKE, type Colours, colourDistance } from '../look/colours.js'

/** A face of a photo: what it looks like and where it is. */
export interface Person {
  readonly colours: Colours
  /** Centre and side relative to the photo: shares of its width, its height and its longer side. */
  readonly place: { readonly x: number; readonly y: number; readonly side: number }
}

export function placeIn(
  box: Box,
  photo: { readonly width: number; readonly height: number },
): Person['place'] {
  return {
    x: (box.x + box.width / 2) / photo.width,
    y: (box.y + box.height / 2) / photo.height,
    side: Math.max(box.width, box.height) / Math.max(photo.width, photo.height),
  }
}

/**
 * What an opposite place or a size of four times adds to the distance of two faces' looks: it decides between faces that
 * look alike, and not between two people.
 */
const PLACE_WEIGHT = 0.2
const SIZE_WEIGHT = 0.1
/** A face that is less unlike than this more than the one taken leaves doubt. */
const CLEAR_MARGIN = 0.15

/** One face of A with its counterpart in B. */
export interface Match {
  readonly a: number
  readonly b: number
  /** Distance of their looks, see `colourDistance`. */
  readonly difference: number
}

/** Pairs of faces, the most alike first, each face at most once; as many as the photo of fewer faces shows. */
export function matchPeople(a: readonly Person[], b: readonly Person[]): Match[] {
  const pairs = a.flatMap((personA, i) =>
    b.map((personB, j) => {
      const difference = colourDistance(personA.colours, personB.colours)
      return { a: i, b: j, difference, cost: difference + strangeness(personA.place, personB.place) }
    }),
  )
  const matches: Match[] = []
  for (const { cost: _, ...pair } of pairs.sort((p, q) => p.cost - q.cost)) {
    if (matches.every((match) => match.a !== pair.a && match.b !== pair.b)) matches.push(pair)
  }
  return matches
}

/** The face of B that is the chosen one of A: its own counterpart, or what is left where that is another's. */
export function counterpart(a: readonly Person[], b: readonly Person[], chosen: number): Match {
  const match = matchPeople(a, b).find((pair) => pair.a === chosen)
  if (match !== undefined) return match
  const [only] = matchPeople([a[chosen] as Person], b) as [Match]
  return { ...only, a: chosen }
}

/** Why a match may be wrong, as the end of a sentence about the face of B; undefined where nothing speaks against it. */
export function doubt(a: readonly Person[], b: readonly Person[], match: Match): string | undefined {
  const difference = (i: number, j: number) =>
    colourDistance((a[i] as Person).colours, (b[j] as Person).colours)
  const least = (values: readonly number[]) => Math.min(Number.POSITIVE_INFINITY, ...values)
  const rival = least(a.map((_, i) => (i === match.a ? Number.POSITIVE_INFINITY : difference(i, match.b))))
  const other = least(b.map((_, j) => (j === match.b ? Number.POSITIVE_INFINITY : difference(match.a, j))))
  const figure = match.difference.toFixed(2)
  if (rival < match.difference) {
    return `it looks more like another face of A (difference ${rival.toFixed(2)}) than like the one taken there (${figure})`
  }
  if (match.difference > COLOURS_ALIKE) {
    return `it looks unlike the one of A (difference ${figure}, photos of one person mostly below ${COLOURS_ALIKE})`
  }
  if (other < match.difference + CLEAR_MARGIN) {
    return `another one is as much like that of A (difference ${other.toFixed(2)} against ${figure})`
  }
  return undefined
}

/** 0 for the same place and size. */
function strangeness(a: Person['place'], b: Person['place']): number {
  const apart = Math.min(1, Math.hypot(a.x - b.x, a.y - b.y))
  const ratio = Math.min(1, Math.abs(Math.log2(a.side / b.side)) / 2)
  return PLACE_WEIGHT * apart + SIZE_WEIGHT * ratio
}
