import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillHole, grown } from '../../src/animate/backdrop.js'
import type { DrivenHead, HeadPose } from '../../src/animate/carry-over.js'
import { faceTriangles, INNER_LIPS, OUTER_LIPS } from '../../src/animate/face-parts.js'
import { guidedFilter } from '../../src/animate/guided-filter.js'
import { gentleRelief, headFrame, headShare } from '../../src/animate/head-depth.js'
import { InnerMouth, mouthPlaces } from '../../src/animate/inner-mouth.js'
import { MOUTH_PATCH } from '../../src/animate/mouth-patch.js'
import { shownMouths } from '../../src/animate/mouth-sources.js'
import { mouthOpening } from '../../src/animate/openings.js'
import { photoHead } from '../../src/animate/photo-head.js'
import type { Vector } from '../../src/animate/points.js'
import { makeSheet, type Sheet } from '../../src/animate/sheet.js'
import { layersOf, SheetRenderer } from '../../src/animate/sheet-renderer.js'
import { intoPhoto, MOST_PIXELS, workingPhoto } from '../../src/animate/working-photo.js'
import { rotationFromAngles } from '../../src/geometry/rotation.js'
import type { Rgba } from '../../src/geometry/types.js'
import { Engine } from '../../src/runtime/engine.js'
import { seededRandom } from '../random.js'
import { centredIrises, frontalFace, TRIANGLES } from './canonical.js'

const SIDE = 200
const mesh = frontalFace(100, 105, 6)
const head = photoHead(mesh, centredIrises(mesh))
const faces = faceTriangles(TRIANGLES)

/** A disc of a person on a background, both with texture. */
function picture(colour: (x: number, y: number) => readonly [number, number, number]): Rgba {
  const data = new Uint8Array(SIDE * SIDE * 4).fill(255)
  for (let i = 0; i < SIDE * SIDE; i++) data.set(colour((i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5), 4 * i)
  return { width: SIDE, height: SIDE, data }
}

const radius = (x: number, y: number) => Math.hypot(x - 100, y - 100)
const alpha = Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
  return Math.max(0, Math.min(1, (82 - radius((i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5)) / 4))
})
const person = grown(
  Uint8Array.from(alpha, (value) => (value > 0 ? 1 : 0)),
  SIDE,
  SIDE,
  3,
)

const pose = (yaw: number): HeadPose => ({
  rotation: rotationFromAngles(yaw, 0, 0),
  middle: head.middle,
  shift: [0, 0, 0],
  scale: 1,
})
const driven = (yaw: number, expressive = head.mesh): DrivenHead => ({
  expressive,
  pose: pose(yaw),
  gazes: [
    { along: 0, across: 0 },
    { along: 0, across: 0 },
  ],
  light: new Float32Array(468 * 3),
  surround: { a: 1, b: 0, tx: 0, ty: 0 },
  beyond: null,
})
const NO_PATCH = new Float32Array(MOUTH_PATCH.width * MOUTH_PATCH.height * 4)

