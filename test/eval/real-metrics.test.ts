import { describe, expect, it } from 'vitest'
import {
  forwardBackwardError,
  innerMask,
  landmarkTransferError,
  photometricError,
  temporalJitter,
} from '../../eval/real-metrics.js'
import { REAL_FOLDER, readRealPairs } from '../../eval/real-set.js'
import type { Rgba } from '../../src/index.js'

const N = 224
const constant = (dx: number, dy: number) =>
  Float32Array.from({ length: 3 * N * N }, (_, i) => [dx, dy, 5][i % 3] as number)
const square = Uint8Array.from({ length: N * N }, (_, i) => {
  const [x, y] = [i % N, Math.floor(i / N)]
  return x >= 60 && x < 160 && y >= 60 && y < 160 ? 1 : 0
})
const inner = innerMask(square)

function picture(at: (x: number, y: number) => number): Rgba {
  const data = new Uint8Array(4 * N * N)
  for (let i = 0; i < N * N; i++) {
    const value = Math.round(at(i % N, Math.floor(i / N)))
    data.set([value, value, value, 255], 4 * i)
  }
  return { width: N, height: N, data }
}
const waves = (x: number, y: number) => 120 + 50 * Math.sin(x / 6) + 50 * Math.cos(y / 5)

describe('errors of flows on real frames', () => {
  it('leave out two pixels at the rim of the face', () => {
    expect(inner.reduce((sum, v) => sum + v, 0)).toBe(96 * 96)
    expect(innerMask(new Uint8Array(N * N).fill(1)).every((v) => v === 1)).toBe(true)
  })

  it('photometric: nothing for the true motion, whatever the gain and offset of the light', () => {
    const a = picture(waves)
    const b = picture((x, y) => 0.7 * waves(x - 3, y + 2) + 20)
    expect(photometricError(a, b, constant(3, -2), inner)).toBeLessThan(0.6)
    expect(photometricError(a, b, constant(0, 0), inner)).toBeGreaterThan(15)
  })

  it('forward-backward: what is left in the plane after both ways', () => {
    expect(forwardBackwardError(constant(3, -2), constant(-3, 2), inner)).toBe(0)
    expect(forwardBackwardError(constant(3, -2), constant(0, 2), inner)).toBe(3)
  })

  it('landmarks: the inner ones that lie on the face, by the interocular distance', () => {
    const points = Array.from({ length: 68 }, (_, i) => [70 + i, 100 + (i % 3)]).flat()
    const moved = points.map((v, i) => v + (i % 2 === 0 ? 4 : 0))
    expect(landmarkTransferError(constant(4, 0), inner, points, moved)).toBeCloseTo(0, 5)
    const apart = Math.hypot(45 - 36, 0)
    expect(landmarkTransferError(constant(1, 0), inner, points, moved)).toBeCloseTo(3 / apart, 5)
  })

  it('jitter: none in a steady motion, the second difference of a trembling one', () => {
    const steady = [1, 2, 3, 4].map((t) => constant(t, -t))
    expect(temporalJitter(steady, inner)).toEqual({ all: 0, affine: 0 })
    expect(temporalJitter([constant(1, 0), constant(0, 0)], inner).all).toBe(2)
  })

  it('jitter: all of a turn that speeds up is affine, little of what trembles within the face', () => {
    const field = (at: (x: number, y: number) => readonly number[]) =>
      Float32Array.from(
        { length: 3 * N * N },
        (_, i) => at(Math.floor(i / 3) % N, Math.floor(i / 3 / N))[i % 3] ?? 0,
      )
    const turn = field((x, y) => [0.1 * (y - 90), -0.1 * (x - 120)])
    const ofTurn = temporalJitter([turn, turn], inner)
    expect(ofTurn.all).toBeGreaterThan(1)
    expect(ofTurn.affine).toBeCloseTo(ofTurn.all, 4)
    const tremble = field((x, y) => [Math.sin(x / 2), Math.cos(y / 2)])
    const ofTremble = temporalJitter([tremble, constant(0, 0)], inner)
    expect(ofTremble.affine).toBeLessThan(0.1 * ofTremble.all)
  })
})

describe('the committed real frames', () => {
  it('are twelve steps of two sequences and four far pairs, each with its landmarks', async () => {
    const pairs = await readRealPairs(REAL_FOLDER)
    expect(pairs.map(({ sequence }) => sequence ?? 'far').sort()).toEqual([
      ...Array(4).fill('far'),
      ...Array(6).fill('talk'),
      ...Array(6).fill('turn'),
    ])
    for (const { a, b, landmarksA, landmarksB } of pairs) {
      expect([a.width, a.height, b.width, b.height]).toEqual([N, N, N, N])
      for (const landmarks of [landmarksA, landmarksB]) {
        expect(landmarks).toHaveLength(136)
        expect(landmarks.every((v) => v > 0 && v < N)).toBe(true)
      }
    }
  })
})
