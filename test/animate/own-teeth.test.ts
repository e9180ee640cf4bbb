import { expect, it } from 'vitest'
import { faceTriangles, INNER_LIPS } from '../../src/animate/face-parts.js'
import { MOUTH_PATCH, mouthTexels } from '../../src/animate/mouth-patch.js'
import { mouthOpening, mouthWidth } from '../../src/animate/openings.js'
import { isSamePerson, OwnTeeth } from '../../src/animate/own-teeth.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { centredIrises, frontalFace, TRIANGLES } from './canonical.js'

/** Teeth of a photo that smiles, inside lips that move. */
const WHITE = [240, 235, 225] as const
const RED = [160, 80, 70] as const
const GREEN = [0, 0.5, 0] as const

const LOWER = INNER_LIPS.slice(INNER_LIPS.length / 2 + 1)
const opened = (mesh: Float64Array, by: number): Float64Array => {
  const moved = mesh.slice()
  for (const v of LOWER) moved[3 * v + 1] = (moved[3 * v + 1] as number) + by * mouthWidth(mesh)
  return moved
}

const face = frontalFace()
/** Open by so much, widths of the mouth. */
const headOpen = (by: number) => {
  const mesh = opened(face, by - mouthOpening(face))
  return photoHead(mesh, centredIrises(mesh))
}
const head = headOpen(0.14)
const smiling = head.mesh
const faces = faceTriangles(TRIANGLES)
const side = 256
/** Teeth between the inner lips, lips about them. */
const image = (() => {
  const data = new Uint8Array(4 * side * side)
  const height = (v: number) => smiling[3 * v + 1] as number
  const [upper, lower] = [Math.min(...INNER_LIPS.map(height)), Math.max(...INNER_LIPS.map(height))]
  for (let i = 0; i < side * side; i++) {
    const y = Math.floor(i / side) + 0.5
    data.set([...(y > upper && y < lower ? WHITE : RED), 255], 4 * i)
  }
  return { width: side, height: side, data }
})()
const teeth = new OwnTeeth(faces, head, image)

/** Another mouth, all of it of one colour. */
const other = (() => {
  const patch = new Float32Array(4 * MOUTH_PATCH.width * MOUTH_PATCH.height)
  for (const index of mouthTexels(faces).indices) patch.set([...GREEN, 1], 4 * index)
  return patch
})()

/** Colours down the middle of the mouth, and how long in the photo each stands for. */
function middle(by: number, opening: number): { colours: Float32Array[]; height: number } {
  const mesh = opened(smiling, by)
  const patch = teeth.over(other, opening, mesh)
  const column = MOUTH_PATCH.width / 2
  const rows = [...mouthTexels(faces).indices]
    .filter((index) => index % MOUTH_PATCH.width === column)
    .map((index) => patch.subarray(4 * index, 4 * index + 4))
  const gap = (mesh[3 * 14 + 1] as number) - (mesh[3 * 13 + 1] as number)
  return { colours: rows, height: gap / rows.length }
}
const isWhite = ([r, , b]: Float32Array) => (r as number) > 0.7 && (b as number) > 0.7

it('lie over nothing while the lips rest, so that a photo that does not move is as it was', () => {
  expect(teeth.strength(head.mesh)).toBe(0)
  expect(teeth.strength(opened(smiling, 0.001))).toBeLessThan(0.02)
  expect(teeth.strength(opened(smiling, 0.1))).toBe(1)
})

it('stay as long as they are, however far the mouth opens', () => {
  const lengths = [0.05, 0.1, 0.2, 0.4].map((by) => {
    const { colours, height } = middle(by, 0.3)
    return colours.filter(isWhite).length * height
  })
  const shown = (smiling[3 * 14 + 1] as number) - (smiling[3 * 13 + 1] as number)
  for (const length of lengths) {
    expect(length / shown).toBeGreaterThan(0.75)
    expect(length / shown).toBeLessThan(1.05)
  }
  const white = middle(0.2, 0.3).colours.map(isWhite)
  expect(white.lastIndexOf(true) - white.indexOf(true) + 1).toBe(white.filter(Boolean).length)
})

it('leave below them what the other mouth shows, and the dark where that is shut', () => {
  const last = (opening: number) => middle(0.3, opening).colours.at(-1) as Float32Array
  expect([...last(0.2)]).toEqual([...GREEN, 1].map((value) => expect.closeTo(value, 1)))
  expect([...last(0.02)]).toEqual(
    [...RED.map((value) => (0.3 * value) / 255), 1].map((v) => expect.closeTo(v, 2)),
  )
})

it('are covered by lips that shut', () => {
  const { colours } = middle(-0.06, 0)
  expect(colours.filter(isWhite).length).toBeGreaterThan(0.8 * colours.length)
})

it('are those of the upper jaw alone: of a mouth wide open, and of one that is shut, none are held', () => {
  const of = (by: number) => OwnTeeth.areShownBy(headOpen(by))
  expect([0.02, 0.1, 0.2, 0.4].map(of)).toEqual([false, true, true, false])
})

it('are those of the driver where that is the same person, in any light', () => {
  const size = 224
  const mesh = Float32Array.from(frontalFace(112, 112, 9))
  const looking = (looks: (x: number, y: number) => number, light: number) => ({
    registered: {
      width: size,
      height: size,
      data: Uint8Array.from({ length: 4 * size * size }, (_, i) => {
        const pixel = Math.floor(i / 4)
        return i % 4 === 3 ? 255 : light * looks(pixel % size, Math.floor(pixel / size))
      }),
    },
    landmarks468: mesh,
    toTemplate: { a: 1, b: 0, tx: 0, ty: 0 },
  })
  const one = (x: number, y: number) => 120 + 60 * Math.sin(x / 9) * Math.cos(y / 13)
  const another = (x: number, y: number) => 120 + 60 * Math.cos(x / 17) * Math.sin(y / 7)
  expect(isSamePerson(looking(one, 1), looking(one, 0.8))).toBe(true)
  expect(isSamePerson(looking(one, 1), looking(another, 1))).toBe(false)
})
