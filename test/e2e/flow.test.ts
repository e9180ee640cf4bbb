import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PhotoNetworks } from '../../src/face/find/photo-networks.js'
import {
  applySimilarity,
  composeSimilarity,
  DeepFaceFlow,
  demoPhotos,
  type FlowResult,
  flowToPhoto,
  interocularDistance,
  LANDMARK_VERTICES,
  type Rgba,
  type Similarity,
} from '../../src/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { GOLDEN_NAMES, readGolden } from '../nets/front-end-goldens.js'
import { collage, moved, plain, readPhoto } from './pictures.js'

/** The face level on real photos with the shipped weights; one instance for all, start-up takes seconds. */

let faceFlow: DeepFaceFlow
/** The engine inside, for what the face level has no handle to: losing the device. */
let engine: Engine
/** The demo pair, forward and backward. */
let demo: FlowResult

const N = 224
const FORWARD = { backward: false } as const
const [PHOTO_A, PHOTO_B] = demoPhotos()

beforeAll(async () => {
  const open = vi.spyOn(Engine, 'open')
  faceFlow = await DeepFaceFlow.create()
  engine = (await open.mock.results[0]?.value) as Engine
  open.mockRestore()
  demo = await faceFlow.flow(PHOTO_A, PHOTO_B)
})
afterAll(() => faceFlow.dispose())

const bits = (field: Float32Array): Buffer => Buffer.from(field.buffer, field.byteOffset, field.byteLength)

function at(values: ArrayLike<number>, i: number): number {
  return values[i] ?? Number.NaN
}

/** Mean over the mask. */
function meanOn(mask: ArrayLike<number>, value: (i: number) => number): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    sum += value(i)
    count++
  }
  return sum / count
}

