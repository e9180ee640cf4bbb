import { afterAll, beforeAll, expect, it } from 'vitest'
import { LayerBlend } from '../../src/animate/layer-blend.js'
import { BufferUsage } from '../../src/gpu/constants.js'
import { Engine } from '../../src/runtime/engine.js'
import { seededRandom } from '../random.js'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.dispose())

it('brings a picture to the device as it is', async () => {
  const [width, height] = [37, 21]
  const random = seededRandom('picture')
  const data = Uint8Array.from({ length: 4 * width * height }, () => 256 * random())
  const buffer = engine.device.createBuffer({
    size: data.length,
    usage: BufferUsage.COPY_DST | BufferUsage.MAP_READ,
  })
  const blend = await LayerBlend.create(engine, { width, height }, 0)
  await blend.upload({ width, height, data }, buffer)
  await buffer.mapAsync(1)
  expect(new Uint8Array(buffer.getMappedRange())).toEqual(data)
  blend.dispose()
})
