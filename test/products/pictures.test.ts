import { describe, expect, it } from 'vitest'
import type { Rgba } from '../../src/geometry/types.js'
import { matchExposure, photometricResidual } from '../../src/products/residual.js'
import { sharpness } from '../../src/products/sharpness.js'

const N = 224
const everywhere = new Uint8Array(N * N).fill(1)

/** Waves of several lengths, as faces have. */
function texture(gain = 1, offset = 0, phase = 0): Rgba {
  const data = new Uint8Array(N * N * 4)
  for (let i = 0; i < N * N; i++) {
    const [x, y] = [i % N, Math.floor(i / N)]
    const grey =
      110 +
      30 * Math.sin(x / 9 + phase) * Math.cos(y / 7) +
      12 * Math.sin(x / 2.5 + y / 3 + phase) +
      6 * Math.sin(x * 1.9 + y * 1.3)
    data.set([gain * grey + offset, gain * grey + offset, gain * grey + offset, 255], 4 * i)
  }
  return { width: N, height: N, data }
}

describe('exposure', () => {
  it('is matched for one residual and left in the other', () => {
    const [a, b] = [texture(), texture(0.7, 50)]
    const { photometric } = photometricResidual(a, b, b, everywhere)
    expect(photometric.after).toBeGreaterThan(15)
    expect(photometric.exposureMatched.after).toBeLessThan(1)
    expect(photometric.exposureMatched.before).toBe(photometric.exposureMatched.after)
  })

  it('of a picture without contrast is shifted and not scaled', () => {
    const flat: Rgba = { width: N, height: N, data: new Uint8Array(N * N * 4).fill(80) }
    const matched = matchExposure(texture(), flat, everywhere)
    expect(matched.every((value) => Math.abs(value - 110) < 3)).toBe(true)
  })
})

describe('sharpness', () => {
  it('falls with blur, and does not hang on light', () => {
    const sharp = sharpness(texture(), everywhere) as number
    expect(sharpness(texture(0.6, 60), everywhere)).toBeCloseTo(sharp, 1)
    const source = texture()
    const blurred: Rgba = { ...source, data: source.data.slice() }
    for (let i = 0; i < N * N; i++) {
      const [x, y] = [i % N, Math.floor(i / N)]
      if (x < 4 || y < 4 || x >= N - 4 || y >= N - 4) continue
      let sum = 0
      for (let v = -3; v <= 3; v++)
        for (let u = -3; u <= 3; u++) sum += source.data[4 * (i + v * N + u)] as number
      blurred.data.fill(sum / 49, 4 * i, 4 * i + 3)
    }
    expect(sharpness(blurred, everywhere)).toBeLessThan(0.9 * sharp)
  })

  it('of a small or flat face is not told', () => {
    expect(sharpness(texture(), new Uint8Array(N * N))).toBeUndefined()
    const flat: Rgba = { width: N, height: N, data: new Uint8Array(N * N * 4).fill(80) }
    expect(sharpness(flat, everywhere)).toBeUndefined()
  })
})
