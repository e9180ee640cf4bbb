import { describe, expect, it } from 'vitest'
import { judgePair, type PairFigures } from '../../src/products/warnings.js'

const FACE = { presence: 0.9999, offset: 5, yaw: -8, pitch: 4, sharpness: 0.6 }

function figures(changes: Partial<PairFigures>): PairFigures {
  return {
    faces: [FACE, FACE],
    unlikeness: -0.5,
    sharedView: 0.95,
    hidden: 0.03,
    photometric: residual(23.1, 12.8),
    ...changes,
  }
}

function residual(before: number, after: number): PairFigures['photometric'] {
  return { before: 99, after: 99, exposureMatched: { before, after } }
}

const exceeded = (changes: Partial<PairFigures>) =>
  judgePair(figures(changes))
    .checks.filter((check) => check.exceeded)
    .map(({ code, frame }) => [code, frame])

describe('warnings of a registered pair', () => {
  it('none where nothing speaks against the flow, and every figure with its limit', () => {
    const { checks, warnings } = judgePair(figures({}))
    expect(warnings).toEqual([])
    expect(checks.map(({ code, frame }) => `${code}${frame ?? ''}`)).toEqual([
      ...['A', 'B'].flatMap((frame) =>
        ['NO_FACE_IN_FRAME', 'REGISTRATION', 'YAW', 'PITCH', 'BLUR'].map((code) => `${code}${frame}`),
      ),
      ...['IDENTITY', 'OVERLAP', 'HIDDEN', 'RESIDUAL'],
    ])
    expect(checks.find(({ code }) => code === 'YAW')).toEqual({
      code: 'YAW',
      frame: 'A',
      value: 8,
      limit: 36,
      exceeded: false,
    })
  })

  it('a residual that grows once the exposure is matched, with both figures', () => {
    expect(judgePair(figures({ photometric: residual(64.6, 85.9) })).warnings).toEqual([
      expect.stringMatching(
        /^The flow does not make B look like A: the photometric residual grows from 64\.6 to 85\.9 /,
      ),
    ])
    expect(judgePair(figures({ photometric: residual(133.08, 133.11) })).warnings).toEqual([
      expect.stringMatching(/the photometric residual stays at 133\.1 grey levels; the flow may be a guess/),
    ])
    // Two copies of a picture differ by what resampling rounds.
    expect(exceeded({ photometric: residual(0, 0.4) })).toEqual([])
  })

  it('a frame that is no face, and one that is not registered, by name and with the figure', () => {
    const { warnings } = judgePair(
      figures({
        faces: [
          { ...FACE, presence: 0.02, yaw: 80 },
          { ...FACE, offset: 12.9 },
        ],
      }),
    )
    expect(warnings).toEqual([
      expect.stringMatching(
        /^frame A: the mesh network sees no face in the registered picture \(presence 0\.02/,
      ),
      expect.stringMatching(/^frame B: the face lies 12\.9 px from its place in the template/),
    ])
    expect(exceeded({ faces: [{ ...FACE, presence: Number.NaN }] })).toEqual([['NO_FACE_IN_FRAME', 'A']])
  })

  it.each<[string, Partial<PairFigures>, RegExp]>([
    ['YAW', { faces: [FACE, { ...FACE, yaw: -47.3 }] }, /^frame B: .* to the side by 47 degrees/],
    [
      'PITCH',
      { faces: [{ ...FACE, pitch: -31 }, FACE] },
      /^frame A: the face is seen from below by 31 degrees/,
    ],
    [
      'BLUR',
      { faces: [{ ...FACE, sharpness: 0.31 }, FACE] },
      /^frame A: the face is blurred \(sharpness 0\.31/,
    ],
    ['IDENTITY', { unlikeness: 1.2 }, /^The two faces look unlike \(1\.20/],
    ['OVERLAP', { sharedView: 0.4 }, /both show 40 % of it/],
    ['HIDDEN', { hidden: 0.61 }, /^61 % of the face of A is hidden/],
  ])('%s, in a sentence with its figure', (code, changes, sentence) => {
    expect(exceeded(changes).map(([found]) => found)).toEqual([code])
    expect(judgePair(figures(changes)).warnings).toEqual([expect.stringMatching(sentence)])
  })

  it('does not compare looks of faces that are turned far, or figures that were not taken', () => {
    const turned = { ...FACE, yaw: 33 }
    expect(exceeded({ faces: [FACE, turned], unlikeness: 1.2 })).toEqual([])
    const few = figures({ unlikeness: undefined, sharedView: undefined, hidden: undefined })
    const codes = judgePair(few).checks.map(({ code }) => code)
    for (const code of ['IDENTITY', 'OVERLAP', 'HIDDEN']) expect(codes).not.toContain(code)
  })
})
