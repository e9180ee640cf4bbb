import { beforeAll, describe, expect, it } from 'vitest'
import { EYES } from '../../src/animate/face-parts.js'
import { eyeOpening, mouthOpening } from '../../src/animate/openings.js'
import { type FaceRig, faceRig, type ModelShapes, readModelShapes } from '../../src/expression/face-rig.js'
import { COEFFICIENT_NAMES, type CoefficientName } from '../../src/expression/names.js'
import type { Coefficients } from '../../src/expression/types.js'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { rotate, rotationFromAngles } from '../../src/geometry/rotation.js'

let shapes: ModelShapes
let triangles: Uint32Array
beforeAll(async () => {
  shapes = await readModelShapes({})
  triangles = (await loadNetworkFiles()).triangles
})

const atRest = (values: Partial<Record<CoefficientName, number>> = {}): Coefficients =>
  Object.fromEntries(
    COEFFICIENT_NAMES.map((name) => [name, { value: values[name] ?? 0, confidence: 1 }]),
  ) as unknown as Coefficients

/** The model's face, larger, wider and turned. */
function person(turn: readonly [number, number, number] = [20, -10, 5]): Float32Array {
  const out = new Float32Array(shapes.neutral.length)
  for (let v = 0; v < out.length; v += 3) {
    const [x = 0, y = 0, z = 0] = shapes.neutral.subarray(v, v + 3)
    out.set(rotate(rotationFromAngles(...turn), 110 * x, 100 * y, 100 * z), v)
  }
  return out
}

const moved = ({ vertices, targets }: FaceRig, name: CoefficientName) => {
  const offsets = targets.find((target) => target.name === name)?.offsets as Float32Array
  return vertices.map((value, k) => value + (offsets[k] as number))
}

describe("a person's rig", () => {
  it('opens the mouth by the jaw and shuts the eye of the side that is named', () => {
    const rig = faceRig(shapes, person(), triangles, atRest())
    expect(rig.vertices).toEqual(person())
    expect(mouthOpening(moved(rig, 'jawOpen')) - mouthOpening(rig.vertices)).toBeGreaterThan(0.3)
    const [right, left] = EYES
    const blinked = moved(rig, 'eyeBlinkLeft')
    expect(eyeOpening(rig.vertices, left)).toBeGreaterThan(0.15)
    expect(Math.abs(eyeOpening(blinked, left))).toBeLessThan(0.01)
    expect(eyeOpening(blinked, right)).toBeCloseTo(eyeOpening(rig.vertices, right), 3)
  })

  it('turns and stretches with the head', () => {
    const still = faceRig(shapes, person([0, 0, 0]), triangles, atRest())
    const turned = faceRig(shapes, person(), triangles, atRest())
    const offsets = (rig: FaceRig) =>
      rig.targets.find(({ name }) => name === 'mouthSmileLeft')?.offsets as Float32Array
    const [at, largest] = [3 * 291, offsets(still)]
    const expected = rotate(
      rotationFromAngles(20, -10, 5),
      ...(largest.subarray(at, at + 3) as unknown as [number, number, number]),
    )
    expected.forEach((value, axis) => {
      expect(offsets(turned)[at + axis]).toBeCloseTo(value, 1)
    })
    // The face is a tenth wider than the model's, so the corner of its mouth goes a tenth further to the side.
    const model = shapes.shapes[COEFFICIENT_NAMES.indexOf('mouthSmileLeft')] as Float32Array
    expect((largest[at] as number) / (model[at] as number)).toBeCloseTo(110, -1)
  })

  it('takes out of the mesh what the picture shows', () => {
    const rest = faceRig(shapes, person(), triangles, atRest())
    const open = faceRig(shapes, moved(rest, 'jawOpen'), triangles, atRest({ jawOpen: 1 }))
    expect(Math.abs(mouthOpening(open.vertices) - mouthOpening(rest.vertices))).toBeLessThan(0.1)
  })
})
