import { at } from '../geometry/array.js'
import { sampleColour } from '../geometry/sample-colour.js'
import type { Rgba } from '../geometry/types.js'
import { EYES, LID_FOLDS } from './face-parts.js'
import { shutShare } from './openings.js'
import { between, pointAt, type Vector } from './points.js'

/** Vertices of the skin below each eye, the person's right one first. */
const BELOW_EYES: readonly (readonly number[])[] = [
  [110, 24, 23, 22, 26, 228, 229, 230, 231, 232],
  [339, 254, 253, 252, 256, 448, 449, 450, 451, 452],
]
/** Logarithm of the largest gain. */
const LARGEST = 0.8
/** Grey levels added to both sides of a ratio: dark pixels have noise in place of shade. */
const FLOOR = 8
/** Samples from one vertex to another. */
const SAMPLES = 6

/** Vertices of a lid, one above another, and the logarithms of their gains when the eye is shut. */
interface LidColumn {
  readonly upper: number
  readonly lower: number
  /** Between the two in the photo, px. */
  readonly open: number
  readonly gains: readonly (readonly [vertex: number, logarithms: Vector])[]
}

/**
 * How lids become lighter or darker as they shut. What is drawn out over the eye then is a narrow strip above it, which in the photo has the fold's
 * shadow or a lamp's gleam: so large it would look like an eye that is still open. A shut lid has about the colour of the skin below the eye and beyond the fold.
 * @param mesh 468x3, px of the picture
 * @returns adds logarithms of gains to those at the vertices of a mesh with an expression, 468x3 both
 */
export function lidLight(
  image: Rgba,
  mesh: ArrayLike<number>,
): (light: Float64Array, expressive: ArrayLike<number>) => void {
  const columns = EYES.flatMap(({ pairs }, eye): LidColumn[] => {
    const folded = pairs.filter(([upper]) => LID_FOLDS.has(upper))
    const folds = folded.map(([upper]) => LID_FOLDS.get(upper) as readonly [number, number])
    const skin = [...(BELOW_EYES[eye] as readonly number[]), ...folds.map(([, second]) => second)]
    const wanted = meanColour(
      image,
      skin.map((v) => pointAt(mesh, v)),
    )
    const gainsBetween = (one: number, other: number): Vector => {
      const found = meanColour(image, line(pointAt(mesh, one), pointAt(mesh, other)))
      return found.map((value, c) => {
        const whole = Math.log((at(wanted, c) + FLOOR) / (value + FLOOR))
        return Math.max(-LARGEST, Math.min(LARGEST, whole))
      }) as Vector
    }
    const near = smoothed(
      folded.map(([upper], i) => gainsBetween(upper, at(folds[i] as readonly number[], 0))),
    )
    const far = smoothed(folds.map(([first, second]) => gainsBetween(first, second)))
    return folded.map(([upper, lower], i) => {
      const [first, second] = folds[i] as readonly [number, number]
      return {
        upper,
        lower,
        open: Math.hypot(...between(mesh, lower, upper)),
        gains: [
          [upper, near[i] as Vector],
          [first, mean(near[i] as Vector, far[i] as Vector)],
          [second, mean(far[i] as Vector, [0, 0, 0])],
        ],
      }
    })
  })
  return (light, expressive) => {
    for (const { upper, lower, open, gains } of columns) {
      const share = open > 0 ? shutShare(Math.hypot(...between(expressive, lower, upper)) / open) : 0
      for (const [vertex, logarithms] of gains) {
        for (const [c, value] of logarithms.entries()) {
          light[3 * vertex + c] = at(light, 3 * vertex + c) + share * value
        }
      }
    }
  }
}

function line([x, y, z]: Vector, [u, v, w]: Vector): Vector[] {
  return Array.from({ length: SAMPLES }, (_, i) => {
    const t = (i + 0.5) / SAMPLES
    return [x + t * (u - x), y + t * (v - y), z + t * (w - z)]
  })
}

function meanColour(image: Rgba, places: readonly Vector[]): Vector {
  const colour = [0, 0, 0]
  const sum = [0, 0, 0]
  for (const [x, y] of places) {
    sampleColour(image, x - 0.5, y - 0.5, colour)
    for (let c = 0; c < 3; c++) sum[c] = at(sum, c) + at(colour, c)
  }
  return sum.map((value) => value / places.length) as Vector
}

function mean([x, y, z]: Vector, [u, v, w]: Vector): Vector {
  return [(x + u) / 2, (y + v) / 2, (z + w) / 2]
}

/** Along a lid: the neighbours together count as much as what lies between. */
function smoothed(values: readonly Vector[]): Vector[] {
  return values.map((value, i) => mean(value, mean(values[i - 1] ?? value, values[i + 1] ?? value)))
}
