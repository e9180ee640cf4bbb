import { describe, expect, it } from 'vitest'
import { INNER_LIPS } from '../../src/animate/face-parts.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { REGIONS, regionsOf, regionWeights, strongest, unlikeness } from '../../src/animate/source-weights.js'
import { rotationFromAngles } from '../../src/geometry/rotation.js'
import { centredIrises, frontalFace } from './canonical.js'

/** Which photos are shown where. */
const face = frontalFace()
const head = photoHead(face, centredIrises(face))
const regions = regionsOf(head)
const STILL = [1, 0, 0, 0, 1, 0, 0, 0, 1]
const still = { mesh: head.mesh, rotation: STILL }
const pose = (rotation: readonly number[]) => ({
  rotation,
  middle: head.middle,
  shift: [0, 0, 0] as [number, number, number],
  scale: 1,
})
/** The lower inner lip moved down. @param by distances of the outer eye corners */
const opened = (by: number) => {
  const lower = INNER_LIPS.slice(11)
  return head.mesh.map(
    (value, k) => value + (k % 3 === 1 && lower.includes((k - 1) / 3) ? by * head.unit : 0),
  )
}

describe('weights of sources', () => {
  it('share every vertex among the regions', () => {
    for (let v = 0; v < 468; v++) {
      expect(regions.shares.reduce((sum, shares) => sum + (shares[v] as number), 0)).toBeCloseTo(1, 9)
    }
  })

  it("are the own photo's, but for a tenth, where nothing moves and the other differs", () => {
    const open = head.mesh.map((value, k) => (Math.floor(k / 3) === 14 ? value + 0.2 * head.unit : value))
    const far = [still, { mesh: open, rotation: rotationFromAngles(15, 0, 0) }].map((shown) =>
      unlikeness(regions, shown, head.mesh, pose(STILL)),
    )
    for (const weight of regionWeights(far, [1, 1])[1] ?? []) expect(weight).toBeLessThan(0.1)
  })

  it('are those of the photo whose mouth is open alike in the mouth, and of the one that is turned alike in the rest', () => {
    const open = opened(0.2)
    const turned = rotationFromAngles(15, 0, 0)
    const far = [still, { mesh: open, rotation: STILL }, { mesh: head.mesh, rotation: turned }].map((shown) =>
      unlikeness(regions, shown, open, pose(turned)),
    )
    const weights = regionWeights(far, [1, 1, 1])
    const rest = REGIONS.indexOf('rest')
    expect(weights[2]?.[rest]).toBeGreaterThan(0.9)
    const still0 = unlikeness(regions, still, open, pose(STILL))
    const open0 = unlikeness(regions, { mesh: open, rotation: STILL }, open, pose(STILL))
    expect(regionWeights([still0, open0], [1, 1])[1]?.[0]).toBeGreaterThan(0.95)
  })

  it('are shared in the mouth by photos whose lips are about as near, unless the photo itself shows what is wanted', () => {
    const shown = [0, 0.1, 0.14].map((by) => ({ mesh: opened(by), rotation: STILL }))
    const mouth = (wanted: number) => {
      const far = shown.map((one) => unlikeness(regions, one, opened(wanted), pose(STILL)))
      return regionWeights(far, [1, 1, 1]).map((byRegion) => byRegion[0] as number)
    }
    const [own, nearer, other] = mouth(0.11) as [number, number, number]
    expect(nearer).toBeGreaterThan(other)
    expect(nearer).toBeLessThan(2 * other)
    expect(own).toBeLessThan(0.2)
    expect(mouth(0)[0]).toBeGreaterThan(0.999)
  })

  it('sum to 1 in each region, and a photo comes in and goes out with nothing', () => {
    const weights = regionWeights(
      [
        [1e-4, 1, 1, 1],
        [1, 1e-3, 1, 1],
        [1e-3, 1, 1e-4, 1],
      ],
      [1, 1, 1],
    )
    for (let r = 0; r < REGIONS.length; r++) {
      expect(weights.reduce((sum, byRegion) => sum + (byRegion[r] as number), 0)).toBeCloseTo(1, 9)
    }
    const alike = strongest([[0.5], [0.3], [0.3001]], 2)
    expect(alike.map(({ index }) => index)).toEqual([0, 2])
    expect(alike[1]?.weights[0]).toBeLessThan(0.001)
    expect(strongest([[0.2], [0.1]], 3).map(({ weights: [weight] }) => weight)).toEqual([0.2, 0.1])
  })

  it('leave out what is hardly seen, and let it in little by little', () => {
    const drawn = (score: number) =>
      strongest(
        [
          [0.5, 0.1],
          [0, score],
        ],
        4,
      )[1]?.weights[1] ?? 0
    expect([0, 0.02, 0.04].map(drawn)).toEqual([0, 0, 0])
    expect(drawn(0.0401)).toBeGreaterThan(0)
    expect(drawn(0.0401)).toBeLessThan(0.001)
    expect(drawn(0.07)).toBeCloseTo(0.035, 9)
    expect([0.1, 0.3].map(drawn)).toEqual([0.1, 0.3])
  })
})
