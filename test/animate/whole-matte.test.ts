import { describe, expect, it } from 'vitest'
import { headFrame } from '../../src/animate/head-depth.js'
import { topHat } from '../../src/animate/top-hat.js'
import { wholeMatte } from '../../src/animate/whole-matte.js'
import type { Rgba } from '../../src/geometry/types.js'
import { seededRandom } from '../random.js'
import { frontalFace } from './canonical.js'

const SIDE = 200
const mesh = frontalFace(100, 105, 6)
const { height } = headFrame(mesh)
type Colour = readonly [number, number, number]
const WALL: Colour = [200, 190, 170]
const isHead = (x: number, y: number) => Math.hypot((x - 100) / 50, (y - 100) / 68) < 1

function picture(colour: (x: number, y: number) => Colour): Rgba {
  const data = new Uint8Array(SIDE * SIDE * 4).fill(255)
  for (let i = 0; i < SIDE * SIDE; i++) data.set(colour(i % SIDE, Math.floor(i / SIDE)), 4 * i)
  return { width: SIDE, height: SIDE, data }
}

function matteOf(isPerson: (x: number, y: number) => boolean) {
  const alpha = Float32Array.from({ length: SIDE * SIDE }, (_, i) =>
    isPerson(i % SIDE, Math.floor(i / SIDE)) ? 1 : 0,
  )
  return { alpha, person: Uint8Array.from(alpha) }
}

const at = (values: ArrayLike<number>, x: number, y: number) => values[y * SIDE + x] as number
/** On both sides of the head, below the ears: a hoop on the left, a door's edge on the right. */
const hoop = { x: 41, y: 125, radius: 7 }
const isHoop = (x: number, y: number) => Math.abs(Math.hypot(x - hoop.x, y - hoop.y) - hoop.radius) < 1.5
const isDoor = (x: number, y: number) => Math.abs(y - 125) < 2 && x > 130

describe('the matte of a whole head', () => {
  const scene = (x: number, y: number): Colour => {
    if (isHead(x, y)) return [120, 80, 60]
    return isHoop(x, y) || isDoor(x, y) ? [60, 50, 20] : WALL
  }
  const whole = wholeMatte(matteOf(isHead), picture(scene), mesh)

  it('has an earring that the matte misses, and no more alpha', () => {
    expect(at(whole.person, hoop.x - hoop.radius, hoop.y)).toBe(1)
    expect(at(whole.person, hoop.x, hoop.y + hoop.radius)).toBe(1)
    expect(whole.alpha).toEqual(matteOf(isHead).alpha)
  })

  it('has it in a picture that is large too', () => {
    const factor = 4
    const size = factor * SIDE
    const coarse = (values: ArrayLike<number>, i: number, c = 0, channels = 1) => {
      const [x, y] = [Math.floor((i % size) / factor), Math.floor(i / size / factor)]
      return values[channels * (y * SIDE + x) + c] as number
    }
    const [image, matte] = [picture(scene), matteOf(isHead)]
    const data = Uint8Array.from({ length: 4 * size * size }, (_, k) => {
      return coarse(image.data, Math.floor(k / 4), k % 4, 4)
    })
    const alpha = Float32Array.from({ length: size * size }, (_, i) => coarse(matte.alpha, i))
    const { person } = wholeMatte(
      { alpha, person: Uint8Array.from(alpha) },
      { width: size, height: size, data },
      mesh.map((value) => factor * value),
    )
    const there = (x: number, y: number) => person[factor * y * size + factor * x]
    expect([there(hoop.x - hoop.radius, hoop.y), there(hoop.x - hoop.radius - 6, hoop.y)]).toEqual([1, 0])
    expect(there(165, 125)).toBe(0)
  })

  it('has nothing of an edge that goes on, and nothing of the wall', () => {
    expect(at(whole.person, 165, 125)).toBe(0)
    expect(at(whole.person, hoop.x - hoop.radius - 6, hoop.y)).toBe(0)
    expect(at(whole.person, hoop.x, hoop.y - Math.round(0.3 * height))).toBe(0)
  })

  it('has nothing of what hangs nowhere, or is as wide as what a chair shows', () => {
    const isApart = (x: number, y: number) => Math.hypot(x - 22, y - 125) < 3
    const isChair = (x: number, y: number) => x > 140 && x < 172 && y > 110 && y < 150
    const image = picture((x, y) => {
      if (isHead(x, y)) return [120, 80, 60]
      return isApart(x, y) || isChair(x, y) ? [60, 50, 20] : WALL
    })
    const { person } = wholeMatte(matteOf(isHead), image, mesh)
    expect(at(person, 22, 125)).toBe(0)
    expect(at(person, 160, 130)).toBe(0)
  })

  it('does not grow into a background that is as rough', () => {
    const random = seededRandom('leaves')
    const image = picture((x, y) => {
      const value = 40 + 160 * random()
      return isHead(x, y) ? [120, 80, 60] : [value, value, value]
    })
    const { person } = wholeMatte(matteOf(isHead), image, mesh)
    const before = wholeMatte(
      matteOf(isHead),
      picture(() => WALL),
      mesh,
    ).person
    expect(person).toEqual(before)
  })

  it('leaves out what lies apart from the person', () => {
    const isOther = (x: number, y: number) => Math.hypot(x - 185, y - 40) < 10
    const { alpha, person } = wholeMatte(
      matteOf((x, y) => isHead(x, y) || isOther(x, y)),
      picture(() => WALL),
      mesh,
    )
    expect([at(alpha, 185, 40), at(person, 185, 40), at(alpha, 100, 100)]).toEqual([0, 0, 1])
  })
})

it('a top hat is what is narrower than its square, bright or dark, and not an edge', () => {
  const image = picture((x, y) => {
    if (x < 60) return [50, 50, 50]
    if (Math.abs(x - 100) < 2) return [255, 190, 170]
    return Math.abs(y - 150) < 2 ? [200, 190, 100] : WALL
  })
  const hidden = new Uint8Array(SIDE * SIDE)
  hidden[10 * SIDE + 100] = 1
  const hat = topHat(image, hidden, 4)
  expect([at(hat, 100, 50), at(hat, 140, 150), at(hat, 59, 50), at(hat, 60, 50), at(hat, 100, 10)]).toEqual([
    55, 70, 0, 0, 0,
  ])
})
