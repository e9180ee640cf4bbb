import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { registeredFlowConfig } from '../../src/face/registered-pair.js'
import type { Rgba } from '../../src/geometry/types.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import {
  mirroredVertices,
  registeredMeshes,
  registeredRoiTransform,
} from '../../src/nets/registered-meshes.js'
import { frameType, IMAGE_TRANSFORM_TYPE, packImageTransform } from '../../src/ops/image/image-input.js'
import { outputTensor } from '../../src/ops/tensor/border.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import { distances } from './front-end-goldens.js'

const SIZE = 224
const VERTEX_NUMBERS = 468 * 3

/** The tuned 3DMeshReg on registered frames against PyTorch (test/fixtures/dffnet/README.md). */
describe('3DMeshReg on registered frames', () => {
  let engine: Engine
  let plan: Plan
  let roi: Float32Array
  let order: Uint32Array

  beforeAll(async () => {
    engine = await Engine.open()
    const files = await loadNetworkFiles()
    const config = registeredFlowConfig(files)
    const graph = new GraphBuilder('registered meshes')
    const frames = ['i1', 'i2'].map((frame) => graph.input(frame, frameType(SIZE, SIZE)))
    const transform = graph.input('roi', IMAGE_TRANSFORM_TYPE)
    outputTensor(graph, 'vertices', registeredMeshes(graph, 'meshes', frames, transform, config))
    plan = await engine.compile(graph.build(), { weights: files.meshRegressor })
    roi = packImageTransform(registeredRoiTransform(config))
    order = mirroredVertices(config.ncc)
  })
  afterAll(() => engine.dispose())

  it.each([0, 1, 2, 3])('pair %i: 468 vertices of both frames', async (pair) => {
    const golden = await readSafetensors(`test/fixtures/dffnet/pair${pair}.safetensors`)
    const frame = async (which: 1 | 2): Promise<Rgba> =>
      decodePhoto(`test/fixtures/dffnet/pair${pair}-${which}.png`)
    const [i1, i2] = [await frame(1), await frame(2)]
    const { vertices } = await plan.compute({ i1: i1.data, i2: i2.data, roi })
    const both = vertices as Float32Array
    for (const [name, found] of [
      ['mesh_a', both.subarray(0, VERTEX_NUMBERS)],
      ['mesh_b', both.subarray(VERTEX_NUMBERS)],
    ] as const) {
      const { mean, max } = distances(found, golden.tensor(name, [468, 3]), 468)
      expect(mean, `${name}, mean`).toBeLessThan(0.05)
      expect(max, `${name}, max`).toBeLessThan(0.2)
    }
  })

  it('mirrored frames give the mirrored meshes', async () => {
    const [i1, i2] = [
      await decodePhoto('test/fixtures/dffnet/pair0-1.png'),
      await decodePhoto('test/fixtures/dffnet/pair0-2.png'),
    ]
    const { vertices } = await plan.compute({ i1: i1.data, i2: i2.data, roi })
    const mirror = await plan.compute({ i1: flipped(i1), i2: flipped(i2), roi })
    const back = (mirror.vertices as Float32Array).map((_, i, all) => {
      const [mesh, vertex, axis] = [Math.floor(i / VERTEX_NUMBERS), Math.floor(i / 3) % 468, i % 3]
      const value = all[mesh * VERTEX_NUMBERS + 3 * (order[vertex] as number) + axis] as number
      return axis === 0 ? SIZE - value : value
    })
    expect(distances(back, vertices as Float32Array, 2 * 468).max).toBeLessThan(0.05)
  })

  it('a face that is not symmetric is refused by its vertex', () => {
    const lopsided = Float32Array.of(0, 0.5, 0.5, 1, 0.5, 0.5, 0.25, 0.5, 0.5)
    expect(() => mirroredVertices(lopsided)).toThrow('vertex 2 of the face has no mirror image')
  })
})

function flipped({ data, width, height }: Rgba): Uint8Array {
  const pixels = new Uint32Array(Uint8Array.from(data).buffer)
  for (let y = 0; y < height; y++) pixels.subarray(y * width, (y + 1) * width).reverse()
  return new Uint8Array(pixels.buffer)
}
