import { expect, it } from 'vitest'
import { ExpressionSmoother } from '../../src/expression/smooth-expression.js'
import type { ReadExpression } from '../../src/expression/types.js'

const held = (roll: number) =>
  ({
    coefficients: {},
    gaze: { yaw: 0, pitch: 0, confidence: 1 },
    pose: { angles: { yaw: 0, pitch: 0, roll }, place: [0, 0, null], metres: null, confidence: 1 },
  }) as unknown as ReadExpression

const follow = (rolls: readonly number[]) => {
  const smoother = new ExpressionSmoother()
  return rolls.map((roll) => smoother.next(held(roll), 0.04).pose.angles.roll)
}

it('a head that trembles about upside down does not turn through upright', () => {
  const smoothed = follow(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 179.5 : -179.5)))
  for (const roll of smoothed) expect(Math.abs(roll)).toBeGreaterThan(179)
})

it('a head that goes on turning is followed past upside down', () => {
  const last = follow(Array.from({ length: 40 }, (_, i) => ((150 + 2 * i + 180) % 360) - 180)).at(-1)
  expect(last).toBeGreaterThan(-135)
  expect(last).toBeLessThan(-130)
})
