import { describe, expect, it } from 'vitest'
import { fillHole } from '../../src/animate/backdrop.js'
import { textured } from '../../src/animate/backdrop-texture.js'
import { seededRandom } from '../random.js'

const [WIDTH, HEIGHT] = [160, 120]
const isHole = (x: number, y: number) => Math.hypot(x - 80, y - 60) < 22
const hole = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
  return isHole(i % WIDTH, Math.floor(i / WIDTH)) ? 1 : 0
})

/** The hole has what must not be seen. */
function filledAndTextured(grey: (x: number, y: number) => number): {
  filled: Float32Array
  out: Float32Array
} {
  const image = Float32Array.from({ length: 3 * WIDTH * HEIGHT }, (_, k) => {
    const [x, y] = [Math.floor(k / 3) % WIDTH, Math.floor(k / 3 / WIDTH)]
    return isHole(x, y) ? 0.99 : grey(x, y)
  })
  const filled = fillHole(image, hole, WIDTH, HEIGHT)
  return { filled, out: textured(filled, hole, WIDTH, HEIGHT) }
}

/** Spread of the values in the hole or off it. */
function spreadIn(values: Float32Array, inside: boolean): number {
  const those = [...values].filter((_, k) => (hole[Math.floor(k / 3)] !== 0) === inside)
  const mean = those.reduce((sum, value) => sum + value, 0) / those.length
  return Math.sqrt(those.reduce((sum, value) => sum + (value - mean) ** 2, 0) / those.length)
}

describe('the texture of a backdrop', () => {
  const random = seededRandom('leaves')
  const leaves = Float32Array.from({ length: WIDTH * HEIGHT }, () => 0.5 + 0.3 * (random() - 0.5))
  const ofLeaves = filledAndTextured((x, y) => leaves[y * WIDTH + x] as number)

  it('goes on where a person stood before leaves, and leaves what is known as it is', () => {
    const { filled, out } = ofLeaves
    expect(spreadIn(filled, true)).toBeLessThan(0.5 * spreadIn(filled, false))
    expect(spreadIn(out, true)).toBeGreaterThan(0.85 * spreadIn(filled, false))
    out.forEach((value, k) => {
      if (hole[Math.floor(k / 3)] === 0) expect(value).toBe(filled[k])
    })
    expect(Math.max(...out)).toBeLessThan(0.9)
  })

  it.each([
    ['a smooth wall', (x: number) => 0.3 + x / 1000],
    ['a wall with the edge of a door', (x: number) => (x < 110 ? 0.3 : 0.7)],
    ['blinds', (_: number, y: number) => (y % 6 < 3 ? 0.3 : 0.6)],
  ] as const)('adds nothing before %s', (_, grey) => {
    const { filled, out } = filledAndTextured(grey)
    expect(out).toEqual(filled)
  })

  it('has nothing to go on from where all is the hole', () => {
    const everywhere = new Uint8Array(12).fill(1)
    const filled = new Float32Array(36).fill(0.5)
    expect(textured(filled, everywhere, 4, 3)).toEqual(filled)
  })
})
