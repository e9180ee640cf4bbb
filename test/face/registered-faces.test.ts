import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MeshLead } from '../../src/face/register/mesh-lead.js'
import { applySimilarity, applySimilarityToPoints } from '../../src/geometry/similarity.js'
import { DeepFaceFlow, demoPhotos, type FaceFrame } from '../../src/index.js'

let face: DeepFaceFlow
let faces: readonly [FaceFrame, FaceFrame]
beforeAll(async () => {
  face = await DeepFaceFlow.create({ weights: 'dffnet-m-small' })
  const [a, b] = await Promise.all(demoPhotos().map((photo) => face.detect(photo)))
  faces = [a?.[0] as FaceFrame, b?.[0] as FaceFrame]
}, 120_000)
afterAll(() => face.dispose())

const FORWARD = { backward: false }

describe('registered faces', () => {
  it('lead lids and lips where both frames have landmarks, and only there', async () => {
    const [a, b] = faces
    const pixels = await face.flowRegistered(a.registered, b.registered, FORWARD)
    const one = await face.flowRegistered(a, b.registered, FORWARD)
    expect(one.flow).toEqual(pixels.flow)
    // The mesh has the landmarks of its own frame.
    const chin = 3 * 152
    const [x, y] = applySimilarity(
      a.toTemplate,
      a.landmarks468[chin] as number,
      a.landmarks468[chin + 1] as number,
    )
    expect(one.meshA[chin]).toBeCloseTo(x, 3)
    expect(one.meshA[chin + 1]).toBeCloseTo(y, 3)
    expect(pixels.meshA[chin + 1]).toBeLessThan(y - 2)
    expect(one.rigid).toEqual(pixels.rigid)
    const both = await face.flowRegistered(a, b, FORWARD)
    // Drawn where the landmarks are, the face reaches further down.
    const size = ({ mask }: { mask: Uint8Array }) => mask.reduce((sum, on) => sum + (on ? 1 : 0), 0)
    expect(size(both)).toBeGreaterThan(size(pixels))
    const [batched] = await face.flowRegisteredAll([[a, b]], { ...FORWARD, batch: 1 })
    expect(batched?.flow).toEqual(both.flow)
    const apart = Array.from({ length: 224 * 224 }, (_, i) =>
      Math.hypot(...[0, 1].map((axis) => (both.flow[3 * i + axis] ?? 0) - (pixels.flow[3 * i + axis] ?? 0))),
    )
    expect(Math.max(...apart)).toBeGreaterThan(0.5)
    // Eyes, mouth and chin are a small part of the mesh; refinement and depth carry next to nothing beyond them.
    const changed = apart.filter((distance, i) => distance > 0.25 && both.meshMask[i] && pixels.meshMask[i])
    expect(changed.length).toBeLessThan(0.1 * 224 * 224)
  })

  it.each(['eval/turned/20.jpg', 'photos/franck_03979.jpg'])(
    'have meshes that follow their landmarks without jumps: %s',
    async (photo) => {
      const [found] = await face.detect(`test/fixtures/${photo}`)
      const { registered, landmarks468, toTemplate } = found as FaceFrame
      const { meshA, triangles } = await face.flowRegistered(registered, registered, FORWARD)
      const lead = new MeshLead(Uint32Array.from(triangles))
      const places = applySimilarityToPoints(toTemplate, landmarks468, 3)
      const ledBy = (dx: number) =>
        lead.led(
          meshA,
          places.map((value, i) => value + (i % 3 === 0 ? dx : 0)),
        )
      for (let dx = -5, before = ledBy(dx); dx < 5; dx += 0.5) {
        const led = ledBy(dx + 0.5)
        const largest = Math.max(
          ...Array.from({ length: 468 }, (_, v) =>
            Math.hypot(...[3 * v, 3 * v + 1].map((i) => (led[i] as number) - (before[i] as number))),
          ),
        )
        expect(largest, `from ${dx} px`).toBeLessThan(0.6)
        before = led
      }
    },
  )

  it.each([
    ['too few landmarks', { landmarks468: new Float32Array(30) }],
    ['landmarks that are no numbers', { landmarks468: new Float32Array(468 * 3).fill(Number.NaN) }],
    ['no landmarks', { landmarks468: null }],
    ['no transform', { toTemplate: undefined }],
  ])('are refused with %s', async (_, wrong) => {
    const [a, b] = faces
    await expect(face.flowRegistered(a, { ...b, ...wrong } as never, FORWARD)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('frame B: a registered face has landmarks468'),
    })
  })
})
