import { describe, expect, it } from 'vitest'
import { moveMesh } from '../../src/products/moved-mesh.js'

const SIZE = 224

it('a vertex moves as the flow says at the place given for it, off the mask as it says at its own; a hidden one with the head', () => {
  // The face ends at y = 150. Its flow is (1, 2, 3), at the lower edge (1, 9, 3): the chin goes down.
  const mask = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (i < 150 * SIZE ? 1 : 0))
  const flow = Float32Array.from({ length: SIZE * SIZE * 3 }, (_, i) => {
    const y = Math.floor(i / 3 / SIZE)
    return y >= 150 ? 0 : ([1, y >= 140 ? 9 : 2, 3][i % 3] as number)
  })
  const depth = new Float32Array(SIZE * SIZE)
  const skin = Array.from({ length: 40 }, (_, v) => [60 + 2 * v, 60 + 7 * (v % 9), (v * v) % 5]).flat()
  const mesh = Float32Array.from([...skin, 100, 145, 0, 100, 100, 50])
  const [chin, hidden] = [40, 41]
  const vertex = (of: ArrayLike<number>, v: number): number[] => Array.from(of).slice(3 * v, 3 * v + 3)
  const places = mesh.slice()

  const moved = moveMesh(mesh, flow, mask, depth, places)
  expect(moved.hidden).toContain(hidden)
  expect(moved.hidden).not.toContain(chin)
  expect(vertex(moved.mesh, chin)).toEqual([101, 154, 3])
  vertex(moved.mesh, hidden).forEach((value, axis) => {
    expect(value).toBeCloseTo((mesh[3 * hidden + axis] as number) + ([1, 2, 3][axis] as number), 3)
  })

  places[3 * chin + 1] = 130
  expect(vertex(moveMesh(mesh, flow, mask, depth, places).mesh, chin)).toEqual([101, 147, 3])
  places[3 * chin + 1] = 200
  expect(vertex(moveMesh(mesh, flow, mask, depth, places).mesh, chin)).toEqual([101, 154, 3])
})

describe('a mesh is not moved', () => {
  const field = (channels: number, value = 0) => new Float32Array(SIZE * SIZE * channels).fill(value)
  const mesh = Float32Array.from({ length: 30 }, (_, i) => 60 + ((7 * i) % 50))
  const with3 = (value: number) => mesh.map((number, i) => (i === 10 ? value : number))
  const mask = new Uint8Array(SIZE * SIZE).fill(1)

  it.each([
    ['mesh', 3, () => moveMesh(with3(Number.NaN), field(3), mask, field(1, 200))],
    ['places', 3, () => moveMesh(mesh, field(3), mask, field(1, 200), with3(Number.POSITIVE_INFINITY))],
    ['flow', 0, () => moveMesh(mesh, field(3, Number.NaN), mask, field(1, 200))],
    ['depth', 0, () => moveMesh(mesh, field(3), mask, field(1, Number.NaN))],
  ])('whose %s is not finite', (name, index, move) => {
    expect(move).toThrow(
      expect.objectContaining({
        code: 'NUMERIC_OVERFLOW',
        details: { name, index },
        message: expect.stringMatching(new RegExp(`^${name}: .*vertex ${index} is not finite`)),
      }),
    )
  })

  it('where only what no vertex reads is not finite: then it is', () => {
    const flow = field(3)
    flow[0] = Number.NaN
    expect(moveMesh(mesh, flow, mask, field(1, 200)).mesh.every(Number.isFinite)).toBe(true)
  })
})