describe('result of the demo pair', () => {
  it('has every field in its shape, finite, and zero outside the face', () => {
    const { mask, occlusion, confidence } = demo
    const fields: [Float32Array | Uint8Array | undefined, number][] = [
      [demo.flow, 3],
      [demo.pncc, 3],
      [demo.depth, 1],
      [demo.expressionFlow, 3],
      [demo.residual, 1],
      [occlusion, 1],
      [confidence, 1],
    ]
    for (const [field, channels] of fields) {
      expect(field).toHaveLength(N * N * channels)
      if (field === undefined) continue
      expect(field.every(Number.isFinite)).toBe(true)
      expect(field.some((value, i) => value !== 0 && mask[Math.floor(i / channels)] === 0)).toBe(false)
      expect(field.some((value) => value !== 0)).toBe(true)
    }
    expect(new Set(mask)).toEqual(new Set([0, 1]))
    const onMesh = demo.pncc.filter((_, i) => demo.meshMask[Math.floor(i / 3)] === 1)
    expect(onMesh.every((value) => value >= 0 && value <= 1)).toBe(true)
    // Above the brows the face goes on beyond the canonical mesh.
    expect(demo.pncc.every((value) => value > -0.4 && value < 1.2)).toBe(true)
    expect(demo.confidence?.every((value) => value >= 0 && value <= 1)).toBe(true)
  })

  it('covers the face: the mask holds nose and mouth and not the corners', () => {
    const { toTemplate, landmarks68 } = demo.a
    const nose = applySimilarity(toTemplate, at(landmarks68, 60), at(landmarks68, 61))
    expect(demo.mask[Math.floor(nose[1]) * N + Math.floor(nose[0])]).toBe(1)
    for (const corner of [0, N - 1, N * (N - 1), N * N - 1]) expect(demo.mask[corner]).toBe(0)
    const share = meanOn(new Uint8Array(N * N).fill(1), (i) => at(demo.mask, i))
    expect(share).toBeGreaterThan(0.2)
    expect(share).toBeLessThan(0.7)
  })

  it('goes on beyond the mesh: up the forehead, and nowhere into the mesh', () => {
    expect(demo.extent).toBe('face')
    expect(demo.meshMask.every((on, i) => on <= at(demo.mask, i))).toBe(true)
    const top = (mask: Uint8Array) => Math.floor(mask.indexOf(1) / N)
    expect(top(demo.meshMask) - top(demo.mask)).toBeGreaterThan(10)
    const count = (mask: Uint8Array) => mask.reduce((sum, on) => sum + on, 0)
    expect(count(demo.mask) / count(demo.meshMask)).toBeGreaterThan(1.15)
  })

  it('moves the mesh by the flow', () => {
    const { meshA, meshB, flow, mask } = demo
    expect([meshA.length, meshB.length]).toEqual([468 * 3, 468 * 3])
    expect(meshB.every(Number.isFinite)).toBe(true)
    // The tip of the nose: on the surface, far from any rim, where the flow varies by little from pixel to pixel.
    const tip = 3 * 4
    const pixel = Math.floor(at(meshA, tip + 1)) * N + Math.floor(at(meshA, tip))
    expect(mask[pixel]).toBe(1)
    for (let axis = 0; axis < 3; axis++) {
      const step = at(meshB, tip + axis) - at(meshA, tip + axis)
      expect(Math.abs(step - at(flow, 3 * pixel + axis))).toBeLessThan(0.3)
    }
  })

  it('explains B: warped back it is nearer to A than before', () => {
    const { before, after } = demo.photometric
    expect(after).toBeLessThan(0.75 * before)
    expect(meanOn(demo.meshMask, (i) => at(demo.residual, i))).toBeCloseTo(after, 1)
  })

  it('sees the laugh: the lower lip goes down, the corners of the mouth apart', () => {
    const step = (landmark: number, axis: number) => {
      const vertex = LANDMARK_VERTICES[landmark] ?? Number.NaN
      return at(demo.meshB, 3 * vertex + axis) - at(demo.meshA, 3 * vertex + axis)
    }
    expect(step(57, 1)).toBeGreaterThan(4)
    expect(step(54, 0) - step(48, 0)).toBeGreaterThan(3)
  })

  it('says what it was computed with, and how long it took', () => {
    expect(demo.weights).toEqual(faceFlow.weights)
    expect(demo.weights.name).toMatch(/^dffnet/)
    expect(demo.weights.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(demo.adapter).toBe(faceFlow.adapter)
    expect(Object.keys(demo.timingsMs)).toEqual(['decode', 'detect', 'landmarks', 'flow', 'products'])
    for (const ms of Object.values(demo.timingsMs)) expect(ms).toBeGreaterThan(0)
    expect(demo.warnings).toEqual([])
  })

  it('registers both faces to the template', () => {
    // Mean over 68 landmarks, template px: what a similarity cannot remove of identity, pose and expression.
    for (const face of [demo.a, demo.b]) {
      expect(face.registrationResidual).toBeGreaterThan(0)
      expect(face.registrationResidual).toBeLessThan(8)
      expect(face.registered).toMatchObject({ width: N, height: N })
      expect(face.registered.data).toHaveLength(N * N * 4)
    }
    expect(demo.a.toTemplate.a).toBeGreaterThan(0)
  })
})

describe('what is hidden', () => {
  it('is what something covers in B, and the flow there is not believed', async () => {
    // A disc over a cheek of B, and what of A lands in it.
    const [x, y, radius] = [82, 132, 22]
    const covers = (u: number, v: number, reach = 0) => Math.hypot(u - x, v - y) < radius + reach
    const data = demo.registeredB.data.slice()
    for (let i = 0; i < N * N; i++) if (covers(i % N, Math.floor(i / N))) data.set([96, 104, 120], 4 * i)
    const result = await faceFlow.flowRegistered(demo.registeredA, { ...demo.registeredB, data })
    const places = Array.from(result.meshMask, (_, i) => {
      const [u, v] = [(i % N) + at(demo.flow, 3 * i), Math.floor(i / N) + at(demo.flow, 3 * i + 1)] as const
      return covers(u, v, -4) ? 'in' : covers(u, v, 8) ? 'rim' : 'out'
    })
    const mean = (place: string, values: ArrayLike<number> = []) =>
      meanOn(
        result.meshMask.map((on, i) => (places[i] === place ? on : 0)),
        (i) => at(values, i),
      )
    expect(mean('in', result.occlusion)).toBeGreaterThan(0.6)
    expect(mean('out', result.occlusion)).toBeLessThan(0.1)
    expect(mean('in', result.confidence)).toBeLessThan(mean('out', result.confidence) - 0.2)
    expect(mean('in', result.occlusionProbability)).toBeGreaterThan(0.4)
  })

  it('is nothing between a frame and itself, where the flow is right', async () => {
    const still = await faceFlow.flowRegistered(demo.registeredA, demo.registeredA)
    expect(still.occlusion?.some((value) => value !== 0)).toBe(false)
    expect(Array.from(still.confidence ?? [])).toEqual(Array.from(still.mask))
  })
})

describe('entry levels', () => {
  it('gives the same bits for registered frames, and when calls overlap', async () => {
    const [again, back, registered] = await Promise.all([
      faceFlow.flow(PHOTO_A, PHOTO_B, FORWARD),
      faceFlow.flow(PHOTO_B, PHOTO_A, FORWARD),
      faceFlow.flowRegistered(demo.a, demo.b, FORWARD),
    ])
    expect(bits(again.flow).equals(bits(demo.flow))).toBe(true)
    expect(bits(back.flow).equals(bits(demo.backwardFlow ?? new Float32Array()))).toBe(true)
    expect(bits(registered.flow).equals(bits(demo.flow))).toBe(true)
    expect(again.occlusion).toBeUndefined()
    expect(registered).not.toHaveProperty('a')
  })

  it('refuses registered frames of another size', async () => {
    await expect(faceFlow.flowRegistered(PHOTO_A, demo.registeredB)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/a registered frame is 224x224 px, this is 720x576/),
    })
  })

  it('gives the same bits after the device was lost and opened anew', async () => {
    engine.device.destroy()
    await expect(faceFlow.flow(PHOTO_A, PHOTO_B, FORWARD)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    await faceFlow.recover()
    const { flow } = await faceFlow.flow(PHOTO_A, PHOTO_B, FORWARD)
    expect(bits(flow).equals(bits(demo.flow))).toBe(true)
  })
})

