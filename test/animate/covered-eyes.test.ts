import { expect, it } from 'vitest'
import { COVERED_EYES, coveredEyes } from '../../src/animate/covered-eyes.js'
import { BROWS, EYES } from '../../src/animate/face-parts.js'
import { distance } from '../../src/animate/points.js'
import type { Rgba } from '../../src/geometry/types.js'
import { centredIrises, frontalFace } from './canonical.js'

const SIDE = 240
const mesh = frontalFace(120, 130, 6)
const irises = centredIrises(mesh)
const width = distance(mesh, ...EYES[0].corners)

/** A face with brows and eyes, and what lies over them. */
function face(light: number, cover?: readonly [number, number, number]): Rgba {
  const data = new Uint8Array(SIDE * SIDE * 4)
  const near = (x: number, y: number, px: number, py: number, rx: number, ry: number) =>
    ((x - px) / (rx * width)) ** 2 + ((y - py) / (ry * width)) ** 2 < 1
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5]
    let colour: readonly [number, number, number] = [205, 150, 125]
    for (const v of BROWS) {
      if (near(x, y, mesh[3 * v] as number, mesh[3 * v + 1] as number, 0.12, 0.08)) colour = [90, 60, 45]
    }
    for (const k of [0, 10]) {
      const [cx, cy] = [irises[k] as number, irises[k + 1] as number]
      if (near(x, y, cx, cy, 0.5, 0.24)) colour = [70, 45, 40]
      if (near(x, y, cx, cy, 0.45, 0.16)) colour = [225, 215, 210]
      if (near(x, y, cx, cy, 0.2, 0.2)) colour = [50, 35, 30]
      if (cover && near(x, y, cx, cy + 0.05 * width, 0.85, 0.75)) colour = cover
    }
    data.set([...colour.map((value) => light * value), 255], 4 * i)
  }
  return { width: SIDE, height: SIDE, data }
}

it('eyes are free in light and in shade, and covered behind dark, grey and coloured glasses', () => {
  for (const light of [1, 0.5]) expect(coveredEyes(face(light), mesh)).toBeLessThan(0)
  for (const glass of [
    [15, 15, 18],
    [110, 112, 118],
    [60, 140, 150],
  ] as const) {
    expect(coveredEyes(face(1, glass), mesh)).toBeGreaterThan(COVERED_EYES)
  }
})
