import type { ReadExpression } from './types.js'

/** A turn of the head by so many degrees counts as a coefficient of 1. */
const TURN = 30

/**
 * Which of several expressions of one person is nearest to a face at rest, seen from the front: for `neutral`, where nobody took such a
 * photo. A person who smiles in all of them has none.
 * @returns index; of equal ones the first, -1 if there is none
 */
export function mostAtRest(expressions: readonly (ReadExpression | null)[]): number {
  let best = { index: -1, activity: Number.POSITIVE_INFINITY }
  expressions.forEach((expression, index) => {
    if (expression === null) return
    const found = activity(expression)
    if (found < best.activity) best = { index, activity: found }
  })
  return best.index
}

/** Sum of the coefficients, without where the eyes look, and of the turn. */
function activity({ coefficients, pose }: ReadExpression): number {
  const { yaw, pitch } = pose.angles
  return Object.entries(coefficients).reduce(
    (sum, [name, { value }]) => sum + (name.startsWith('eyeLook') ? 0 : (value ?? 0)),
    Math.hypot(yaw, pitch) / TURN,
  )
}
