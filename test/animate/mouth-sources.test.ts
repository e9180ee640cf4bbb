import { describe, expect, it } from 'vitest'
import { MOUTH } from '../../src/animate/face-parts.js'
import type { MouthSource } from '../../src/animate/inner-mouth.js'
import { shownMouths } from '../../src/animate/mouth-sources.js'
import { mouthWidth } from '../../src/animate/openings.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { centredIrises, frontalFace } from './canonical.js'

/** Whose mouth is shown between moved lips. */
const face = frontalFace()
const head = photoHead(face, centredIrises(face))
const mouth = (): MouthSource => ({
  image: { width: 1, height: 1, data: new Uint8Array(4) },
  places: new Float32Array(48),
  isPhotosPerson: false,
})
const driver = mouth()
const further = (opening: number) => ({ ...mouth(), opening: head.mouthOpening + opening })

/** The photo's mesh with its mouth further open, in widths of the mouth. */
function opened(by: number): Float64Array {
  const mesh = Float64Array.from(head.mesh)
  const k = 3 * MOUTH.lower + 1
  mesh[k] = (mesh[k] as number) + by * mouthWidth(mesh)
  return mesh
}
const shown = (by: number, sources: Parameters<typeof shownMouths>[3], from: MouthSource | null = driver) =>
  shownMouths(head, opened(by), head.mouthOpening, sources, from)
const strengthOf = (source: MouthSource, mouths: ReturnType<typeof shownMouths>) =>
  mouths.reduce((sum, [one, strength]) => sum + (one === source ? strength : 0), 0)

describe('the inside of an open mouth', () => {
  it("is the driver's without further photos", () => {
    expect(shown(0.3, [])).toEqual([[driver, 1]])
  })

  it("is the photo's own where that shows teeth, and goes over into the driver's as it is drawn out too far", () => {
    const smiling = frontalFace()
    smiling[3 * MOUTH.lower + 1] = (smiling[3 * MOUTH.lower + 1] as number) + 0.12 * mouthWidth(smiling)
    const one = photoHead(smiling, centredIrises(smiling))
    const at = (stretch: number) => {
      const mesh = one.mesh.slice()
      const k = 3 * MOUTH.lower + 1
      mesh[k] = (mesh[k] as number) + (stretch - 1) * one.mouthOpening * one.mouthWidth
      return strengthOf(driver, shownMouths(one, mesh, one.mouthOpening, [], driver))
    }
    expect([1, 1.7, 2.1].map(at)).toEqual([0, 0, 0])
    const strengths = [2.2, 2.25, 2.3, 2.35, 2.4, 2.45, 2.5].map(at)
    for (const [i, strength] of strengths.entries()) {
      if (i > 0) expect(strength - (strengths[i - 1] as number)).toBeGreaterThan(0)
      if (i > 0) expect(strength - (strengths[i - 1] as number)).toBeLessThan(0.3)
    }
    expect([2.6, 4].map(at)).toEqual([1, 1])
  })

  it('is that of the further photo that is open alike', () => {
    const [near, far] = [further(0.29), further(0.5)]
    const mouths = shown(0.3, [far, near])
    expect(strengthOf(near, mouths)).toBe(1)
    expect(strengthOf(driver, mouths)).toBe(0)
  })

  it("goes over into the driver's where no photo is open alike, and is the photo's where the driver is away", () => {
    const source = further(0.2)
    expect(strengthOf(driver, shown(0.3, [source]))).toBe(1)
    const between = shown(0.23, [source])
    expect(strengthOf(driver, between)).toBeCloseTo(0.5, 1)
    expect(strengthOf(driver, between) + strengthOf(source, between)).toBeCloseTo(1, 9)
    expect(shown(0.3, [source], null)).toEqual([[source, 1]])
  })
})
