import { NodeIO } from '@gltf-transform/core'
import validator from 'gltf-validator'
import { expect, it } from 'vitest'
import { encodeClipGlb, encodeMeshGlb, encodeMotionGlb } from '../../src/io/mesh.js'
import { UnlitMaterials } from '../../src/io/unlit-materials.js'
import { encodeJpeg } from '../../src/platform/index.js'
import { blank } from '../../src/viz/canvas.js'

const vertices = Float32Array.of(100, 90, 4, 130, 90, 0, 118, 130, -6)
const mesh = { vertices, triangles: Uint16Array.of(0, 1, 2) }
const uv = Float32Array.of(0, 0, 1, 0, 0.5, 1)
const shifted = (by: number) => vertices.map((value, i) => value + by * ((i % 3) + 1))
const texture = await encodeJpeg(blank(8, 8))

const read = (bytes: Uint8Array) => new NodeIO().registerExtensions([UnlitMaterials]).readBinary(bytes)

async function complaintsOf(bytes: Uint8Array): Promise<readonly unknown[]> {
  return (await validator.validateBytes(bytes)).issues.messages
}

it.each([1, 2, 7, 300])('a clip of %i frames shows each at its time', async (count) => {
  const frames = Array.from({ length: count }, (_, k) => ({ time: 0.25 + k / 25, vertices: shifted(k) }))
  const bytes = await encodeClipGlb(mesh, frames, uv, texture)
  expect(await complaintsOf(bytes)).toEqual([])
  const root = (await read(bytes)).getRoot()
  const face = root.listMeshes()[0]
  const primitive = face?.listPrimitives()[0]
  const origin = face?.getExtras().templateOrigin as number[]
  const sampler = root.listAnimations()[0]?.listSamplers()[0]
  expect([...(sampler?.getInput()?.getArray() ?? [])]).toEqual(frames.map(({ time }) => Math.fround(time)))
  const weights = sampler?.getOutput()?.getArray() ?? []
  expect(weights).toHaveLength(count ** 2)
  for (const [k, frame] of frames.entries()) {
    // The frame's row of weights, over all targets, is the frame's mesh in template px.
    const place = [0, 0, 0]
    primitive?.getAttribute('POSITION')?.getElement(2, place)
    primitive?.listTargets().forEach((target, j) => {
      const step = target.getAttribute('POSITION')?.getElement(2, [0, 0, 0]) as number[]
      for (const axis of [0, 1, 2]) {
        place[axis] = (place[axis] as number) + (weights[k * count + j] as number) * (step[axis] as number)
      }
    })
    for (const axis of [0, 1, 2]) {
      const px = (place[axis] as number) * (axis === 0 ? 1000 : -1000) + (origin[axis] as number)
      expect(px).toBeCloseTo(frame.vertices[6 + axis] as number, 3)
    }
  }
})

it('the size of a clip grows with its frames, not with their square', async () => {
  const size = async (count: number) => {
    const frames = Array.from({ length: count }, (_, k) => ({ time: k, vertices: shifted(k) }))
    return (await encodeClipGlb(mesh, frames, uv, texture)).length
  }
  const [few, many] = [await size(200), await size(400)]
  expect(many / few).toBeLessThan(2.1)
})

it('a file without motion is the mesh where the template has it', async () => {
  const bytes = await encodeMeshGlb(mesh, uv, texture)
  expect(await complaintsOf(bytes)).toEqual([])
  const root = (await read(bytes)).getRoot()
  expect(root.listAnimations()).toEqual([])
  const origin = root.listMeshes()[0]?.getExtras().templateOrigin as number[]
  const position = root.listMeshes()[0]?.listPrimitives()[0]?.getAttribute('POSITION')
  const [x = 0, y = 0, z = 0] = position?.getElement(0, [0, 0, 0]) ?? []
  for (const [axis, px] of [1000 * x, -1000 * y, -1000 * z].entries()) {
    expect(px + (origin[axis] as number)).toBeCloseTo(vertices[axis] as number, 3)
  }
})

it('refuses what does not fit together', async () => {
  const frame = (time: number, moved = shifted(1)) => ({ time, vertices: moved })
  const refused = (frames: { time: number; vertices: Float32Array }[]) =>
    expect(encodeClipGlb(mesh, frames, uv, texture)).rejects
  await refused([]).toThrow('at least one frame')
  await refused([frame(1), frame(1)]).toThrow('times that rise')
  await refused([frame(-1)]).toThrow('times that rise')
  await refused([frame(Number.NaN)]).toThrow('times that rise')
  await refused([frame(0), frame(1, new Float32Array(6))]).toThrow('mesh frame 1 has 2 vertices, mesh A 3')
  await expect(encodeMotionGlb(mesh, new Float32Array(6), uv, texture)).rejects.toThrow(
    'mesh B has 2 vertices, mesh A 3',
  )
})
