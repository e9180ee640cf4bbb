import { wrapped } from './head-pose.js'
import { OneEuroFilter } from './one-euro.js'
import type { Coefficients, ReadExpression } from './types.js'

/** Cutoff at rest, Hz, and its slope; by what is filtered, whose unit the slope is for: 1, degrees, widths of the face. */
const RATES = {
  coefficient: { cutoff: 1.5, slope: 8 },
  angle: { cutoff: 1.5, slope: 0.15 },
  place: { cutoff: 1.5, slope: 8 },
} as const

/** Smooths the expressions of one person, in order. */
export class ExpressionSmoother {
  #filters = new Map<string, OneEuroFilter>()
  /** As smoothed, on from turn to turn. */
  #roll: number | undefined

  /** What comes next has nothing to do with what was: after a loss or a cut. */
  reset(): void {
    this.#filters = new Map()
    this.#roll = undefined
  }

  /** @param seconds since the expression before; that is the first one's too, for which it says nothing */
  next<Read extends ReadExpression>(expression: Read, seconds: number): Read {
    const smooth = (kind: keyof typeof RATES, name: string, value: number): number => {
      let filter = this.#filters.get(name)
      if (filter === undefined) {
        filter = new OneEuroFilter(RATES[kind].cutoff, RATES[kind].slope)
        this.#filters.set(name, filter)
      }
      return filter.next(value, seconds)
    }
    const { pose, gaze } = expression
    const angle = (name: string, value: number) => smooth('angle', name, value)
    const { yaw, pitch } = pose.angles
    // Between 180 and -180 degrees lies no turn: a head that is upside down trembles there.
    const before = this.#roll ?? pose.angles.roll
    const roll = angle('roll', before + wrapped(pose.angles.roll - before))
    this.#roll = roll
    const [x, y, away] = pose.place.map((value, i) =>
      value === null ? null : smooth('place', `place ${i}`, value),
    ) as [number, number, number | null]
    const scale = pose.metres && metresPerWidth(expression)
    return {
      ...expression,
      coefficients: Object.fromEntries(
        Object.entries(expression.coefficients).map(([name, { value, confidence }]) => [
          name,
          { value: value === null ? this.#unseen(name) : smooth('coefficient', name, value), confidence },
        ]),
      ) as unknown as Coefficients,
      gaze: { ...gaze, yaw: angle('gaze yaw', gaze.yaw), pitch: angle('gaze pitch', gaze.pitch) },
      pose: {
        ...pose,
        angles: { yaw: angle('yaw', yaw), pitch: angle('pitch', pitch), roll: wrapped(roll) },
        place: [x, y, away],
        metres: scale === null || away === null ? null : [x * scale, y * scale, away * scale],
      },
    }
  }

  /** What is hidden for a while begins anew. */
  #unseen(name: string): null {
    this.#filters.delete(name)
    return null
  }
}

function metresPerWidth({ pose }: ReadExpression): number {
  return ((pose.metres as readonly number[])[2] as number) / (pose.place[2] as number)
}
