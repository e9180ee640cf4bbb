import { at } from '../geometry/array.js'
import { COVERABLE_PARTS, type CoveredPart } from './coverable-parts.js'
import { type DriverCover, type DriverCovers, isHidden } from './driver-covers.js'
import type { Gaze } from './gaze.js'
import { type HeadMotion, type MotionReference, stillMotion } from './head-motion.js'
import { partShares } from './photo-head.js'
import { RETURN } from './watched-covers.js'

/**
 * What a photo does while a part of its driver is covered: it holds what was seen last, then comes to rest, and follows again from there. Each frame goes on from the one before alone, so
 * that live, resumed and whole drivers give the same bits.
 */

/** Frames for which what was seen last is held: a third of a second at 25 a second. */
const HOLD = 8
/** Frames from there to rest. */
const EASE = 15

/** By vertex of the driver: how much of it is held with a part; they sum to 1. */
export type HeldShares = Readonly<Record<CoveredPart, Float64Array>>

/** Between these shares of the mouth a vertex goes over from the eyes' to the mouth's. */
const OVER = { from: 0.25, to: 0.75 } as const

export function heldShares({ face, unit }: MotionReference): HeldShares {
  const mouth = partShares(Float64Array.from(face.mesh), unit).mouth.map((share) =>
    Math.max(0, Math.min(1, (share - OVER.from) / (OVER.to - OVER.from))),
  )
  return { mouth, eyes: mouth.map((share) => 1 - share) }
}

/** The reference, whose vertices under what covers one part say nothing of the head; where both are covered, all say what they can. */
export function seenReference(
  reference: MotionReference,
  shares: HeldShares,
  covers: DriverCovers | null,
): MotionReference {
  const covered = COVERABLE_PARTS.filter((part) => covers?.[part]?.phase === 'covered')
  const doubted = COVERABLE_PARTS.filter((part) => isHidden(covers, part))
  const [hidden, ...others] = covered.length > 0 ? covered : doubted
  if (hidden === undefined || others.length > 0) return reference
  return { ...reference, weights: reference.weights.map((weight, v) => weight * (1 - at(shares[hidden], v))) }
}

/** Where a part goes to, and how much of the frame before it keeps. */
interface Way {
  readonly toRest: boolean
  readonly kept: number
}

function wayOf({ phase, frames }: DriverCover): Way {
  if (phase === 'doubted') return { toRest: false, kept: 1 }
  if (phase !== 'covered') return { toRest: false, kept: kept(frames, RETURN) }
  return frames <= HOLD ? { toRest: true, kept: 1 } : { toRest: true, kept: kept(frames - HOLD, EASE) }
}

/** Light may have been the cover's before anybody saw that, and is not held. */
function wayOfLight(covers: readonly DriverCover[]): Way {
  const covered = covers.filter(({ phase }) => phase === 'covered').map(({ frames }) => frames)
  if (covered.length > 0) return { toRest: true, kept: kept(Math.max(...covered), RETURN) }
  return { toRest: false, kept: Math.max(...covers.map((cover) => wayOf(cover).kept)) }
}

/** Of a distance that is gone in so many frames, slowly at both ends, what a frame leaves of what the one before it left. */
function kept(frame: number, count: number): number {
  const left = (k: number) => 1 - (k / count) ** 2 * (3 - (2 * k) / count)
  return frame >= count ? 0 : left(frame) / left(frame - 1)
}

/**
 * The motion that is shown: of covered parts not what was seen. Light on the skin is left out with any part, for what covers it is taken for light and shade.
 * @param seen in this frame
 * @param shown in the frame before
 */
export function uncoveredMotion(
  reference: MotionReference,
  shares: HeldShares,
  seen: HeadMotion,
  shown: HeadMotion,
  covers: DriverCovers | null,
): HeadMotion {
  if (covers === null) return seen
  const rest = stillMotion(reference)
  const ways = COVERABLE_PARTS.flatMap((part) => {
    const cover = covers[part]
    return cover === undefined ? [] : [{ part, ...wayOf(cover) }]
  })
  const mixed = (way: Way | undefined, of: (motion: HeadMotion) => number): number => {
    if (way === undefined) return of(seen)
    // Nothing but what was: not by a rounding either.
    if (way.kept === 1) return of(shown)
    const goal = of(way.toRest ? rest : seen)
    return goal + way.kept * (of(shown) - goal)
  }
  const wayOfPart = (wanted: CoveredPart) => ways.find(({ part }) => part === wanted)
  const [eyes, mouth] = [wayOfPart('eyes'), wayOfPart('mouth')]
  const lightWay = wayOfLight(Object.values(covers))
  const gaze = (i: 0 | 1): Gaze => ({
    along: mixed(eyes, ({ gazes }) => gazes[i].along),
    across: mixed(eyes, ({ gazes }) => gazes[i].across),
  })
  return {
    ...seen,
    expression: seen.expression.map((value, k) => {
      const v = Math.floor(k / 3)
      return ways.reduce((sum, way) => {
        return sum + at(shares[way.part], v) * (mixed(way, ({ expression }) => at(expression, k)) - value)
      }, value)
    }),
    light: seen.light.map((_, k) => mixed(lightWay, ({ light }) => at(light, k))),
    eyeOpenings: [
      mixed(eyes, ({ eyeOpenings }) => eyeOpenings[0]),
      mixed(eyes, ({ eyeOpenings }) => eyeOpenings[1]),
    ],
    mouthOpening: mixed(mouth, ({ mouthOpening }) => mouthOpening),
    gazes: [gaze(0), gaze(1)],
  }
}
