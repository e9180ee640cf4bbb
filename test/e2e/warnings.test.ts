import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeepFaceFlow, type PairCheckCode, type RegisteredFlowResult } from '../../src/index.js'

const DEMO = ['demo/franck_01829.jpg', 'demo/franck_04117.jpg'] as const
/** Face of an AI-generated portrait in profile, see NOTICE. */
const PROFILE = 'test/fixtures/warnings/profile.jpg'

let faceFlow: DeepFaceFlow
beforeAll(async () => {
  faceFlow = await DeepFaceFlow.create()
}, 120_000)
afterAll(() => faceFlow.dispose())

function exceeded({ checks }: RegisteredFlowResult): PairCheckCode[] {
  return [...new Set(checks.filter((check) => check.exceeded).map(({ code }) => code))]
}

describe('warnings of real pairs', { timeout: 120_000 }, () => {
  it('none on the demo, whose checks are all there', async () => {
    const result = await faceFlow.flow(...DEMO)
    expect(result.warnings).toEqual([])
    expect(exceeded(result)).toEqual([])
    expect(new Set(result.checks.map(({ code }) => code)).size).toBe(9)
  })

  it('two people', async () => {
    const [a, b] = ['000-1', '005-1'].map((name) => `test/fixtures/eval/photowarp/${name}.png`) as [
      string,
      string,
    ]
    const result = await faceFlow.flowRegistered(a, b)
    expect(exceeded(result)).toContain('IDENTITY')
    expect(result.warnings.join('\n')).toMatch(
      /The two faces look unlike \(\d\.\d\d, of one person below 0\.12\)/,
    )
  })

  it('one profile and the other', async () => {
    const other = await sharp(PROFILE).flop().png().toBuffer()
    const codes = exceeded(await faceFlow.flow(PROFILE, other))
    for (const code of ['YAW', 'OVERLAP', 'HIDDEN'] as const) expect(codes).toContain(code)
  })

  it('a blurred photo', async () => {
    const blurred = await sharp(DEMO[0]).blur(6).png().toBuffer()
    const result = await faceFlow.flow(DEMO[0], blurred)
    expect(exceeded(result)).toEqual(['BLUR'])
    expect(result.checks.find(({ exceeded: is }) => is)?.frame).toBe('B')
  })
})

describe('what does not move', { timeout: 120_000 }, () => {
  it('is at rest between a photo and itself, both ways', async () => {
    const result = await faceFlow.flow(DEMO[0], DEMO[0])
    expect(result.flow.every((value) => value === 0)).toBe(true)
    expect(result.backwardFlow?.every((value) => value === 0)).toBe(true)
    expect(result.warnings).toEqual([])
  })

  it('stays near rest in another exposure, whose residual is gone once matched', async () => {
    const brighter = await sharp(DEMO[0]).linear(1, 50).png().toBuffer()
    const { photometric, warnings } = await faceFlow.flow(DEMO[0], brighter)
    expect(photometric.after).toBeGreaterThan(40)
    expect(photometric.exposureMatched.after).toBeLessThan(6)
    expect(warnings).toEqual([])
  })
})
