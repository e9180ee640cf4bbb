import { beforeAll, describe, expect, it } from 'vitest'
import { type ModelShapes, readModelShapes } from '../../src/expression/face-rig.js'
import { LIP_GAPS, lipGap, withLipGap } from '../../src/expression/lip-opening.js'
import { READ_COEFFICIENTS } from '../../src/nets/coefficients.js'

let shapes: ModelShapes
beforeAll(async () => {
  shapes = await readModelShapes({})
})

/** The model's face, doing this. */
function face(values: Readonly<Record<string, number>> = {}): Float32Array {
  return shapes.neutral.map((place, k) =>
    READ_COEFFICIENTS.reduce(
      (sum, name, i) => sum + (values[name] ?? 0) * (shapes.shapes[i]?.[k] as number),
      place,
    ),
  )
}
const read = (values: Readonly<Record<string, number>>) =>
  Float32Array.from(READ_COEFFICIENTS, (name) => values[name] ?? 0)
const jaw = READ_COEFFICIENTS.indexOf('jawOpen')

describe('the gap between the lips', () => {
  it('parts at each coefficient as the shapes of the morph targets say', () => {
    const rest = lipGap(face())
    for (const [name, gap] of Object.entries(LIP_GAPS)) {
      expect(lipGap(face({ [name]: 1 })) - rest, name).toBeCloseTo(gap, 3)
    }
  })

  it('opens the jaw by what the coefficients leave unexplained, and shuts it', () => {
    // Of a rendered face the landmark network sees the lips a little apart at rest.
    const shown = face({ jawOpen: 0.5 })
    const missed = withLipGap(read({}), shown)[jaw] as number
    const told = withLipGap(read({ jawOpen: 0.5 }), shown)[jaw] as number
    const beyond = withLipGap(read({ jawOpen: 0.9 }), shown)[jaw] as number
    expect(missed).toBeGreaterThan(0.15)
    expect(Math.abs(told - 0.5)).toBeLessThan(0.03)
    expect(beyond).toBeLessThan(0.75)
    const shut = withLipGap(read({ jawOpen: 0.05 }), face())
    expect(shut[jaw]).toBeLessThan(0.05)
    expect(shut[jaw]).toBeGreaterThanOrEqual(0)
  })

  it('leaves all else as it was read', () => {
    const before = read({ mouthSmileLeft: 0.4, eyeBlinkRight: 1 })
    const after = withLipGap(before, face({ jawOpen: 0.4 }))
    expect([...after].filter((_, i) => i !== jaw)).toEqual([...before].filter((_, i) => i !== jaw))
  })
})
