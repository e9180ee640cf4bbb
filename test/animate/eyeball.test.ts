import { describe, expect, it } from 'vitest'
import type { DrivenHead } from '../../src/animate/carry-over.js'
import { eyeballPoints } from '../../src/animate/eyeball.js'
import { EYES, faceTriangles } from '../../src/animate/face-parts.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { centredIrises, frontalFace, TRIANGLES } from './canonical.js'

const mesh = frontalFace(160, 160, 12)
const [eye] = EYES
const width = Math.hypot(
  ...[0, 1].map(
    (axis) => (mesh[3 * eye.corners[0] + axis] as number) - (mesh[3 * eye.corners[1] + axis] as number),
  ),
)
const RADIUS = 0.2 * width
const irises = centredIrises(mesh, RADIUS)

describe('an eyeball', () => {
  const ball = eyeballPoints(photoHead(mesh, irises), eye, faceTriangles(TRIANGLES), 0)
  const moved = ball.moved({
    gazes: [
      { along: 0.1, across: 0 },
      { along: 0, across: 0 },
    ],
  } as unknown as DrivenHead)
  const steps = ball.points.map(([x, y], i) => {
    const [px, py] = moved[i] as readonly [number, number, number]
    return { from: x - (irises[0] as number), by: Math.hypot(px - x, py - y) / width }
  })

  it('moves its iris as one piece, edge and all', () => {
    const onIris = steps.filter(({ from }) => Math.abs(from) <= RADIUS)
    expect(onIris.length).toBeGreaterThan(30)
    for (const { by } of onIris) expect(by).toBeCloseTo(0.1, 9)
  })

  it('has its iris before the white, which far gazes push it over', () => {
    const aside = irises.map((value, k) => value + (k % 2 === 0 ? 0.3 * width : 0))
    const other = eyeballPoints(photoHead(mesh, aside), eye, faceTriangles(TRIANGLES), 0)
    // Beside the middle of a row: iris there, more white than iris here.
    const [iris, white] = [ball, other].map(
      ({ points }) => (points[5 * 17 + 5] as readonly number[])[2] as number,
    )
    expect(iris).toBeLessThan((white as number) - 0.008 * width)
  })

  it('stays at the corners of the eye, and is drawn out between', () => {
    for (const { from, by } of steps) if (Math.abs(from) >= width / 2) expect(by).toBeCloseTo(0, 9)
    const row = steps.slice(0, 17).sort((a, b) => a.from - b.from)
    row.slice(1).forEach((step, i) => {
      const before = row[i] as typeof step
      expect(step.from + width * step.by).toBeGreaterThan(before.from + width * before.by)
    })
  })
})
