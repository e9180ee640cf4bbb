import { describe, expect, it } from 'vitest'
import { checkContrast } from '../../src/animate/photo-checks.js'
import { LARGEST_POWER, powerOf, withoutPower } from '../../src/animate/tones.js'
import type { Rgba } from '../../src/geometry/types.js'
import { seededRandom } from '../random.js'

const SIZE = 224
const whole = new Uint8Array(SIZE * SIZE).fill(1)

/** A face of features some px wide, in skin's colours. */
const random = seededRandom('tones')
const features = Array.from({ length: 28 * 28 }, () => 60 + 120 * random())
function face(tone: (level: number, channel: number, x: number, y: number) => number): Rgba {
  const data = new Uint8Array(SIZE * SIZE * 4).fill(255)
  for (let i = 0; i < SIZE * SIZE; i++) {
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)]
    const value = features[Math.floor(y / 8) * 28 + Math.floor(x / 8)] as number
    for (let c = 0; c < 3; c++) {
      const level = tone([1, 0.8, 0.6].map((share) => share * value)[c] as number, c, x, y)
      data[4 * i + c] = Math.max(0, Math.min(255, Math.round(level + 6 * (random() - 0.5))))
    }
  }
  return { width: SIZE, height: SIZE, data }
}
const power = (p: number) => (level: number) => 255 * (level / 255) ** p
const plain = face((level) => level)

describe('the contrast of a further photo', () => {
  it.each([0.6, 0.8, 1.25, 1.6])('is found: power %f', (p) => {
    expect(powerOf(plain, face(power(p)), whole) / p).toBeCloseTo(1, 1.7)
  })

  it('is none, to the bit, of another exposure, white balance or noise', () => {
    const warm = face((level, c) => ([1.15, 1, 0.8][c] as number) * level)
    expect(
      [plain, face((level) => level), face((level) => 1.3 * level), warm].map((other) =>
        powerOf(plain, other, whole),
      ),
    ).toEqual([1, 1, 1, 1])
    expect(withoutPower(plain, 1)).toBe(plain)
  })

  it('is found although a quarter of the face shows something else', () => {
    const moved = face((level, _, x) => (x < SIZE / 4 ? 40 : power(1.25)(level)))
    expect(powerOf(plain, moved, whole) / 1.25).toBeCloseTo(1, 1.4)
  })

  it('is not asked of a face without features, or where next to nothing is shown', () => {
    const flat: Rgba = { ...plain, data: plain.data.map((_, i) => (i % 4 === 3 ? 255 : 140)) }
    expect(powerOf(flat, plain, whole)).toBe(1)
    expect(
      powerOf(
        plain,
        face(power(1.5)),
        whole.map((_, i) => (i < 20 * SIZE && i % SIZE < 20 ? 1 : 0)),
      ),
    ).toBe(1)
  })

  it('is taken out of the levels, up to where it is no camera any more, which is said', () => {
    const back = (p: number) => withoutPower(face(power(p)), p)
    const off = (a: Rgba) =>
      a.data.reduce((sum, level, i) => sum + Math.abs(level - (plain.data[i] as number)), 0) / a.data.length
    expect(off(back(1.25))).toBeLessThan(3)
    expect(off(face(power(1.25)))).toBeGreaterThan(9)
    expect(off(back(1.4 * LARGEST_POWER))).toBeGreaterThan(9)
    expect(checkContrast(LARGEST_POWER, 'b.jpg', 'a.jpg')).toEqual([])
    expect(checkContrast(2.5, 'b.jpg', 'a.jpg')).toEqual([
      expect.stringMatching(/^b\.jpg: its contrast is 2\.50 times that of a\.jpg/),
    ])
    expect(checkContrast(0.5, 'b.jpg', 'a.jpg')).toHaveLength(1)
  })
})
