import { describe, expect, it } from 'vitest'
import { EYES } from '../../src/animate/face-parts.js'
import { lashLine } from '../../src/animate/lash-line.js'
import { eyeOpening, setLids, upward } from '../../src/animate/openings.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { between, distance, dot, movePoint, subtract, type Vector } from '../../src/animate/points.js'
import { skinLight, skinReference } from '../../src/animate/skin-light.js'
import { steadiedLandmarks } from '../../src/animate/steadied-landmarks.js'
import type { Rgba } from '../../src/geometry/types.js'
import { seededRandom } from '../random.js'
import { centredIrises, frontalFace, TRIANGLES } from './canonical.js'

const SIZE = 224
const mesh = frontalFace(112, 112, 9)
const whole = new Uint8Array(SIZE * SIZE).fill(1)

function frame(colour: (x: number, y: number) => readonly [number, number, number]): Rgba {
  const data = new Uint8Array(SIZE * SIZE * 4).fill(255)
  for (let i = 0; i < SIZE * SIZE; i++) data.set(colour(i % SIZE, Math.floor(i / SIZE)), 4 * i)
  return { width: SIZE, height: SIZE, data }
}

describe('light on the skin', () => {
  const random = seededRandom('skin')
  const skin = Array.from({ length: SIZE * SIZE }, () => 90 + 60 * random())
  const lit = (gain: (x: number, y: number) => number) =>
    frame((x, y) => {
      const value = gain(x, y) * (skin[y * SIZE + x] as number)
      return [value, 0.8 * value, 0.6 * value]
    })
  const reference = skinReference(
    lit(() => 1),
    whole,
    mesh,
    TRIANGLES,
  )
  const lightOn = (from: typeof reference, warped: Rgba) => skinLight(from, warped).light
  const gainAt = (light: Float32Array, v: number) => Math.exp(light[3 * v] as number)

  it('is none in the reference itself, whatever the camera makes of it', () => {
    expect(
      Math.max(
        ...lightOn(
          reference,
          lit(() => 1),
        ).map(Math.abs),
      ),
    ).toBe(0)
    expect(
      Math.max(
        ...lightOn(
          reference,
          lit(() => 1.3),
        ).map(Math.abs),
      ),
    ).toBeLessThan(0.01)
  })

  it('is found where a cheek turns dark, and not on the other', () => {
    const light = lightOn(
      reference,
      lit((x) => (x < 112 ? 0.85 : 1.15)),
    )
    // Vertices 50 and 280: the cheeks, the person's right one left in the picture. Grey levels rest on a floor.
    expect(gainAt(light, 50) / gainAt(light, 280)).toBeCloseTo(0.85 / 1.15, 1)
    expect(gainAt(light, 50)).toBeLessThan(0.9)
  })

  it("does not take a cup's colour for light: what is free of the face keeps its own, and the cup's is nowhere", () => {
    const one = lit(() => 1)
    const chin = mesh[3 * 152 + 1] as number
    const cup = frame((x, y) => {
      const own = 4 * (y * SIZE + x)
      if (Math.abs(x - 112) < 30 && y > chin - 30) return [190, 20, 20]
      return [one.data[own] as number, one.data[own + 1] as number, one.data[own + 2] as number]
    })
    // At its rim cells are half skin.
    expect(Math.max(...lightOn(reference, cup).map(Math.abs))).toBeLessThan(0.25)
    expect(Math.abs(lightOn(reference, cup)[3 * 10 + 1] as number)).toBeLessThan(0.02)
  })

  it('does not take a dark open mouth for shade, and has a limit', () => {
    const [x, y] = [mesh[3 * 13] as number, ((mesh[3 * 13 + 1] as number) + (mesh[3 * 14 + 1] as number)) / 2]
    const open = lightOn(
      reference,
      lit((px, py) => (Math.hypot((px - x) / 14, (py - y) / 5) < 1 ? 0.1 : 1)),
    )
    expect(Math.max(...open.map(Math.abs))).toBeLessThan(0.02)
    const hand = lightOn(
      reference,
      lit((px) => (px < 112 ? 0.05 : 1)),
    )
    expect(Math.max(...hand.map(Math.abs))).toBeCloseTo(0.35, 5)
  })
})

