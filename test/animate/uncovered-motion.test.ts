import { expect, it } from 'vitest'
import type { DriverCovers } from '../../src/animate/driver-covers.js'
import { type HeadMotion, motionReference, stillMotion } from '../../src/animate/head-motion.js'
import { heldShares, uncoveredMotion } from '../../src/animate/uncovered-motion.js'
import { nextCovers } from '../../src/animate/watched-covers.js'
import { centredIrises, frontalFace } from './canonical.js'

const mesh = frontalFace()
const reference = motionReference({ mesh, landmarks: mesh, irises: centredIrises(mesh, 1) })
const shares = heldShares(reference)
const [LOWER_LIP, BROW] = [14, 105]

/** All of the face lifted by so much: what is read off a hand is as large as that. */
function seen(lifted: number): HeadMotion {
  const still = stillMotion(reference)
  return {
    ...still,
    rotation: [0, -1, 0, 1, 0, 0, 0, 0, 1],
    expression: still.expression.map(() => lifted),
    light: still.light.map(() => lifted),
    mouthOpening: lifted,
    eyeOpenings: [lifted, lifted],
  }
}

/** Talking, a hand for 30 frames, talking. */
const figures = [
  ...Array.from({ length: 4 }, () => -0.8),
  0.2,
  ...Array.from({ length: 30 }, () => 1),
  ...Array.from({ length: 9 }, () => -0.8),
]
const lifts = figures.map((figure) => (figure > 0 ? 5 : 0.2))

interface Shown {
  readonly motion: HeadMotion
  readonly covers: DriverCovers | null
}

function shownFrom(first: number, before: Shown): Shown[] {
  let last = before
  return figures.slice(first).map((figure, i) => {
    const covers = nextCovers(last.covers, { eyes: -0.5, mouth: figure })
    last = {
      covers,
      motion: uncoveredMotion(reference, shares, seen(lifts[first + i] as number), last.motion, covers),
    }
    return last
  })
}
const all = shownFrom(0, { motion: stillMotion(reference), covers: null })
const of = (v: number) => all.map(({ motion }) => motion.expression[3 * v] as number)

it('a covered mouth is held, comes to rest and goes on from there without a jump; what is read off the hand is nowhere', () => {
  const lip = of(LOWER_LIP)
  expect(lip.slice(0, 13)).toEqual(Array.from({ length: 13 }, () => Math.fround(0.2)))
  expect(lip[30]).toBe(0)
  expect(lip.at(-1)).toBe(Math.fround(0.2))
  const steps = lip.map((value, i) => Math.abs(value - (lip[i - 1] ?? value)))
  expect(Math.max(...steps)).toBeLessThan(0.08)
  expect(all.map(({ motion }) => motion.mouthOpening).every((opening) => opening < 0.2 + 1e-9)).toBe(true)
  // Of light it is not known since when it is the hand's.
  expect(Math.max(...all.slice(5).map(({ motion }) => motion.light[0] as number))).toBeLessThanOrEqual(
    Math.fround(0.2),
  )
  expect(all[10]?.motion.light[0]).toBe(0)
})

it('brows, eyes and head go on', () => {
  expect(of(BROW)).toEqual(lifts.map(Math.fround))
  expect(all.map(({ motion }) => motion.eyeOpenings[0])).toEqual(lifts)
  expect(all[20]?.motion.rotation).toEqual(seen(0).rotation)
})

it('what is free is what was seen, and what goes on from any frame is the same to the bit', () => {
  expect(all[2]?.motion).toEqual(seen(0.2))
  expect(all.at(-1)?.motion).toEqual(seen(0.2))
  for (const frame of [4, 8, 16, 34, 37]) {
    const before = structuredClone(all[frame] as Shown)
    expect(shownFrom(frame + 1, before)).toEqual(all.slice(frame + 1))
  }
})
