import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeepFaceFlow } from '../../src/face/deep-face-flow.js'
import type { RegisteredFlowResult } from '../../src/face/types.js'
import type { Rgba } from '../../src/geometry/types.js'
import { BufferUsage, TextureUsage } from '../../src/gpu/constants.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { Engine } from '../../src/runtime/engine.js'

/** Registered frames on the device, and flows that stay there: the bits of frames in memory. */

const { COPY_SRC, COPY_DST, MAP_READ } = BufferUsage
const FLOW_BYTES = 224 * 224 * 3 * 4

let engine: Engine
let face: DeepFaceFlow
let frames: readonly [Rgba, Rgba]
let expected: RegisteredFlowResult

beforeAll(async () => {
  engine = await Engine.open()
  face = await DeepFaceFlow.create({
    engine,
    weights: 'dffnet-m-small',
    refinement: 'none',
    depth: 'network',
  })
  const read = (name: string) => decodePhoto(`test/fixtures/dffnet/pair0-${name}.png`)
  frames = await Promise.all([read('1'), read('2')])
  expected = await face.flowRegistered(...frames)
})
afterAll(() => {
  face.dispose()
  engine.dispose()
})

function texture(
  { width, height, data }: Rgba,
  usage = TextureUsage.TEXTURE_BINDING | TextureUsage.COPY_DST,
): GPUTexture {
  const made = engine.device.createTexture({ size: [width, height], format: 'rgba8unorm', usage })
  engine.device.queue.writeTexture(
    { texture: made },
    data as Uint8Array<ArrayBuffer>,
    { bytesPerRow: 4 * width },
    [width, height],
  )
  return made
}

/** Rows with gaps, from byte 64 on. */
function slice({ width, height, data }: Rgba) {
  const [offset, bytesPerRow] = [64, 4 * width + 128]
  const bytes = new Uint8Array(offset + bytesPerRow * height)
  for (let y = 0; y < height; y++)
    bytes.set(data.subarray(4 * width * y, 4 * width * (y + 1)), offset + y * bytesPerRow)
  const buffer = engine.device.createBuffer({ size: bytes.length, usage: COPY_SRC | COPY_DST })
  engine.device.queue.writeBuffer(buffer, 0, bytes)
  return { buffer, offset, bytesPerRow }
}

async function floatsOf(buffer: GPUBuffer): Promise<Float32Array> {
  const { device } = engine
  const copy = device.createBuffer({ size: buffer.size, usage: COPY_DST | MAP_READ })
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size)
  device.queue.submit([encoder.finish()])
  await copy.mapAsync(1)
  const floats = new Float32Array(copy.getMappedRange().slice(0))
  copy.destroy()
  return floats
}

const target = (size = FLOW_BYTES): GPUBuffer =>
  engine.device.createBuffer({ size, usage: COPY_DST | COPY_SRC })

describe('frames on the device', () => {
  it('give the result of frames in memory, with their pixels', async () => {
    const [a, b] = frames
    const results = await Promise.all([
      face.flowRegistered(texture(a), slice(b)),
      face.flowRegistered(slice(a), b),
      face.flowRegistered(a, texture(b), { backward: false }),
    ])
    for (const result of results) {
      expect(result.flow).toEqual(expected.flow)
      for (const name of ['registeredA', 'registeredB'] as const) {
        expect(Buffer.compare(result[name].data, expected[name].data)).toBe(0)
      }
      expect(result.photometric).toEqual(expected.photometric)
    }
    expect(results[0].backwardFlow).toEqual(expected.backwardFlow)
  })

  it('that do not fit are refused by name, and the next call is right', async () => {
    const [a, b] = frames
    const small = { ...a, width: 112, height: 112, data: a.data.subarray(0, 112 * 112 * 4) }
    await expect(face.flowRegistered(a, texture(small))).rejects.toMatchObject({
      code: 'INVALID_BUFFER',
      message: expect.stringMatching(/plan "frame B": .* got a texture of 112x112/),
    })
    await expect(face.flowRegistered(texture(a, TextureUsage.COPY_DST), b)).rejects.toMatchObject({
      code: 'INVALID_BUFFER',
    })
    expect((await face.flowRegistered(a, texture(b), { backward: false })).flow).toEqual(expected.flow)
  })
})

describe('flows that stay on the device', () => {
  it('are those that are read, in buffers and slices of the caller, several calls in flight', async () => {
    const [a, b] = frames
    const [flow, both, back] = [target(), target(FLOW_BYTES + 8), target()]
    await Promise.all([
      face.flowOnDevice(texture(a), slice(b), { flow }),
      face.flowOnDevice(a, b, { flow: { buffer: both, offset: 8 }, backwardFlow: back }),
    ])
    expect(await floatsOf(flow)).toEqual(expected.flow)
    expect((await floatsOf(both)).subarray(2)).toEqual(expected.flow)
    expect(await floatsOf(back)).toEqual(expected.backwardFlow)
  })

  it('read nothing back and are one submission', async () => {
    const { queue } = engine.device
    const submit = queue.submit
    const counted = { submissions: 0 }
    queue.submit = (commands) => {
      counted.submissions++
      return submit.call(queue, commands)
    }
    const flow = target()
    await face.flowOnDevice(texture(frames[0]), texture(frames[1]), { flow })
    Reflect.deleteProperty(queue, 'submit')
    expect(counted.submissions).toBe(1)
    expect(await floatsOf(flow)).toEqual(expected.flow)
  })

  it('want a place that fits', async () => {
    const [a, b] = frames
    await expect(face.flowOnDevice(a, b, {})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(face.flowOnDevice(a, b, { flows: target() } as never)).rejects.toThrow(
      /"flows"; "flow" is meant/,
    )
    await expect(face.flowOnDevice(a, b, { flow: target(16) })).rejects.toMatchObject({
      code: 'INVALID_BUFFER',
    })
    await expect(face.flowOnDevice('no such file', b, { flow: target() })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})
