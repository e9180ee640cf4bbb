import { expect, it } from 'vitest'
import { moveAlong, moveMesh } from '../../src/products/moved-mesh.js'

const SIZE = 224

it('a vertex that is led off the mask moves as it does where the mask has it; a hidden one with the head', () => {
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
  const moved = moveMesh(mesh, flow, mask, depth)
  expect(moved.hidden).toEqual(expect.arrayContaining([hidden]))

  const led = mesh.slice()
  led[3 * chin + 1] = 160
  const out = moveAlong(led, led, flow, mask, mesh, moved)
  expect([...out.subarray(3 * chin, 3 * chin + 3)]).toEqual([101, 169, 3])
  expect([...out.subarray(3 * hidden)]).toEqual([...moved.mesh.subarray(3 * hidden)])
})
