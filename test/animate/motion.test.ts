import { describe, expect, it } from 'vitest'
import { bridge, carryOver, LARGEST_TURN } from '../../src/animate/carry-over.js'
import { EYES, LIPS } from '../../src/animate/face-parts.js'
import { gazeOf, IRIS_BEHIND } from '../../src/animate/gaze.js'
import { deepened } from '../../src/animate/head-depth.js'
import { headMotion, motionReference, type SeenFace, stillMotion } from '../../src/animate/head-motion.js'
import {
  eyeDistance,
  eyeOpening,
  lidPosition,
  mouthOpening,
  moveLids,
  partLips,
  setLids,
} from '../../src/animate/openings.js'
import { photoHead, sideTurn } from '../../src/animate/photo-head.js'
import { between, meanOf } from '../../src/animate/points.js'
import { eulerAngles, rotationFromAngles } from '../../src/geometry/rotation.js'
import { fromRotationVector, toRotationVector } from '../../src/geometry/rotation-vector.js'
import { applySimilarity3 } from '../../src/geometry/similarity3.js'
import type { Similarity3 } from '../../src/geometry/types.js'
import { centredIrises, frontalFace } from './canonical.js'

const ALL = { mouth: 1, eyes: 1, brows: 1, pose: 1, light: 1 }
const seen = (mesh: ArrayLike<number>): SeenFace => ({ mesh, landmarks: mesh, irises: centredIrises(mesh) })

function moved(mesh: Float64Array, motion: Similarity3): Float64Array {
  const out = mesh.slice()
  for (let k = 0; k < mesh.length; k += 3) {
    out.set(applySimilarity3(motion, mesh[k] as number, mesh[k + 1] as number, mesh[k + 2] as number), k)
  }
  return out
}

/** Lower lip and chin lowered, px. */
function openedBy(mesh: Float64Array, px: number): Float64Array {
  const out = mesh.slice()
  const line = ((mesh[3 * 13 + 1] as number) + (mesh[3 * 14 + 1] as number)) / 2
  for (const v of LIPS)
    if ((mesh[3 * v + 1] as number) > line) out[3 * v + 1] = (out[3 * v + 1] as number) + px
  return out
}

/** Between a vertex of one mesh and one of another. */
const distance = (mesh: ArrayLike<number>, v: number, w: number, other = mesh) =>
  Math.hypot(...[0, 1, 2].map((axis) => (mesh[3 * v + axis] as number) - (other[3 * w + axis] as number)))

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))))

describe('motion of a head', () => {
  const face = frontalFace()
  const reference = motionReference(seen(face))

  it('is that of a rigid head, with no expression left', () => {
    const rotation = rotationFromAngles(14, -8, 5)
    const motion = headMotion(
      reference,
      seen(moved(face, { rotation, scale: 1.1, translation: [20, -7, 3] })),
    )
    const { yaw, pitch, roll } = eulerAngles(motion.rotation)
    expect([yaw, pitch, roll, motion.scale]).toEqual([14, -8, 5, 1.1].map((v) => expect.closeTo(v, 9)))
    expect(Math.max(...motion.expression.map(Math.abs))).toBeLessThan(1e-6)
  })

  it('has gazes that corners of the eyes, which move and tremble, do not change', () => {
    const trembling = face.slice()
    for (const v of EYES[0].corners) trembling[3 * v] = (trembling[3 * v] as number) + 0.5
    const irises = centredIrises(face)
    const motion = headMotion(reference, { ...seen(face), landmarks: trembling, irises })
    for (const [i, { along, across }] of motion.gazes.entries()) {
      const own = reference.gazes[i as 0 | 1]
      expect([along, across]).toEqual([own.along, own.across].map((v) => expect.closeTo(v, 2)))
    }
  })

  it.each([0, 15, -25])('has the gazes that a head turned by %i degrees shows', (yaw) => {
    const { gazes } = headMotion(reference, lookingAside(yaw))
    for (const [i, { along, across }] of gazes.entries()) {
      const own = reference.gazes[i as 0 | 1]
      expect([along - own.along, across - own.across]).toEqual([0.1, 0].map((v) => expect.closeTo(v, 6)))
    }
  })

  it('has hardly a gaze where a head is seen from its edge, which tells none', () => {
    for (const { along, across } of headMotion(reference, lookingAside(90)).gazes) {
      expect(Math.hypot(along, across)).toBeLessThan(0.1)
    }
  })

  /** A head turned to the side, irises moved by a tenth of an eye in the depth in which eyeballs are drawn. */
  function lookingAside(yaw: number): SeenFace {
    const motion: Similarity3 = {
      rotation: rotationFromAngles(yaw, 8, 4),
      scale: 1.2,
      translation: [9, -4, 0],
    }
    const own = centredIrises(face)
    const irises = EYES.flatMap(({ rim, corners, iris }) => {
      const [wx, wy] = between(face, ...corners)
      const [width, right] = [Math.hypot(wx, wy), Math.sign(wx)]
      const middle = reference.middle[2]
      const depth =
        middle + (deepened([0, 0, meanOf(face, rim)[2] - middle])[2] as number) + IRIS_BEHIND * width
      return [0, 1, 2, 3, 4].flatMap((i) => {
        const [x, y] = [own[2 * (iris + i)] as number, own[2 * (iris + i) + 1] as number]
        return applySimilarity3(motion, x + 0.1 * right * wx, y + 0.1 * right * wy, depth).slice(0, 2)
      })
    })
    return { ...seen(moved(face, motion)), irises: Float64Array.from(irises) }
  }

  it('is split from an expression of the mouth, whatever the head does', () => {
    const wanted = openedBy(face, 12)
    const turned = moved(wanted, {
      rotation: rotationFromAngles(10, 5, 0),
      scale: 0.9,
      translation: [4, 5, 6],
    })
    const motion = headMotion(reference, seen(turned))
    const unit = eyeDistance(face)
    const truth = wanted.map((value, k) => (value - (face[k] as number)) / unit)
    expect(largest(motion.expression, truth)).toBeLessThan(0.012)
  })

  it('takes lips and lids from the landmarks, where the flow does not see them move', () => {
    const motion = headMotion(reference, { ...seen(face), landmarks: openedBy(face, 10) })
    expect(motion.expression[3 * 14 + 1]).toBeCloseTo(10 / eyeDistance(face), 2)
  })
})

