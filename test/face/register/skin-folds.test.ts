import { describe, expect, it } from 'vitest'
import { SkinFolds } from '../../../src/face/register/skin-folds.js'

/** A square of 10 px of two triangles; z is never looked at. */
const SQUARE = [0, 0, 5, 10, 0, 5, 10, 10, 5, 0, 10, 5]
const TRIANGLES = Uint32Array.of(0, 1, 2, 0, 2, 3)
/** Twice the area that a triangle keeps of 100 px^2. */
const KEPT = 20

/** Its second corner this far from the diagonal that the triangles share, on its own side of it. */
function pushed(distance: number): Float64Array {
  const mesh = Float64Array.from(SQUARE)
  mesh.set([5 + distance / Math.SQRT2, 5 - distance / Math.SQRT2], 3)
  return mesh
}

/** Twice the area of the triangle of that corner. */
const area = (mesh: Float64Array): number => {
  const [ax = 0, ay = 0, , bx = 0, by = 0, , cx = 0, cy = 0] = mesh
  return (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))))
}

describe('folds of skin', () => {
  const folds = new SkinFolds(SQUARE, TRIANGLES)

  it('leave alone what keeps a fifth of its area', () => {
    const mesh = pushed(KEPT / Math.sqrt(200) + 0.01)
    const before = mesh.slice()
    expect(folds.sweep(mesh, false)).toBe(false)
    expect(mesh).toEqual(before)
  })

  it.each([0.01, 0.1, 1, 3])('are undone by moves as small as what lacks: %d px', (lack) => {
    const mesh = pushed(KEPT / Math.sqrt(200) - lack)
    const before = mesh.slice()
    expect(folds.sweep(mesh, false)).toBe(true)
    expect(furthest(mesh, before)).toBeLessThan(lack)
    for (let sweep = 0; sweep < 20; sweep++) folds.sweep(mesh, sweep % 2 === 0)
    expect(area(mesh)).toBeGreaterThan(KEPT - 0.02)
    expect(mesh.filter((_, i) => i % 3 === 2)).toEqual(before.filter((_, i) => i % 3 === 2))
  })

  it('hold what is just turned away nearly as what just faces the camera', () => {
    const ends = [0.001, -0.001].map((distance) => {
      const mesh = pushed(-1)
      new SkinFolds(pushed(distance), TRIANGLES).sweep(mesh, false)
      return mesh
    }) as [Float64Array, Float64Array]
    expect(furthest(ends[0], pushed(-1))).toBeGreaterThan(0.3)
    expect(furthest(...ends)).toBeLessThan(0.05)
  })

  it('leave what is turned away far free', () => {
    const mesh = pushed(-5)
    expect(new SkinFolds(pushed(-1), TRIANGLES).sweep(mesh, false)).toBe(false)
  })
})
