import { describe, expect, it } from 'vitest'
import { faceTriangles } from '../../src/animate/face-parts.js'
import { motionReference, stillMotion } from '../../src/animate/head-motion.js'
import { headView } from '../../src/animate/head-view.js'
import { photoHead } from '../../src/animate/photo-head.js'
import { seenSurround, surroundReference } from '../../src/animate/seen-surround.js'
import { makeSheet } from '../../src/animate/sheet.js'
import { STILL_SURROUND, type Surround, surroundSimilarity } from '../../src/animate/surround.js'
import { applySimilarity, invertSimilarity } from '../../src/geometry/similarity.js'
import type { Rgba } from '../../src/geometry/types.js'
import { centredIrises, frontalFace, TRIANGLES } from './canonical.js'

const SIDE = 240
const mesh = frontalFace(120, 130, 6)
const irises = centredIrises(mesh)
const reference = motionReference({ mesh, landmarks: mesh, irises })
const { unit, middle } = reference
const still = stillMotion(reference)

/** Hair everywhere: waves in all directions. @param moved what the head does to them */
function picture(moved: Surround, hand = false): Rgba {
  const back = invertSimilarity(surroundSimilarity(moved, [middle[0], middle[1]], unit))
  const data = new Uint8Array(SIDE * SIDE * 4).fill(255)
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = applySimilarity(back, (i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5)
    const level = 120 + 40 * Math.sin(x / 4 + y / 9) + 40 * Math.sin(y / 5 - x / 11)
    const isHand = hand && i % SIDE < 70 && i > SIDE * 90
    data.fill(isHand ? 200 : level, 4 * i, 4 * i + 3)
  }
  return { width: SIDE, height: SIDE, data }
}

const everywhere = async ({ width, height }: Rgba) => new Float32Array(width * height).fill(1)
const follow = (image: Rgba) => surroundReference(reference, image, TRIANGLES, everywhere)

/** Binomial means of five along both axes, by their definition; of a place that is not near the border. */
function soft({ data }: Rgba, x: number, y: number, block: number): number {
  const share = [1, 4, 6, 4, 1]
  let sum = 0
  for (const [j, down] of share.entries()) {
    for (const [i, across] of share.entries()) {
      for (let k = 0; k < block * block; k++) {
        const [column, row] = [x + (i - 2) * block + (k % block), y + (j - 2) * block + Math.floor(k / block)]
        sum += (across * down * (data[4 * (row * SIDE + column)] as number)) / (256 * block * block)
      }
    }
  }
  return sum
}

it.each([1, 2])(
  'a head is seen a little soft, in blocks of %i px, and the same without what lies below',
  (block) => {
    const image = picture(STILL_SURROUND)
    const whole = headView(image, [120, 110], 45 * block)
    const above = headView(image, [120, 110], 45 * block, 120)
    if (whole === null || above === null) throw new Error('no view')
    const { grey, width, height, left, top } = whole
    expect(whole.block).toBe(block)
    for (const i of [width * 7 + 9, width * (height - 6) + width - 4]) {
      const [x, y] = [left + block * (i % width), top + block * Math.floor(i / width)]
      expect(grey[i]).toBeCloseTo(soft(image, x, y, block), 3)
    }
    expect(above.top + block * above.height).toBe(120)
    // But for its last two rows, which nothing is seen below of.
    const same = width * (above.height - 2)
    expect(above.grey.subarray(0, same)).toEqual(grey.subarray(0, same))
  },
)

