import { describe, expect, it } from 'vitest'
import type { Rgba } from '../../src/geometry/types.js'
import { localMean } from '../../src/products/local-moments.js'
import { occlusionMap } from '../../src/products/occlusion.js'
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

describe('what B hides of A', () => {
  const still = new Float32Array(N * N)

  it('is nothing between two exposures of one picture', () => {
    const [a, b] = [texture(), texture(0.7, 50)]
    const hidden = occlusionMap(still, a, matchExposure(a, b, everywhere), everywhere)
    expect(hidden.some((value) => value !== 0)).toBe(false)
  })

  it('is what lies under something else, though the flow comes home there', () => {
    const [a, b] = [texture(), texture()]
    for (let y = 80; y < 130; y++) {
      for (let x = 60; x < 120; x++) b.data.set([5, 5, 5, 255], 4 * (y * N + x))
    }
    const hidden = occlusionMap(still, a, matchExposure(a, b, everywhere), everywhere)
    let [inside, outside] = [0, 0]
    hidden.forEach((value, i) => {
      const [x, y] = [i % N, Math.floor(i / N)]
      const isCovered = x >= 60 && x < 120 && y >= 80 && y < 130
      if (isCovered) inside += value
      else if (x < 54 || x > 125 || y < 74 || y > 135) outside += value
    })
    expect(inside / (50 * 60)).toBeGreaterThan(0.8)
    expect(outside).toBe(0)
  })

  it('counts a flow that does not come home, and nothing off the mask', () => {
    const a = texture()
    const mask = everywhere.map((_, i) => (i < (N * N) / 2 ? 1 : 0))
    const shifted = matchExposure(a, texture(1, 0, 0.5), mask)
    const map = (error: number) =>
      occlusionMap(new Float32Array(N * N).fill(error), a, shifted, mask).reduce((sum, v) => sum + v, 0)
    expect(map(8)).toBeGreaterThan(map(0))
    expect(map(8)).toBeLessThanOrEqual((N * N) / 2)
  })
})

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

describe('local means', () => {
  it('are those of the masked pixels in the square', () => {
    const width = 9
    const values = Float64Array.from({ length: width * width }, (_, i) => (i * 37) % 101)
    const mask = Uint8Array.from({ length: width * width }, (_, i) => (i % 5 === 0 ? 0 : 1))
    const means = localMean(values, mask, width, 2)
    for (let i = 0; i < width * width; i++) {
      const [x, y] = [i % width, Math.floor(i / width)]
      const near = [...values.keys()].filter(
        (j) => mask[j] !== 0 && Math.abs((j % width) - x) <= 2 && Math.abs(Math.floor(j / width) - y) <= 2,
      )
      const expected =
        mask[i] === 0 ? 0 : near.reduce((sum, j) => sum + (values[j] as number), 0) / near.length
      expect(means[i]).toBeCloseTo(expected, 9)
    }
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
