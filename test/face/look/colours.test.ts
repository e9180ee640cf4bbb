import { beforeAll, describe, expect, it } from 'vitest'
import { COLOURS_ALIKE, type Colours, colourDistance, coloursOf } from '../../../src/face/look/colours.js'
import type { Rgba } from '../../../src/geometry/types.js'
import { resized, turned, turnedPoint } from '../../e2e/pictures.js'
import { GOLDEN_NAMES, readGolden } from '../../nets/front-end-goldens.js'

interface Face {
  readonly photo: Rgba
  readonly mesh: Float32Array
  readonly colours: Colours
}

const faces = new Map<string, Face>()
const face = (name: (typeof GOLDEN_NAMES)[number]) => faces.get(name) as Face

beforeAll(async () => {
  for (const name of GOLDEN_NAMES) {
    const golden = await readGolden(name)
    const photo = { width: golden.photo.width, height: golden.photo.height, data: golden.photo.rgba }
    const mesh = golden.answers.tensor('photo.landmarks', [468, 3])
    faces.set(name, { photo, mesh, colours: coloursOf(photo, mesh) })
  }
})

const PEOPLE = GOLDEN_NAMES.filter((name) => name !== 'franck-smile')

describe('colours of a face', () => {
  it('is alike for two photos of one person, whatever the expression', () => {
    const distance = colourDistance(face('franck').colours, face('franck-smile').colours)
    expect(distance).toBeGreaterThan(0.1)
    expect(distance).toBeLessThan(0.6)
  })

  it('is not for two people', () => {
    for (const a of PEOPLE) {
      for (const b of PEOPLE)
        if (a !== b) expect(colourDistance(face(a).colours, face(b).colours)).toBeGreaterThan(1)
    }
    expect(COLOURS_ALIKE).toBeGreaterThan(0.6)
    expect(COLOURS_ALIKE).toBeLessThan(1)
  })

  it.each<[string, (photo: Rgba) => Rgba]>([
    ['a darker exposure', (photo) => mapped(photo, (v) => 0.5 * v)],
    ['less contrast', (photo) => mapped(photo, (v) => 60 + 0.6 * v)],
    ['warm light', (photo) => mapped(photo, (v, c) => v * (c === 0 ? 1 : c === 1 ? 0.9 : 0.65))],
    ['light from a side', (photo) => mapped(photo, (v, _c, x) => v * (0.5 + (0.5 * x) / photo.width))],
  ])('stays alike under %s', (_name, change) => {
    const { photo, mesh, colours } = face('blonde')
    expect(colourDistance(colours, coloursOf(change(photo), mesh))).toBeLessThan(0.35)
  })

  it('hangs on neither size nor orientation of the photo', async () => {
    const { photo, mesh, colours } = face('smile')
    const small = await resized(photo, 100)
    const scaled = mesh.map((value) => (value * 100) / photo.width)
    expect(colourDistance(colours, coloursOf(small, scaled))).toBeLessThan(0.2)
    const lying = mesh.slice()
    for (let v = 0; v < 468; v++)
      lying.set(turnedPoint(photo, 1, mesh[3 * v] as number, mesh[3 * v + 1] as number), 3 * v)
    expect(colourDistance(colours, coloursOf(turned(photo, 1), lying))).toBeLessThan(0.15)
  })

  it('is finite for a plain picture and for a mesh that lies outside of it', () => {
    const plain = { width: 40, height: 40, data: new Uint8Array(6400).fill(255) }
    const far = face('smile').mesh.map((value) => value + 5000)
    for (const mesh of [face('smile').mesh, far, new Float32Array(1404)]) {
      const colours = coloursOf(plain, mesh)
      expect([...colours].every(Number.isFinite)).toBe(true)
    }
    expect(() => coloursOf(plain, new Float32Array(9))).toThrow('mesh of 9 numbers, expected 468x3')
  })
})

function mapped(photo: Rgba, value: (v: number, channel: number, x: number) => number): Rgba {
  const data = photo.data.map((v, i) =>
    i % 4 === 3 ? v : Math.min(255, value(v, i % 4, (i >> 2) % photo.width)),
  )
  return { ...photo, data }
}
