import { describe, expect, it } from 'vitest'
import { EYES } from '../../src/animate/face-parts.js'
import type { HeadMotion } from '../../src/animate/head-motion.js'
import { setLids } from '../../src/animate/openings.js'
import { referenceFrame } from '../../src/animate/reference-frame.js'
import { smoothedMotion } from '../../src/animate/smooth-motions.js'
import type { ObservedFrame } from '../../src/animate/types.js'
import { eulerAngles, rotationFromAngles } from '../../src/geometry/rotation.js'
import { seededRandom } from '../random.js'
import { frontalFace } from './canonical.js'

describe("the driver's reference frame", () => {
  const face = frontalFace()
  const shut = face.slice()
  for (const eye of EYES) setLids(shut, { mesh: face, landmarks: face }, eye, 0.1)
  const talking = face.slice()
  talking[3 * 14 + 1] = (talking[3 * 14 + 1] as number) + 15
  const turned = (yaw: number) => {
    const rotation = rotationFromAngles(yaw, 0, 0)
    return face.map((_, k) => {
      const first = k - (k % 3)
      return [0, 1, 2].reduce(
        (sum, i) => sum + (rotation[3 * (k % 3) + i] as number) * (face[first + i] as number),
        0,
      )
    })
  }

  it('has the eyes open and the mouth shut', () => {
    expect(referenceFrame([talking, null, shut, face, talking], face)).toBe(3)
  })

  it('is turned as the photo is', () => {
    expect(referenceFrame([face, turned(25), turned(-25)], turned(20))).toBe(1)
  })

  it('is refused where no frame shows a face', () => {
    expect(() => referenceFrame([null, null], face)).toThrow(/none of the 2 frames shows a face/)
  })
})

describe('smoothing', () => {
  const still: HeadMotion = {
    rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    shift: [0, 0, 0],
    scale: 1,
    expression: new Float32Array(468 * 3),
    eyeOpenings: [0.3, 0.3],
    mouthOpening: 0,
    gazes: [
      { along: 0, across: 0 },
      { along: 0, across: 0 },
    ],
    light: new Float32Array(468 * 3),
    surround: [0, 0, 0, 0],
  }
  const frame = (motion: Partial<HeadMotion>, status: ObservedFrame['status'] = 'ok'): ObservedFrame => ({
    status,
    motion: { ...still, ...motion },
    mouth: new Float32Array(48),
  })
  const raised = (by: number) => new Float32Array(468 * 3).fill(by)

  it('leaves what does not change as it is, bit for bit', () => {
    const motion = {
      rotation: rotationFromAngles(3, 2, 1),
      expression: raised(0.1),
      shift: [0.1, 0.2, 0.3] as const,
    }
    const frames = Array.from({ length: 5 }, () => frame({ ...motion, shift: [0.1, 0.2, 0.3] }))
    const { expression, shift, eyeOpenings } = smoothedMotion(frames, 2)
    expect(expression).toEqual(motion.expression)
    expect([shift, eyeOpenings]).toEqual([
      [0.1, 0.2, 0.3],
      [0.3, 0.3],
    ])
  })

  it('halves noise at rest', () => {
    const random = seededRandom('noise')
    const noise = Array.from({ length: 60 }, () => 0.006 * (random() - 0.5))
    const frames = noise.map((value) =>
      frame({ expression: raised(value), rotation: rotationFromAngles(50 * value, 0, 0) }),
    )
    const spread = (values: readonly number[]) =>
      Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)
    const smooth = frames.map((_, i) => smoothedMotion(frames, i))
    expect(spread(smooth.map(({ expression }) => expression[30] as number))).toBeLessThan(0.6 * spread(noise))
    const yaws = smooth.map(({ rotation }) => eulerAngles(rotation).yaw)
    expect(spread(yaws)).toBeLessThan(0.6 * 50 * spread(noise))
  })

  it('neither delays nor flattens a blink', () => {
    const openings = [0.3, 0.3, 0.3, 0.04, 0.03, 0.3, 0.3]
    const frames = openings.map((opening) => frame({ eyeOpenings: [opening, opening] }))
    const smooth = frames.map((_, i) => smoothedMotion(frames, i).eyeOpenings[0])
    smooth.forEach((opening, i) => {
      expect(opening).toBeCloseTo(openings[i] as number, 1)
    })
    expect(Math.min(...smooth)).toBeLessThan(0.045)
    expect(smooth.indexOf(Math.min(...smooth))).toBeGreaterThan(2)
  })

  it('a steady turn is not late', () => {
    const frames = Array.from({ length: 9 }, (_, i) => frame({ rotation: rotationFromAngles(0.4 * i, 0, 0) }))
    expect(eulerAngles(smoothedMotion(frames, 4).rotation).yaw).toBeCloseTo(1.6, 6)
  })

  it('does not look beyond a frame without the face', () => {
    const frames = [
      frame({ shift: [0, 0, 0] }),
      frame({ shift: [0, 0, 0] }, 'held'),
      frame({ shift: [0.005, 0, 0] }),
    ]
    expect(smoothedMotion(frames, 2).shift).toEqual([0.005, 0, 0])
    expect(smoothedMotion(frames, 1)).toBe((frames[1] as ObservedFrame).motion)
  })
})
