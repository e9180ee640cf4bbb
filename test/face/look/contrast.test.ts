import { expect, it } from 'vitest'
import { contrastOf } from '../../../src/face/look/contrast.js'
import { seededRandom } from '../../random.js'
import { referenceContrast } from '../../reference/contrast.js'
import { ellipsoidMesh } from '../../support/synthetic.js'

const mesh = (dx: number, dy: number, k: number): Float32Array =>
  Float32Array.from(ellipsoidMesh().vertices, (v, i) => 112 + k * (v - 112) + ([dx, dy, 0][i % 3] as number))

const random = seededRandom('contrast')
/** Noise is what a coarser grid shows worst; waves are like light and features of a face. */
const PICTURES: Readonly<
  Record<string, { readonly at: (x: number, y: number) => number; readonly off: number }>
> = {
  noise: { at: () => 256 * random(), off: 0.03 },
  waves: {
    at: (x, y) => 128 + 80 * Math.sin(x / 9) * Math.cos(y / 14) + 40 * Math.sin((x + y) / 3),
    off: 0.05,
  },
}

for (const [name, { at, off }] of Object.entries(PICTURES)) {
  it.each([
    [0, 0, 1],
    [-60, 30, 1],
    [70, -80, 1.2],
    [300, 0, 1],
    [0, 0, 0.3],
  ])(`contrast on the grid is that of whole fields: ${name}, moved by %i, %i, scaled by %f`, (dx, dy, k) => {
    const data = Uint8Array.from({ length: 224 * 224 * 4 }, (_, i) =>
      at((i >> 2) % 224, Math.floor((i >> 2) / 224)),
    )
    const picture = { width: 224, height: 224, data }
    const moved = mesh(dx, dy, k)
    const expected = referenceContrast(picture, moved)
    const worst = contrastOf(picture, moved).reduce(
      (most, value, v) => Math.max(most, Math.abs(value - (expected[v] as number))),
      0,
    )
    expect(worst).toBeLessThan(off)
  })
}