describe('landmarks against the original runtime', () => {
  it.each(GOLDEN_NAMES)(
    '%s: 68 and 468 points within 1.5 percent of the interocular distance',
    async (name) => {
      const { photo, answers } = await readGolden(name)
      const [face] = await faceFlow.detect({ ...photo, data: photo.rgba })
      const wanted = answers.tensor('photo.refined', [478, 3])
      const distance = (vertex: number) =>
        Math.hypot(
          at(face?.landmarks468 ?? [], 3 * vertex) - at(wanted, 3 * vertex),
          at(face?.landmarks468 ?? [], 3 * vertex + 1) - at(wanted, 3 * vertex + 1),
        )
      const limit = 0.015 * interocularDistance(face?.landmarks68 ?? new Float32Array())
      const all = Array.from({ length: 468 }, (_, v) => distance(v))
      expect(all.reduce((sum, d) => sum + d, 0) / 468).toBeLessThan(limit)
      expect(LANDMARK_VERTICES.reduce((sum, v) => sum + distance(v), 0) / 68).toBeLessThan(limit)
    },
  )
})

/** Turned clockwise by `degrees` and scaled about the centre, then shifted. */
function motionOf(photo: Rgba, degrees: number, scale: number, dx: number, dy: number): Similarity {
  const angle = (degrees * Math.PI) / 180
  const [x, y] = [photo.width / 2, photo.height / 2]
  const turn = { a: scale * Math.cos(angle), b: scale * Math.sin(angle), tx: 0, ty: 0 }
  return composeSimilarity(
    { a: 1, b: 0, tx: x + dx, ty: y + dy },
    composeSimilarity(turn, { a: 1, b: 0, tx: -x, ty: -y }),
  )
}