describe('openings', () => {
  const face = frontalFace()

  it.each([0, 1] as const)('of the lids of eye %i follow their order, and at 0 all pairs meet', (index) => {
    const eye = EYES[index]
    const own = eyeOpening(face, eye)
    const openings = [0, 0.25, 0.5, 1, 1.3].map((position) => {
      const mesh = face.slice()
      setLids(mesh, { mesh: face, landmarks: face }, eye, position)
      return eyeOpening(mesh, eye) / own
    })
    openings.forEach((opening, i) => {
      expect(opening).toBeCloseTo([0, 0.25, 0.5, 1, 1.3][i] as number, 9)
    })
  })

  it('of lids keep the shape of the expression along the eye, and lose it as they shut', () => {
    const eye = EYES[0]
    const raised = face.slice()
    // The outer three pairs opened wider, the inner three less.
    eye.pairs.forEach(([upper], i) => {
      raised[3 * upper + 1] = (raised[3 * upper + 1] as number) - 0.2 * Math.sign(3 - i)
    })
    const gaps = (mesh: ArrayLike<number>) => eye.pairs.map(([upper, lower]) => distance(mesh, upper, lower))
    const at = (position: number) => {
      const mesh = raised.slice()
      setLids(mesh, { mesh: face, landmarks: face }, eye, position)
      expect(eyeOpening(mesh, eye) / eyeOpening(face, eye)).toBeCloseTo(position, 3)
      return gaps(mesh)
    }
    const shape = gaps(raised).map((gap, i) => gap - (gaps(face)[i] as number))
    const own = (position: number) => gaps(face).map((gap) => position * gap)
    expect(largest(at(1), gaps(raised))).toBeLessThan(0.02)
    expect(at(0.6).map((gap, i) => gap - (own(0.6)[i] as number))).toEqual(
      shape.map((value) => expect.closeTo(value / 2, 1)),
    )
    expect(largest(at(0.4), own(0.4))).toBeLessThan(1e-9)
  })

  it.each([0.01, 0.001, 0, -0.01])(
    'leaves lids be where landmarks of an eye that is open by %f in the reference tremble',
    (open) => {
      for (const noise of [-0.005, 0, 0.005]) {
        expect(Math.abs(lidPosition(open + noise, open) - 1)).toBeLessThanOrEqual(0.1001)
      }
      expect(lidPosition(open - 0.06, open)).toBe(0)
      expect(lidPosition(0.3, open)).toBe(1.3)
    },
  )

  it('read a shut eye as shut, an open one as itself, a wider one as wider but not torn', () => {
    const positions = [0.02, 0.06, 0.15, 0.3, 0.33, 0.9].map((now) => lidPosition(now, 0.3))
    expect(positions.slice(0, 2)).toEqual([0, 0])
    expect(positions[2]).toBeCloseTo(0.375, 9)
    expect(positions.slice(3)).toEqual([1, expect.closeTo(1.1, 9), 1.3])
  })

  it('never let lips pass through each other', () => {
    const mesh = openedBy(face, -8)
    expect(mouthOpening(mesh)).toBeLessThan(0)
    partLips(mesh)
    expect(mouthOpening(mesh)).toBeGreaterThan(-1e-9)
  })
})

