import { expect, it } from 'vitest'
import type { HeadMotion } from '../../src/animate/head-motion.js'
import { animationRecord, observedFrame } from '../../src/io/animation-record.js'

const gaze = { along: 0.1, across: -0.2 }
const motion: HeadMotion = {
  rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  shift: [0.1, 0.2, 0.3],
  scale: 1.1,
  expression: new Float32Array(468 * 3).fill(0.1),
  eyeOpenings: [0.3, 0.4],
  mouthOpening: 0.2,
  gazes: [gaze, gaze],
  light: new Float32Array(468 * 3).fill(-0.1),
  surround: [0.1, 0.2, 0.3, 0.4],
}
const observed = { status: 'ok' as const, motion, mouth: new Float32Array(48).fill(3) }
const record = () =>
  JSON.parse(JSON.stringify(animationRecord({ frame: 2, name: 'f', time: null }, observed, null)))

it('a frame of an animation is read from its line with all bits', () => {
  expect(observedFrame(record(), 2)).toEqual(observed)
  expect(observedFrame(record(), 3)).toBeNull()
})

it.each(Object.keys(motion))('a line whose motion has no whole %s is none', (key) => {
  for (const value of [undefined, null, 'x', [null], {}]) {
    const line = record()
    expect(observedFrame({ ...line, motion: { ...line.motion, [key]: value } }, 2)).toBeNull()
  }
})