describe('motion that is known', () => {
  it.each([
    PHOTO_A,
    PHOTO_B,
    'test/fixtures/photos/faker_female_019.jpg',
    'test/fixtures/photos/faker_male_000.jpg',
  ])('%s against itself: nothing moves', async (photo) => {
    const { flow, mask } = await faceFlow.flow(photo, photo, FORWARD)
    const length = (i: number) => Math.hypot(at(flow, 3 * i), at(flow, 3 * i + 1), at(flow, 3 * i + 2))
    expect(meanOn(mask, length)).toBeLessThan(0.3)
  })

  it.each([
    ['demo/franck_01829.jpg', 8, 0.9, 10, 6],
    ['test/fixtures/photos/faker_female_019.jpg', -12, 1.1, -20, -30],
    ['test/fixtures/photos/faker_male_000.jpg', 90, 1, 17, -9],
  ] as const)(
    '%s turned by %f degrees, scaled by %f and shifted: the flow in photo px is that',
    async (file, degrees, scale, dx, dy) => {
      const photo = await readPhoto(file)
      const motion = motionOf(photo, degrees, scale, dx, dy)
      const result = await faceFlow.flow(photo, moved(photo, motion), FORWARD)
      const { flow, mask } = flowToPhoto(
        result.flow,
        result.mask,
        result.a.toTemplate,
        result.b.toTemplate,
        photo,
      )
      const error = meanOn(mask, (i) => {
        const [x, y] = [(i % photo.width) + 0.5, Math.floor(i / photo.width) + 0.5]
        const [u, v] = applySimilarity(motion, x, y)
        return Math.hypot(at(flow, 3 * i) - (u - x), at(flow, 3 * i + 1) - (v - y))
      })
      expect(error).toBeLessThan(1)
      // Registration undoes the motion; what is left is its own error and the network's.
      const length = meanOn(result.mask, (i) =>
        Math.hypot(at(result.flow, 3 * i), at(result.flow, 3 * i + 1), at(result.flow, 3 * i + 2)),
      )
      expect(length).toBeLessThan(0.7)
      expect(result.rigidPhoto.scale).toBeCloseTo(scale, 1)
      expect(Math.abs(result.rigidPhoto.angles.roll - degrees)).toBeLessThan(1)
    },
  )
})

describe('video', () => {
  it('needs the detector for the first frame and when the face is lost only', async () => {
    const detect = vi.spyOn(PhotoNetworks.prototype, 'detect')
    const runs = () => detect.mock.calls.splice(0).length
    try {
      const frames = await Promise.all(
        ['02045', '04035'].map((n) => readPhoto(`test/fixtures/photos/franck_${n}.jpg`)),
      )
      const [first, second] = frames as [Rgba, Rgba]
      const tracker = faceFlow.video(FORWARD)
      const reference = await tracker.start(first)
      expect(runs()).toBe(1)

      // The next frame of a recording: where the face was, and looking as it did.
      const one = await tracker.next(collage(first, [{ photo: first, x: 4, y: 2 }]))
      expect(runs()).toBe(0)
      expect(one.frameToReference).toBe(one.frameToFrame)
      expect(one.frameToFrame.a.landmarks468).toEqual(reference.landmarks468)

      // Hundreds of frames on, with another expression: the same face, if need be by a look at the whole picture.
      const later = await tracker.next(second)
      expect(later.status).toBe('ok')
      runs()

      const blank = plain(180, 144, 90)
      await expect(tracker.next(blank)).rejects.toMatchObject({ code: 'NO_FACE' })
      expect(runs()).toBeGreaterThan(0)

      // The face has gone to where it never was: the detector brings it back.
      const elsewhere = collage(plain(1100, 576, 90), [{ photo: first, x: 380, y: 0 }])
      const two = await tracker.next(elsewhere)
      expect(runs()).toBeGreaterThan(0)
      expect(two.frameToFrame.a.landmarks468).toEqual(later.frameToFrame.b.landmarks468)
      expect(two.frameToReference.a.landmarks468).toEqual(reference.landmarks468)
      expect(two.frameToFrame.b.box.x).toBeGreaterThan(450)
      expect(two.frameToFrame.photometric.after).toBeLessThan(two.frameToFrame.photometric.before)
    } finally {
      detect.mockRestore()
    }
  })

  it('wants start() first', async () => {
    await expect(faceFlow.video().next(PHOTO_A)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