describe('a sheet', () => {
  let engine: Engine
  let sheet: Sheet
  beforeAll(async () => {
    engine = await Engine.open()
    sheet = makeSheet(
      head,
      faces,
      person,
      picture(() => [90, 80, 70]),
    )
  })
  afterAll(() => engine.dispose())

  async function drawn(image: Rgba, ...heads: DrivenHead[]): Promise<Rgba[]> {
    const renderer = await SheetRenderer.create(engine, image, layersOf(image, { alpha, person }), sheet)
    const out: Rgba[] = []
    for (const one of heads) out.push(await renderer.drawing(sheet.move(one), NO_PATCH).read())
    renderer.dispose()
    return out
  }

  it('that is not moved is the photo, at the rim of the person too', async () => {
    const random = seededRandom('photo')
    const image = picture(() => [255 * random(), 255 * random(), 255 * random()])
    const [still] = (await drawn(image, driven(0))) as [Rgba]
    let sum = 0
    still.data.forEach((value, i) => {
      sum += (value - (image.data[i] as number)) ** 2
    })
    expect(10 * Math.log10(255 ** 2 / (sum / still.data.length))).toBeGreaterThan(40)
  })

  it.each([25, -25])(
    'turned by %i degrees shows the nose before the cheek, and no hole in the face',
    async (yaw) => {
      const [nx, ny] = [mesh[3], mesh[4]] as [number, number]
      // The tip of the nose is red, the face grey, the background green.
      const image = picture((x, y) => {
        if (Math.hypot(x - nx, y - ny) < 7) return [255, 0, 0]
        return radius(x, y) < 82 ? [128, 128, 128] : [0, 255, 0]
      })
      const [turned] = await drawn(image, driven(yaw))
      const { vertices } = sheet.move(driven(yaw))
      const at = (v: number) => {
        const [x, y] = [vertices[3 * v] as number, vertices[3 * v + 1] as number]
        const i = 4 * (Math.floor(y) * SIDE + Math.floor(x))
        return [...(turned as Rgba).data.subarray(i, i + 3)] as [number, number, number]
      }
      const [red, green] = at(1)
      expect(red).toBeGreaterThan(200)
      expect(green).toBeLessThan(60)
      // Positive yaw takes the nose to the left edge.
      expect(Math.sign((vertices[3] as number) - nx)).toBe(-Math.sign(yaw))
      for (const v of [50, 280, 10, 152, 151]) expect(Math.abs(at(v)[1] - at(v)[0])).toBeLessThan(30)
    },
  )

  it('shows nothing of the background between the lips of a turned head', async () => {
    const image = picture((x, y) => (radius(x, y) < 82 ? [128, 128, 128] : [0, 255, 0]))
    // What lies behind the lips is turned aside by its depth: between its rim and theirs the sheet would be torn.
    const open = mesh.slice()
    INNER_LIPS.forEach((v, i) => {
      if (i > 10) open[3 * v + 1] = (open[3 * v + 1] as number) + 4
    })
    const [turned] = (await drawn(image, driven(25, open))) as [Rgba]
    const { vertices: moved } = sheet.move(driven(25, open))
    const [x, y] = [moved[3 * 13] as number, moved[3 * 13 + 1] as number]
    for (let row = Math.floor(y) - 8; row < y + 8; row++) {
      for (let column = Math.floor(x) - 20; column < x + 20; column++) {
        const i = 4 * (row * SIDE + column)
        expect([turned.data[i], turned.data[i + 1]]).toEqual([128, 128])
      }
    }
  })

  it('has an inside of the mouth that goes on behind the lips to their outer line', () => {
    const inMouth = (corner: number) => (sheet.places[4 * corner + 2] as number) >= 0
    const uses = new Map<string, number>()
    for (let i = 0; i < sheet.triangles.length; i += 3) {
      const corners = [...sheet.triangles.subarray(i, i + 3)]
      if (!corners.every(inMouth)) continue
      corners.forEach((corner, k) => {
        const edge = [corner, corners[(k + 1) % 3] as number].sort((a, b) => a - b).join()
        uses.set(edge, (uses.get(edge) ?? 0) + 1)
      })
    }
    const { vertices: moved } = sheet.move(driven(0))
    const ends = [...uses].filter(([, count]) => count === 1).flatMap(([edge]) => edge.split(',').map(Number))
    const places = new Set(
      ends.map((corner) => `${moved[3 * corner]?.toFixed(3)},${moved[3 * corner + 1]?.toFixed(3)}`),
    )
    const outer = OUTER_LIPS.map((v) => `${mesh[3 * v]?.toFixed(3)},${mesh[3 * v + 1]?.toFixed(3)}`)
    expect([...places].sort()).toEqual(outer.sort())
  })

  it('keeps the body where it is', () => {
    const { vertices: moved } = sheet.move(driven(25))
    const { places } = sheet
    for (let corner = 468; corner < places.length / 4; corner++) {
      // Below 1.1 heights of the face from its middle there is no head.
      if ((places[4 * corner + 1] as number) < 105 + 1.15 * 6 * 17.7) continue
      expect(moved[3 * corner]).toBeCloseTo(places[4 * corner] as number, 4)
    }
  })

  it('keeps shoulders beside the chin and what lies on the lower border where they are, and hair with the head', () => {
    const frame = headFrame(mesh)
    const [x, y] = frame.centre
    const chin = y + 0.5 * frame.height
    for (const side of [-1, 1]) {
      expect(headShare(frame, x + side * 1.1 * frame.width, chin, 2 * SIDE)).toBe(0)
      expect(headShare(frame, x + side * 1.1 * frame.width, y - 0.2 * frame.height, 2 * SIDE)).toBe(1)
      expect(headShare(frame, x + side * 0.5 * frame.width, chin - 1, 2 * SIDE)).toBe(1)
    }
    const bottom = y + 0.8 * frame.height
    expect(headShare(frame, x, bottom, bottom)).toBe(0)
    expect(headShare(frame, x, chin, bottom)).toBe(1)
    // A picture that ends at the chin has no neck to bend.
    expect(headShare(frame, x, chin, chin + 1)).toBeGreaterThan(0.9)
  })

  it('that ends in the head is not lifted off the lower border', () => {
    const height = 158
    const image = { ...picture(() => [90, 80, 70]), height }
    const short = makeSheet(head, faces, person.subarray(0, SIDE * height), image)
    const { vertices } = short.move({ ...driven(10), pose: { ...pose(10), shift: [2, -6, 0] } })
    const below = Array.from({ length: short.places.length / 4 }, (_, i) => i).filter(
      (i) => i >= 468 && (short.places[4 * i + 1] as number) >= height,
    )
    expect(Math.max(...below.map((i) => short.shares[i] as number))).toBeGreaterThan(0.9)
    for (const i of below) expect(vertices[3 * i + 1]).toBeGreaterThanOrEqual(height)
  })

  it('is deep as the face is, but nowhere so steep that a turn would draw the cheeks out to stripes', () => {
    const gentle = gentleRelief(mesh)
    let [changed, steepest] = [0, 0]
    for (let k = 0; k < mesh.length; k += 3) {
      expect(gentle[k + 2]).toBeLessThanOrEqual(mesh[k + 2] as number)
      if (gentle[k + 2] !== mesh[k + 2]) changed++
      for (let j = 0; j < mesh.length; j += 3) {
        const away = Math.hypot(
          (mesh[k] as number) - (mesh[j] as number),
          (mesh[k + 1] as number) - (mesh[j + 1] as number),
        )
        if (away > 0)
          steepest = Math.max(steepest, ((gentle[k + 2] as number) - (gentle[j + 2] as number)) / away)
      }
    }
    expect(changed).toBeGreaterThan(10)
    expect(changed).toBeLessThan(200)
    expect(steepest).toBeLessThan(3.2 + 1e-9)
    // The tip of the nose is nearest, and stays.
    expect(gentle[5]).toBe(mesh[5])
  })

  it.each([25, -25])(
    'turned by %i degrees draws nothing at the rim of the face out to more than 3.2 times its width',
    (yaw) => {
      const turned = sheet.move(driven(yaw)).vertices
      let widest = 0
      for (let i = 0; i < sheet.triangles.length; i += 3) {
        const corners = [...sheet.triangles.subarray(i, i + 3)]
        // The grid's triangles: all of one size in the photo.
        if (!corners.every((corner) => corner >= 468 && (sheet.places[4 * corner + 2] as number) < 0))
          continue
        const width = (values: Float32Array, stride: number) => {
          const xs = corners.map((corner) => values[stride * corner] as number)
          return Math.max(...xs) - Math.min(...xs)
        }
        // Eyeballs move behind the lids.
        if (width(sheet.places, 4) < 2.9) continue
        widest = Math.max(widest, width(turned, 3) / width(sheet.places, 4))
      }
      expect(widest).toBeLessThan(3.2)
    },
  )

  it('hides the side of a turned head that goes back as far as that lies behind, and shows the other', () => {
    const exact = (yaw: number, v: number) => {
      const [x, , z] = [0, 1, 2].map(
        (k) => (head.mesh[3 * v + k] as number) - (head.middle[k] as number),
      ) as Vector
      const angle = (yaw * Math.PI) / 180
      return head.middle[0] + Math.cos(angle) * x + Math.sin(angle) * z
    }
    for (const [yaw, back, forward] of [
      [25, 234, 454],
      [-25, 454, 234],
    ] as const) {
      const { vertices: turned } = sheet.move(driven(yaw))
      expect(turned[3 * back]).toBeCloseTo(exact(yaw, back), 3)
      // The cheek that comes forward is drawn out, and nearly as wide as it is.
      const shown = (x: number) => Math.abs(x - exact(yaw, 1))
      expect(shown(turned[3 * forward] as number)).toBeGreaterThan(0.85 * shown(exact(yaw, forward)))
      expect(shown(turned[3 * forward] as number)).toBeGreaterThan(1.6 * shown(turned[3 * back] as number))
    }
  })

  it('has no triangle without corners', () => {
    expect(Math.max(...sheet.triangles)).toBeLessThan(sheet.places.length / 4)
    expect(sheet.triangles.length % 3).toBe(0)
  })
})

