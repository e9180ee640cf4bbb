import { describe, expect, it } from 'vitest'
import { apart, inPhotos, lagOf, opening, tremble } from '../../eval/video-metrics.js'

describe('figures of a face that is followed', () => {
  it('tremble: what moves evenly has none', () => {
    const path = (at: (t: number) => number) =>
      Array.from({ length: 10 }, (_, t) => Float32Array.of(at(t), 5, 7, at(t), 0, 0))
    expect(
      tremble(
        path((t) => 3 * t),
        [0, 1],
        3,
        [0, 1],
      ),
    ).toBeCloseTo(0, 5)
    // One to and fro a frame: 0.5, -0.5, ...
    expect(
      tremble(
        path((t) => (t % 2) - 0.5),
        [0, 1],
        3,
        [0, 1],
      ),
    ).toBeCloseTo(2, 5)
    expect(
      tremble(
        path((t) => (t % 2) - 0.5),
        [0],
        3,
        [2],
      ),
    ).toBe(0)
  })

  it('lag: in parts of a frame, of either sign', () => {
    const signal = (late: number) => Array.from({ length: 60 }, (_, t) => Math.sin(0.4 * (t - late)) ** 3)
    for (const late of [0, 0.3, 1.6, -0.7]) expect(lagOf(signal(0), signal(late))).toBeCloseTo(late, 1)
  })

  it('distance of meshes, openings, places in the photo', () => {
    const [a, b] = [Float32Array.of(0, 0, 0, 1, 1, 1), Float32Array.of(3, 4, 2, 1, 1, 2)]
    expect(apart(a, b, [0, 1], [0, 1])).toBe(2.5)
    expect(apart(a, b, [0, 1], [2])).toBe(1.5)
    const mesh = new Float32Array(468 * 3)
    mesh.set([10, 0, 0], 3 * 33)
    mesh.set([30, 0, 9], 3 * 263)
    mesh.set([20, 5, 0], 3 * 13)
    mesh.set([20, 9, 3], 3 * 14)
    expect(opening(mesh, [[13, 14]])).toBeCloseTo(0.2)
    const [photo] = inPhotos([Float32Array.of(12, 6, 4)], [{ a: 2, b: 0, tx: 2, ty: 0 }])
    expect(photo).toEqual(Float32Array.of(5, 3))
  })
})
