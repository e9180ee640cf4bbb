import { describe, expect, it } from 'vitest'
import { EYES, LID_FOLDS } from '../../src/animate/face-parts.js'
import { lidLight } from '../../src/animate/lid-light.js'
import { setLids } from '../../src/animate/openings.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { pointAt } from '../../src/animate/points.js'
import { centredIrises, frontalFace } from './canonical.js'

const SIDE = 400
const landmarks = frontalFace(200, 210, 12)
const head = photoHead(landmarks, centredIrises(landmarks))
const UPPER = EYES[0].pairs.map(([upper]) => upper).filter((v) => LID_FOLDS.has(v))

/** Skin of one colour, and another in the strip between the person's right eye and its fold. */
function withStrip(level: number) {
  const data = new Uint8Array(SIDE * SIDE * 4).fill(255)
  for (let i = 0; i < SIDE * SIDE; i++) data.set([120, 100, 80], 4 * i)
  for (const upper of UPPER) {
    const [from, to] = [pointAt(head.mesh, upper), pointAt(head.mesh, LID_FOLDS.get(upper)?.[0] as number)]
    for (let t = 0; t <= 1; t += 0.05) {
      const x = Math.floor(from[0] + t * (to[0] - from[0]))
      const y = Math.floor(from[1] + t * (to[1] - from[1]))
      for (let k = 0; k < 25; k++) {
        data.set([level, level, level], 4 * ((y + Math.floor(k / 5) - 2) * SIDE + x + (k % 5) - 2))
      }
    }
  }
  return { width: SIDE, height: SIDE, data }
}

function shut(): Float64Array {
  const mesh = head.mesh.slice()
  for (const eye of EYES) setLids(mesh, head, eye, 0)
  return mesh
}

describe('light of lids', () => {
  it('is none while eyes are as open as in the photo, or wider', () => {
    const light = new Float64Array(468 * 3)
    const add = lidLight(withStrip(30), head.mesh)
    add(light, head.mesh)
    const wide = head.mesh.slice()
    for (const eye of EYES) setLids(wide, head, eye, 1.3)
    add(light, wide)
    expect(light.every((value) => value === 0)).toBe(true)
  })

  it.each([
    [60, 1],
    [220, -1],
  ])('of a lid at %d grey levels comes near that of the skin as it shuts', (level, sign) => {
    const [light, half] = [new Float64Array(468 * 3), new Float64Array(468 * 3)]
    const add = lidLight(withStrip(level), head.mesh)
    add(light, shut())
    const halfShut = head.mesh.slice()
    for (const eye of EYES) setLids(halfShut, head, eye, 0.5)
    add(half, halfShut)
    for (const v of UPPER) {
      const gain = light[3 * v] as number
      expect(sign * gain).toBeGreaterThan(0.3)
      expect(level * Math.exp(gain)).toBeGreaterThan(70)
      expect((half[3 * v] as number) / gain).toBeGreaterThan(0.2)
      expect((half[3 * v] as number) / gain).toBeLessThan(0.8)
      // Each channel has its own: the strip is grey, the skin is not.
      expect(light[3 * v + 2]).toBeLessThan(gain)
    }
    // The other eye, where the skin has one colour, stays as it is.
    for (const [upper] of EYES[1].pairs) expect(light[3 * upper]).toBeCloseTo(0, 6)
  })

  it('leaves a hand that lies on the lid: no more than a gain of 2.2', () => {
    const light = new Float64Array(468 * 3)
    lidLight(withStrip(0), head.mesh)(light, shut())
    expect(Math.max(...light)).toBeLessThanOrEqual(0.8)
  })
})