describe('the backdrop', () => {
  it('is the picture outside of the hole, and a colour of its rim inside', () => {
    const image = new Float32Array(20 * 16 * 3).fill(0.25)
    const hole = new Uint8Array(20 * 16)
    for (let y = 4; y < 12; y++) for (let x = 5; x < 15; x++) hole[y * 20 + x] = 1
    hole.forEach((inside, i) => {
      if (inside) image.set([9, 9, 9], 3 * i)
    })
    const filled = fillHole(image, hole, 20, 16)
    for (const value of filled) expect(value).toBeCloseTo(0.25, 6)
  })

  it('grows a hole by whole squares', () => {
    const hole = new Uint8Array(9 * 7)
    hole[3 * 9 + 4] = 1
    const rows = Array.from({ length: 7 }, (_, y) =>
      grown(hole, 9, 7, 2)
        .slice(9 * y, 9 * y + 9)
        .join(''),
    )
    expect(rows).toEqual(['000000000', ...Array(5).fill('001111100'), '000000000'])
  })
})

it('the guided filter keeps what is flat, and moves an edge to that of the picture', () => {
  const image = picture((x) => (x < 104 ? [20, 20, 20] : [220, 220, 220]))
  const step = Float32Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE < 102 ? 0 : 1))
  const row = guidedFilter(step, image).subarray(100 * SIDE, 101 * SIDE)
  expect([row[20], row[180]]).toEqual([expect.closeTo(0, 5), expect.closeTo(1, 5)])
  const steps = Array.from({ length: SIDE - 1 }, (_, x) => (row[x + 1] as number) - (row[x] as number))
  expect(steps.indexOf(Math.max(...steps))).toBe(103)
})

