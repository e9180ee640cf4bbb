import { FaceError } from '../errors.js'
import { assertExpression } from './checked-expression.js'
import type { ReadExpression } from './types.js'

/** A turn of the head by so many degrees counts as a coefficient of 1. */
const TURN = 30

/**
 * Which of several expressions of one person is nearest to a face at rest, seen from the front: for `neutral`, where nobody took such a
 * photo. A person who smiles in all of them has none. What is covered in one of them looks at rest: those that show more come first.
 * @returns index; of equal ones the first, -1 if there is none
 * @throws FaceError INVALID_ARGUMENT for what is no list, and for expressions that lack numbers
 */
export function mostAtRest(expressions: readonly (ReadExpression | null)[]): number {
  if (!Array.isArray(expressions)) {
    throw new FaceError('INVALID_ARGUMENT', 'mostAtRest: needs a list of what expression() gives, or null')
  }
  let best = { index: -1, unseen: Number.POSITIVE_INFINITY, activity: Number.POSITIVE_INFINITY }
  expressions.forEach((expression: ReadExpression | null, index) => {
    if (expression === null) return
    assertExpression(expression, 'mostAtRest')
    const found = { index, unseen: unseenIn(expression), activity: activity(expression) }
    const showsAsMuch = found.unseen === best.unseen
    if (showsAsMuch ? found.activity < best.activity : found.unseen < best.unseen) best = found
  })
  return best.index
}

function unseenIn({ coefficients }: ReadExpression): number {
  return Object.values(coefficients).filter(({ value }) => value === null).length
}

/** Sum of the coefficients, without where the eyes look, and of the turn. */
function activity({ coefficients, pose }: ReadExpression): number {
  const { yaw, pitch } = pose.angles
  return Object.entries(coefficients).reduce(
    (sum, [name, { value }]) => sum + (name.startsWith('eyeLook') ? 0 : (value ?? 0)),
    Math.hypot(yaw, pitch) / TURN,
  )
}
