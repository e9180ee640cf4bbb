import { beforeAll, describe, expect, it } from 'vitest'
import { EYES } from '../../src/animate/face-parts.js'
import { eyeOpening } from '../../src/animate/openings.js'
import { type ModelShapes, readModelShapes } from '../../src/expression/face-rig.js'
import { withLidOpenings } from '../../src/expression/lid-opening.js'
import { READ_COEFFICIENTS } from '../../src/nets/coefficients.js'

let shapes: ModelShapes
beforeAll(async () => {
  shapes = await readModelShapes({})
})

const [left, right] = [READ_COEFFICIENTS.indexOf('eyeBlinkLeft'), READ_COEFFICIENTS.indexOf('eyeBlinkRight')]

/** The model's face with lids that far apart, in widths of the eyes: right, left. */
function lids(...openings: readonly [number, number]): Float32Array {
  const face = Float32Array.from(shapes.neutral)
  for (const [k, eye] of EYES.entries()) {
    const share = (openings[k] as number) / eyeOpening(shapes.neutral, eye)
    for (const [upper, lower] of eye.pairs) {
      for (let axis = 0; axis < 3; axis++) {
        const [a, b] = [face[3 * upper + axis] as number, face[3 * lower + axis] as number]
        face[3 * upper + axis] = (a + b) / 2 + ((a - b) / 2) * share
        face[3 * lower + axis] = (a + b) / 2 - ((a - b) / 2) * share
      }
    }
  }
  return face
}
const blinking = (value: number) =>
  Float32Array.from(READ_COEFFICIENTS, (name) => (name.startsWith('eyeBlink') ? value : 0.25))

describe('blinks and lids', () => {
  it('lowers a half blink towards what the lids show, each eye by its own', () => {
    const seen = withLidOpenings(blinking(0.5), lids(0.2, 0.05))
    expect(seen[right]).toBeGreaterThan(0.15)
    expect(seen[right]).toBeLessThan(0.3)
    expect(seen[left]).toBeCloseTo(0.5, 6)
  })

  it('leaves a sure blink, raises none, and keeps their order', () => {
    const open = lids(0.21, 0.21)
    expect(withLidOpenings(blinking(1), open)[left]).toBeCloseTo(1, 6)
    expect(withLidOpenings(blinking(0), lids(0.05, 0.05))[left]).toBe(0)
    const rising = Array.from(
      { length: 101 },
      (_, i) => withLidOpenings(blinking(i / 100), open)[left] as number,
    )
    for (let i = 1; i < rising.length; i++) expect(rising[i]).toBeGreaterThan(rising[i - 1] as number)
  })

  it('leaves all else as it was read', () => {
    const before = blinking(0.5)
    const after = withLidOpenings(before, lids(0.2, 0.2))
    const others = (values: Float32Array) => [...values].filter((_, i) => i !== left && i !== right)
    expect(others(after)).toEqual(others(before))
  })
})