describe('lids, lips and irises of two witnesses', () => {
  const toTemplate = { a: 1, b: 0, tx: 0, ty: 0 }
  const irises = Float32Array.from(centredIrises(mesh))
  const face = { landmarks468: Float32Array.from(mesh), irises, toTemplate }
  const flow = Float32Array.from({ length: SIZE * SIZE * 3 }, (_, k) => (k % 3 === 0 ? 4 : 0))
  const seen = (by: readonly [number, number]) => {
    const b = {
      ...face,
      landmarks468: face.landmarks468.map((value, k) => value + (k % 3 < 2 ? (by[k % 3] as number) : 0)),
    }
    return steadiedLandmarks({ a: face, b, flow, mask: whole } as never)
  }
  const lid = 159

  it('are where the flow leads them as long as landmarks only tremble', () => {
    const { landmarks } = seen([4.6, 0.5])
    expect(landmarks[3 * lid]).toBeCloseTo((mesh[3 * lid] as number) + 4, 4)
    expect(landmarks[3 * lid + 1]).toBeCloseTo(mesh[3 * lid + 1] as number, 4)
    // Others are left as they are.
    expect(landmarks[3]).toBeCloseTo((mesh[3] as number) + 4.6, 4)
  })

  it('are where the landmarks are once a lid closes, which the flow does not see', () => {
    const { landmarks } = seen([4, 12])
    expect((landmarks[3 * lid + 1] as number) - (mesh[3 * lid + 1] as number)).toBeGreaterThan(11)
  })

  it('hold lips that only tremble, and let those go that move where the flow does not see it', () => {
    const lip = 14
    const still = seen([4.2, 0.2]).landmarks
    expect(still[3 * lip]).toBeCloseTo((mesh[3 * lip] as number) + 4, 4)
    expect(still[3 * lip + 1]).toBeCloseTo(mesh[3 * lip + 1] as number, 4)
    const moved = seen([4, 6]).landmarks
    expect((moved[3 * lip + 1] as number) - (mesh[3 * lip + 1] as number)).toBeGreaterThan(5.5)
  })

  it('keep the gap of lips that part by less than noise', () => {
    const now = Float32Array.from(mesh, (value, k) => (k % 3 === 0 ? value + 4 : value))
    const gapOf = (points: ArrayLike<number>) =>
      (points[3 * 14 + 1] as number) - (points[3 * 13 + 1] as number)
    for (const [v, by] of [
      [13, -0.2],
      [14, 0.3],
    ] as const) {
      now[3 * v + 1] = (now[3 * v + 1] as number) + by
    }
    const b = {
      landmarks468: now,
      irises: Float32Array.from(irises, (x, k) => x + (k % 2 ? 0 : 4)),
      toTemplate,
    }
    const { landmarks } = steadiedLandmarks({ a: face, b, flow, mask: whole } as never)
    expect(gapOf(landmarks) - gapOf(mesh)).toBeCloseTo(0.5, 4)
    expect(landmarks[3 * 17 + 1]).toBeCloseTo(mesh[3 * 17 + 1] as number, 4)
  })

  it('have openings that do not tremble, and of a blink that the flow does not see keep hardly anything', () => {
    const opening = (position: number) => {
      const now = mesh.slice()
      for (const eye of EYES) setLids(now, { mesh, landmarks: mesh }, eye, position)
      const led = Float32Array.from(now, (value, k) => value + (k % 3 === 0 ? 4 : 0))
      const { eyeOpenings } = steadiedLandmarks({
        a: face,
        b: { ...face, landmarks468: led },
        flow,
        mask: whole,
      } as never)
      return eyeOpenings[0] / eyeOpening(mesh, EYES[0])
    }
    expect(opening(0.95)).toBeCloseTo(1, 3)
    expect(opening(0)).toBeLessThan(0.05)
  })
})

describe('the lash line', () => {
  const photo = photoHead(mesh, centredIrises(mesh))
  const lashes = lashLine(photo)
  const rims = EYES.flatMap(({ rim }) => rim)

  it('of an unmoved face is where the landmarks of the lids are', () => {
    lashes.moved(photo.mesh).forEach(([x, y], i) => {
      const v = rims[i] as number
      expect([x, y]).toEqual([
        expect.closeTo(mesh[3 * v] as number, 6),
        expect.closeTo(mesh[3 * v + 1] as number, 6),
      ])
    })
  })

  it('goes with a lid that is half open; the upper one covers the lower rim of a shut eye, the lower one is nothing', () => {
    const moved = photo.mesh.slice()
    const shut = (position: number) => {
      for (const eye of EYES) setLids(moved, photo, eye, position)
    }
    const edge = (v: number) => lashes.moved(moved)[rims.indexOf(v)] as readonly [number, number, number]
    shut(0.7)
    const step = (moved[3 * 159 + 1] as number) - (photo.mesh[3 * 159 + 1] as number)
    expect(edge(159)[1]).toBeCloseTo((mesh[3 * 159 + 1] as number) + step, 6)
    shut(0)
    for (const [upper, lower] of EYES.flatMap(({ pairs }) => pairs)) {
      expect(edge(lower).slice(0, 2)).toEqual([
        expect.closeTo(moved[3 * lower] as number, 6),
        expect.closeTo(moved[3 * lower + 1] as number, 6),
      ])
      expect(edge(upper)[1]).toBeGreaterThan(moved[3 * lower + 1] as number)
      expect(edge(upper)[2]).toBeLessThan(edge(lower)[2])
    }
  })

  it.each([0.01, 0.001, 0, -0.08, -0.084, -0.09])(
    'of eyes that are open by %f is that of the photo, and goes no further than twice a step of the lids',
    (opening) => {
      const narrow = mesh.slice()
      const up = upward(mesh)
      for (const eye of EYES) {
        for (const [upper, lower] of eye.pairs) {
          const excess = dot(between(narrow, lower, upper), up) - opening * distance(narrow, ...eye.corners)
          movePoint(narrow, upper, up, -excess / 2)
          movePoint(narrow, lower, up, excess / 2)
        }
      }
      const squinting = photoHead(narrow, centredIrises(narrow))
      const strips = lashLine(squinting)
      const before = strips.moved(squinting.mesh)
      before.forEach(([x, y], i) => {
        const v = rims[i] as number
        expect([x, y]).toEqual([
          expect.closeTo(narrow[3 * v] as number, 6),
          expect.closeTo(narrow[3 * v + 1] as number, 6),
        ])
      })
      const moved = squinting.mesh.slice()
      const step = 0.005 * distance(narrow, ...EYES[0].corners)
      for (const { pairs } of EYES) for (const [upper] of pairs) movePoint(moved, upper, up, -step)
      const steps = strips.moved(moved).map((place, i) => Math.hypot(...subtract(place, before[i] as Vector)))
      expect(Math.max(...steps)).toBeLessThan(2 * step)
    },
  )
})
