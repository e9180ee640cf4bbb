import { describe, expect, it } from 'vitest'
import { flowWarnings } from '../../src/products/warnings.js'

const FACE = { presence: 0.9999, offset: 5 }

describe('warnings of a registered pair', () => {
  it('none where the flow brings B nearer to A', () => {
    expect(flowWarnings([FACE, FACE], { before: 23.1, after: 12.8 })).toEqual([])
  })

  it('a residual that grows, with both figures', () => {
    expect(flowWarnings([FACE], { before: 64.6, after: 85.9 })).toEqual([
      expect.stringMatching(
        /^The flow does not make B look like A: the photometric residual grows from 64\.6 to 85\.9 /,
      ),
    ])
    expect(flowWarnings([FACE], { before: 133.08, after: 133.11 })).toEqual([
      expect.stringMatching(/the photometric residual stays at 133\.1 grey levels; the flow may be a guess/),
    ])
    // Two copies of a picture differ by what resampling rounds.
    expect(flowWarnings([FACE], { before: 0, after: 0.4 })).toEqual([])
  })

  it('a frame that is no face, and one that is not registered, by name and with the figure', () => {
    const warnings = flowWarnings(
      [
        { presence: 0.02, offset: 7 },
        { presence: 0.9999, offset: 12.9 },
      ],
      {
        before: 50,
        after: 20,
      },
    )
    expect(warnings).toEqual([
      expect.stringMatching(
        /^frame A: the mesh network sees no face in the registered picture \(presence 0\.02/,
      ),
      expect.stringMatching(/^frame B: the face lies 12\.9 px from its place in the template/),
    ])
    expect(flowWarnings([{ presence: Number.NaN, offset: 5 }], { before: 1, after: 1 })).toHaveLength(1)
  })
})