describe('carried over to a photo', () => {
  const driver = frontalFace(200, 180, 5)
  const photoMesh = moved(frontalFace(90, 100, 8), {
    rotation: rotationFromAngles(0, 0, 10),
    scale: 1,
    translation: [10, 0, 0],
  })
  const photo = photoHead(photoMesh, centredIrises(photoMesh))
  const reference = motionReference(seen(driver))
  const over = bridge(photo, reference, true)

  it('the reference itself leaves the photo as it is', () => {
    for (const kind of ['relative', 'absolute'] as const) {
      const { expressive, beyond } = carryOver(over, stillMotion(reference), ALL, kind)
      expect(largest(expressive, photo.mesh)).toBeLessThan(kind === 'relative' ? 1e-9 : 0.5)
      expect(beyond).toBeNull()
    }
  })

  it("an opened mouth opens along the photo's head, as wide as its size says and a ninth more, which landmarks do not see", () => {
    const motion = headMotion(reference, seen(openedBy(driver, 10)))
    const { expressive } = carryOver(over, motion, ALL, 'relative')
    const gain = mouthOpening(expressive) - mouthOpening(photoMesh)
    const asked = mouthOpening(openedBy(driver, 10)) - mouthOpening(driver)
    expect(gain / asked).toBeGreaterThan(1.06)
    expect(gain / asked).toBeLessThan(1.16)
  })

  it('with further photos a mouth opens as its landmarks say, as theirs do', () => {
    const motion = headMotion(reference, seen(openedBy(driver, 10)))
    const gaps = [over, bridge(photo, reference, false)].map((one) => {
      return (
        distance(carryOver(one, motion, ALL, 'relative').expressive, 13, 14) - distance(photo.mesh, 13, 14)
      )
    }) as [number, number]
    expect(gaps[0] / gaps[1]).toBeCloseTo(1 / 0.9, 2)
  })

  it('parts that are left out stay', () => {
    const motion = headMotion(reference, seen(openedBy(driver, 10)))
    const { expressive, pose } = carryOver(
      over,
      motion,
      { mouth: 0, eyes: 0, brows: 0, pose: 0, light: 0 },
      'relative',
    )
    expect(largest(expressive, photo.mesh)).toBe(0)
    expect(Math.hypot(...pose.shift)).toBe(0)
    expect(pose.scale).toBe(1)
  })

  it("a shut eye shuts the photo's", () => {
    const shut = driver.slice()
    for (const eye of EYES) setLids(shut, { mesh: driver, landmarks: driver }, eye, 0)
    const motion = headMotion(reference, seen(shut))
    for (const eyes of [1, 2]) {
      const { expressive } = carryOver(over, motion, { ...ALL, eyes }, 'relative')
      for (const { pairs } of EYES) {
        for (const [upper, lower] of pairs) {
          // What is left between the rims is what the upper lashes cover.
          const lashes = distance(photo.mesh, upper, upper, photo.landmarks)
          expect(distance(expressive, upper, lower)).toBeCloseTo(0.7 * lashes, 9)
        }
      }
    }
  })

  it('skin above a lid that shuts goes along, less the further up, and hardly so long as the lid is open', () => {
    const steps = [0, 0.8].map((position) => {
      const moved = photo.mesh.slice()
      moveLids(moved, photo, EYES[0], position)
      return [159, 27, 223, 52].map((v) => distance(moved, v, v, photo.mesh))
    }) as [number[], number[]]
    const [shut, open] = steps as [[number, number, number, number], [number, number, number, number]]
    expect(shut.map((step) => step / shut[0])).toEqual([1, 0.75, 0.45, 0].map((v) => expect.closeTo(v, 9)))
    expect(open[1] / open[0]).toBeCloseTo(0.15, 9)
  })

  it('turns as far as the photo can show, and says what was asked for', () => {
    const rotation = rotationFromAngles(42, 3, 8)
    const turned = moved(driver, { rotation, scale: 1, translation: [0, 0, 0] })
    const { pose, beyond } = carryOver(over, headMotion(reference, seen(turned)), ALL, 'relative')
    const { yaw, pitch, roll } = eulerAngles(pose.rotation)
    expect([yaw, pitch, roll]).toEqual([LARGEST_TURN.yaw, 3, 8].map((v) => expect.closeTo(v, 6)))
    expect(beyond?.yaw).toBeCloseTo(42, 6)
  })

  it('a gaze is the place of the iris in its eye, however the head is held', () => {
    const irises = centredIrises(photoMesh)
    expect(gazeOf(photoMesh, irises, EYES[0])).toEqual({
      along: expect.closeTo(0, 6),
      across: expect.closeTo(0, 6),
    })
  })

  it('a face seen from the side is told by its turn', () => {
    const turned = moved(frontalFace(), {
      rotation: rotationFromAngles(50, 0, 0),
      scale: 1,
      translation: [0, 0, 0],
    })
    expect(Math.abs(sideTurn(turned))).toBeCloseTo(50, 0)
    expect(sideTurn(frontalFace())).toBeCloseTo(0, 1)
  })
})

it('rotation vectors and back', () => {
  for (const angles of [
    [0, 0, 0],
    [20, -10, 5],
    [-44, 30, 80],
  ] as const) {
    const rotation = rotationFromAngles(angles[0], angles[1], angles[2])
    expect(largest(fromRotationVector(toRotationVector(rotation)), rotation)).toBeLessThan(1e-12)
  }
})
