import { describe, expect, it } from 'vitest'
import { EYES } from '../../src/animate/face-parts.js'
import { matchedIrises } from '../../src/animate/matched-irises.js'
import { setLids } from '../../src/animate/openings.js'
import type { Rgba } from '../../src/geometry/types.js'
import { seededRandom } from '../random.js'
import { centredIrises, frontalFace } from './canonical.js'

const SIZE = 320
const RADIUS = 6
const mesh = frontalFace(160, 160, 12)
const SAME = { a: 1, b: 0, tx: 0, ty: 0 }

const middles = EYES.map(({ corners: [outer, inner] }) => {
  return [0, 1].map((axis) => ((mesh[3 * outer + axis] as number) + (mesh[3 * inner + axis] as number)) / 2)
}) as [[number, number], [number, number]]

/** Eyes with dark irises on white between skin, a little noisy. @param shift of both irises, px */
function picture(shift: readonly [number, number], tone: (level: number) => number = (level) => level): Rgba {
  const random = seededRandom('irises')
  const data = new Uint8Array(SIZE * SIZE * 4).fill(255)
  for (let i = 0; i < SIZE * SIZE; i++) {
    const [x, y] = [(i % SIZE) + 0.5, Math.floor(i / SIZE) + 0.5]
    const distance = Math.min(...middles.map(([mx, my]) => Math.hypot(x - mx - shift[0], y - my - shift[1])))
    // Its edge is as soft as a lens makes it.
    const level = 70 + 120 / (1 + Math.exp(-(distance - RADIUS) / 0.7))
    data.fill(Math.round(tone(level + 4 * (random() - 0.5))), 4 * i, 4 * i + 3)
  }
  return { width: SIZE, height: SIZE, data }
}

/** Both where they are in `picture`. */
function irisesAt(shift: readonly [number, number]): Float32Array {
  return Float32Array.from(centredIrises(mesh, RADIUS), (value, k) => value + (shift[k % 2] as number))
}

const still = irisesAt([0, 0])
const a = { image: picture([0, 0]), landmarks468: mesh, irises: still, toTemplate: SAME }
/** How far each iris is moved from `from`, px. */
function shifts(image: Rgba, landmarks: ArrayLike<number> = mesh, from = still): number[] {
  const irises = matchedIrises({ a, b: { ...a, image } } as never, { landmarks, irises: from })
  return [0, 10].map(
    (k) =>
      Math.hypot(...[0, 1].map((axis) => at(irises, k + axis) - at(from, k + axis))) *
      Math.sign(at(irises, k) - at(from, k)),
  )
}
const at = (values: ArrayLike<number>, k: number) => values[k] as number
const near = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 0.8))

describe('irises', () => {
  it('that did not move stay, in any exposure', () => {
    expect(shifts(a.image)).toEqual([0, 0])
    expect(Math.max(...shifts(picture([0, 0], (level) => 1.2 * level + 8)).map(Math.abs))).toBeLessThan(0.03)
  })

  it('that have no size stay where they are', () => {
    const points = Float32Array.from(centredIrises(mesh))
    const dots = { ...a, irises: points }
    const moved = { landmarks: mesh, irises: points }
    expect(matchedIrises({ a: dots, b: dots } as never, moved)).toEqual(points)
  })

  it('are found to a tenth of a pixel where a smooth flow left them behind, in another light too', () => {
    expect(shifts(picture([1.3, 0]))).toEqual(near([1.3, 1.3]))
    expect(shifts(picture([-0.7, 0], (level) => 0.8 * level))).toEqual(near([-0.7, -0.7]))
    // From where the flow says.
    expect(shifts(picture([1.3, 0]), mesh, irisesAt([0.9, 0]))).toEqual(near([0.4, 0.4]))
  })

  it('in pictures of other size and turn are found there', () => {
    const turned = picture([1, 0])
    // A quarter turn: (x, y) -> (320 - y, x).
    const data = new Uint8Array(turned.data.length)
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++)
        data.set(
          turned.data.subarray(4 * (y * SIZE + x), 4 * (y * SIZE + x) + 4),
          4 * (x * SIZE + SIZE - 1 - y),
        )
    const turn = (points: ArrayLike<number>, step: number) =>
      Float32Array.from(points, (value, k) => {
        if (k % step === 0) return SIZE - (points[k + 1] as number)
        return k % step === 1 ? (points[k - 1] as number) : value
      })
    const b = { ...a, image: { ...turned, data }, toTemplate: { a: 0, b: -1, tx: 0, ty: SIZE } }
    const from = turn(still, 2)
    const irises = matchedIrises({ a, b } as never, { landmarks: turn(mesh, 3), irises: from })
    expect(at(irises, 1) - at(from, 1)).toBeCloseTo(1, 0.8)
    expect(Math.abs(at(irises, 0) - at(from, 0))).toBeLessThan(0.15)
  })

  it('stay across the line of the corners, where lids and their shade tell nothing', () => {
    expect(shifts(picture([0, 0.8]))).toEqual(near([0, 0]))
  })

  it('stay where lids hide them, and where something else is there', () => {
    const shut = mesh.slice()
    for (const eye of EYES) setLids(shut, { mesh, landmarks: mesh }, eye, 0.1)
    expect(shifts(picture([1.3, 0]), shut)).toEqual([0, 0])
    const grey = { ...a.image, data: a.image.data.map((_, i) => (i % 4 === 3 ? 255 : 120)) }
    expect(shifts(grey)).toEqual([0, 0])
  })
})