describe('the inside of the mouth', () => {
  const open = mesh.slice()
  for (const v of [14, 87, 317, 178, 402, 88, 318, 95, 324])
    open[3 * v + 1] = (open[3 * v + 1] as number) + 14
  const skin = picture((_, y) => (Math.abs(y - 135) < 5 ? [40, 20, 30] : [180, 140, 120]))
  const source = { image: skin, places: mouthPlaces(open), isPhotosPerson: false }

  it("keeps the colours of a driver in the photo's light, and is clear at its rim", () => {
    const patch = new InnerMouth(faces, source).cut(source, 1)
    const middle = 4 * ((MOUTH_PATCH.height / 2) * MOUTH_PATCH.width + MOUTH_PATCH.width / 2)
    expect([...patch.subarray(middle, middle + 4)]).toEqual(
      [40 / 255, 20 / 255, 30 / 255, 1].map((v) => expect.closeTo(v, 1)),
    )
    expect([...patch.subarray(0, 4)]).toEqual([0, 0, 0, 0])
    expect(Math.max(...new InnerMouth(faces, source).cut(source, 0))).toBe(0)
  })

  it("takes half of what two people's skins differ by for light, and all of it between pictures of the photo's person", () => {
    const dark = picture(() => [90, 70, 60])
    const mouths = new InnerMouth(faces, { image: dark, places: mouthPlaces(open) })
    const middle = 4 * ((MOUTH_PATCH.height / 2) * MOUTH_PATCH.width + MOUTH_PATCH.width / 2)
    const [other, own] = [false, true].map((isPhotosPerson) => {
      return mouths.cut({ ...source, isPhotosPerson }, 1).subarray(middle, middle + 3)
    }) as [Float32Array, Float32Array]
    const inside = [40, 20, 30].map((value) => value / 255)
    expect([...own]).toEqual(inside.map((value) => expect.closeTo(value / 2, 2)))
    expect([...other]).toEqual(inside.map((value) => expect.closeTo(value * Math.SQRT1_2, 2)))
  })

  it('of another photo serves where it is open enough, else that of the driver', () => {
    const of = (opening: number) => ({ ...source, opening })
    const wanted = mouthOpening(open)
    const first = (one: typeof head, moved: Float64Array, ...openings: number[]) => {
      const [[from, strength]] = shownMouths(one, moved, one.mouthOpening, openings.map(of), source) as [
        [unknown, number],
      ]
      return [from, strength] as const
    }
    const choose = (...openings: number[]) => first(head, open, ...openings)
    expect(choose(0.1 * wanted, 0.9 * wanted, 3 * wanted)[0]).toMatchObject({ opening: 0.9 * wanted })
    expect(choose(0.1 * wanted)[0]).toBe(source)
    expect(choose()[1]).toBe(1)
    expect(first(head, mesh)[1]).toBe(0)
    // Teeth of the photo stay, until they would be stretched too far.
    const smiling = photoHead(open, centredIrises(open))
    const wider = open.map((value, k) => value + (k === 3 * 14 + 1 ? 10 : 0))
    const wide = open.map((value, k) => value + (k === 3 * 14 + 1 ? 60 : 0))
    expect([wider, wide].map((one) => first(smiling, one)[1])).toEqual([0, 1])
  })

  it('is laid out by all inner lips', () => {
    expect(mouthPlaces(mesh)).toHaveLength(2 * (INNER_LIPS.length + 4))
  })
})

describe('a large photo', () => {
  it('is drawn in a window around its head, and the rest of it stays', async () => {
    const width = 2000
    const photo: Rgba = { width, height: 1500, data: new Uint8Array(width * 1500 * 4).fill(90) }
    const face = frontalFace(1200, 700, 12)
    const working = await workingPhoto(photo, face)
    expect(working.scale).toBe(1)
    expect(working.image.width * working.image.height).toBeLessThan(MOST_PIXELS)
    const drawn = { ...working.image, data: working.image.data.map(() => 200) }
    const { data } = await intoPhoto(photo, working, drawn)
    const at = (x: number, y: number) => data[4 * (y * width + x)]
    expect([at(1200, 700), at(30, 1400)]).toEqual([200, 90])
  })

  it('with a head of many pixels is drawn smaller', async () => {
    const photo: Rgba = { width: 3000, height: 3000, data: new Uint8Array(3000 * 3000 * 4).fill(90) }
    const { image, scale } = await workingPhoto(photo, frontalFace(1500, 1500, 80))
    expect(scale).toBeLessThan(1)
    expect(image.width * image.height).toBeLessThanOrEqual(MOST_PIXELS)
  })
})
