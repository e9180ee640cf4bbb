import { expect, it } from 'vitest'
import { assertMotion, assertObserved } from '../../src/animate/checked-motion.js'
import { motionReference, stillMotion } from '../../src/animate/head-motion.js'
import { mouthPlaces } from '../../src/animate/inner-mouth.js'
import { referenceFrame } from '../../src/animate/reference-frame.js'
import { smoothedMotion } from '../../src/animate/smooth-motions.js'
import { centredIrises, frontalFace } from './canonical.js'

const mesh = frontalFace()
const motion = stillMotion(motionReference({ mesh, landmarks: mesh, irises: centredIrises(mesh) }))
const observed = { status: 'ok', motion, mouth: mouthPlaces(mesh) } as const
const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })

/** With one number that is none. */
function broken<T>(value: T): T {
  if (typeof value === 'number') return Number.NaN as T
  if (value instanceof Float32Array) return value.map((one, i) => (i === 7 ? Number.NaN : one)) as T
  if (Array.isArray(value)) return value.map((one, i) => (i === 0 ? broken(one) : one)) as T
  return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, broken(one)])) as T
}

it('takes what is observed, and smoothed', () => {
  assertObserved(observed, 'draw')
  assertMotion(smoothedMotion([observed, observed], 1), 'draw')
})

it.each(Object.keys(motion) as (keyof typeof motion)[])(
  'refuses a motion whose %s is broken or not there',
  (key) => {
    for (const value of [broken(motion[key]), undefined, null]) {
      expect(() => assertMotion({ ...motion, [key]: value }, 'draw')).toThrow(refused)
    }
  },
)

it('refuses what is no frame, or has no mouth', () => {
  for (const value of [
    null,
    undefined,
    {},
    { ...observed, mouth: broken(observed.mouth) },
    { ...observed, mouth: observed.mouth.slice(1) },
    { ...observed, status: 'lost' },
  ]) {
    expect(() => assertObserved(value as never, 'draw')).toThrow(refused)
  }
})

it('smooths no motion that is none, nor by one', () => {
  const bad = { ...observed, motion: broken(motion) }
  for (const frames of [[bad], [observed, bad], [bad, observed], [{}, {}]]) {
    for (const index of frames.keys()) expect(() => smoothedMotion(frames as never, index)).toThrow(refused)
  }
})

it('smooths no frame that is not there', () => {
  for (const index of [-1, 1, Number.NaN]) expect(() => smoothedMotion([observed], index)).toThrow(refused)
  expect(() => smoothedMotion(undefined as never, 0)).toThrow(refused)
})

it('chooses no reference by landmarks that are none, and says of which frame they are', () => {
  expect(referenceFrame([null, mesh], mesh)).toBe(1)
  for (const bad of [
    mesh.slice(3),
    mesh.map((value, i) => (i === 9 ? Number.NaN : value)),
    new Float32Array(0),
  ]) {
    expect(() => referenceFrame([mesh, bad], mesh)).toThrow(
      /the landmarks of frame 1 are not 1404 finite numbers/,
    )
    expect(() => referenceFrame([mesh], bad)).toThrow(/the landmarks of the photo/)
  }
})