describe("the driver's hair and ears", () => {
  it.each([
    [0.01, -0.008, 0.012, -0.01],
    [-0.006, 0.01, -0.015, 0.006],
  ] satisfies Surround[])('are found where they go: %f %f %f %f', async (...moved) => {
    const places = await follow(picture(STILL_SURROUND))
    for (const hand of [false, true]) {
      const seen = seenSurround(places, reference, still, picture(moved, hand))
      seen.forEach((value, k) => {
        expect(value).toBeCloseTo(moved[k] as number, hand ? 2.4 : 3)
      })
    }
  })

  it('do not move in a picture of another exposure, nor in one that does not show them', async () => {
    const same = picture(STILL_SURROUND)
    const places = await follow(same)
    const dark = { ...same, data: same.data.map((value) => 0.7 * value + 12) }
    for (const value of seenSurround(places, reference, still, dark))
      expect(Math.abs(value)).toBeLessThan(1e-3)
    const away = { ...still, shift: [9, 0, 0] as const }
    expect(seenSurround(places, reference, { ...away, shift: [9, 0, 0] }, same)).toEqual(STILL_SURROUND)
  })

  it('are followed through a change of exposure, and fade where the picture ends', async () => {
    const places = await follow(picture(STILL_SURROUND))
    const moved: Surround = [0.01, -0.008, 0.012, -0.01]
    const image = picture(moved)
    const bright = { ...image, data: image.data.map((value) => Math.min(255, value + 60)) }
    seenSurround(places, reference, still, bright).forEach((value, k) => {
      expect(value).toBeCloseTo(moved[k] as number, 2.4)
    })
    // The head leaves the picture, and what is found of it in ever fewer places says ever less.
    const sizes = Array.from({ length: 60 }, (_, i) => {
      const width = SIDE - 4 * i
      const cut = Array.from({ length: SIDE }, (_, row) => 4 * SIDE * row).flatMap((from) => [
        ...image.data.subarray(from, from + 4 * width),
      ])
      const [, , right, down] = seenSurround(places, reference, still, {
        width,
        height: SIDE,
        data: Uint8Array.from(cut),
      })
      return Math.hypot(right, down)
    })
    expect(sizes[0]).toBeGreaterThan(0.01)
    expect(sizes.at(-1)).toBe(0)
    for (let i = 1; i < sizes.length; i++)
      expect(Math.abs((sizes[i] as number) - (sizes[i - 1] as number))).toBeLessThan(0.005)
  })

  it('go no further than hair on a head does', async () => {
    const places = await follow(picture(STILL_SURROUND))
    const [scale, roll, right, down] = seenSurround(
      places,
      reference,
      still,
      picture([0.03, 0.03, 0.03, 0.03]),
    )
    expect(Math.hypot(scale, roll) + Math.hypot(right, down)).toBeLessThanOrEqual(0.05 + 1e-9)
  })
})

it("moves the photo's hair, and nothing of its face", () => {
  const head = photoHead(mesh, irises)
  const image = { width: SIDE, height: SIDE, data: new Uint8Array(SIDE * SIDE * 4).fill(99) }
  const sheet = makeSheet(head, faceTriangles(TRIANGLES), new Uint8Array(SIDE * SIDE).fill(1), image)
  const driven = {
    expressive: head.mesh,
    pose: {
      rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
      middle: head.middle,
      shift: [0, 0, 0] as [number, number, number],
      scale: 1,
    },
    gazes: [
      { along: 0, across: 0 },
      { along: 0, across: 0 },
    ] as const,
    light: new Float32Array(468 * 3),
    beyond: null,
  }
  const by = { a: 1, b: 0, tx: 2, ty: -1 }
  const [before, after] = [{ a: 1, b: 0, tx: 0, ty: 0 }, by].map(
    (surround) => sheet.move({ ...driven, surround }).vertices,
  )
  const step = (corner: number) =>
    [0, 1, 2].map((axis) => (after?.[3 * corner + axis] as number) - (before?.[3 * corner + axis] as number))
  for (let v = 0; v < 468; v++) expect(step(v)).toEqual([0, 0, 0])
  const crown = Array.from({ length: sheet.places.length / 4 }, (_, i) => i).find(
    (i) =>
      i >= 468 &&
      Math.abs((sheet.places[4 * i] as number) - 120) < 3 &&
      (sheet.places[4 * i + 1] as number) < 20,
  ) as number
  expect(step(crown)[0]).toBeCloseTo(2, 3)
  expect(step(crown)[1]).toBeCloseTo(-1, 3)
})
