import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { decodePhoto } from '../../src/io/image.js'
import { MESH_REGRESSOR_INPUT, meshRegressor } from '../../src/nets/mesh-regressor.js'
import { registeredRoiTransform } from '../../src/nets/registered-flow.js'
import { outputTensor } from '../../src/ops/border.js'
import { inputImages, packImageTransform } from '../../src/ops/image-input.js'
import { affineVertices } from '../../src/ops/vertices.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import { distances } from './front-end-goldens.js'

const SIZE = 224

/** The tuned 3DMeshReg on registered frames against PyTorch (test/fixtures/dffnet/README.md). */
describe('3DMeshReg on registered frames', () => {
  let engine: Engine
  let plan: Plan
  let roi: Float32Array

  beforeAll(async () => {
    engine = await Engine.open()
    const { template, meshRegressor: weights } = await loadNetworkFiles()
    const { cx, cy, side } = template.regressorRoi
    const graph = new GraphBuilder('registered mesh')
    const crop = inputImages(graph, 'crop', ['frame'], {
      ...MESH_REGRESSOR_INPUT,
      border: 'black',
      maxPixels: SIZE ** 2,
    })
    const scale = side / MESH_REGRESSOR_INPUT.width
    const mesh = affineVertices(graph, 'mesh', meshRegressor(graph, crop).mesh, {
      scale: [scale, scale, scale],
      offset: [cx - side / 2, cy - side / 2, 0],
    })
    outputTensor(graph, 'vertices', mesh)
    plan = await engine.compile(graph.build(), { weights })
    roi = packImageTransform(registeredRoiTransform({ size: SIZE, regressorRoi: template.regressorRoi }))
  })
  afterAll(() => engine.dispose())

  it.each([0, 1, 2, 3])('pair %i: 468 vertices of both frames', async (pair) => {
    const golden = await readSafetensors(`test/fixtures/dffnet/pair${pair}.safetensors`)
    for (const [frame, name] of [
      ['1', 'mesh_a'],
      ['2', 'mesh_b'],
    ] as const) {
      const photo = await decodePhoto(`test/fixtures/dffnet/pair${pair}-${frame}.png`)
      plan.writePart('frame', new Uint8Array(photo.data))
      const { vertices } = await plan.compute({ 'frame.transform': roi })
      const { mean, max } = distances(vertices as Float32Array, golden.tensor(name, [468, 3]), 468)
      expect(mean, `${name}, mean`).toBeLessThan(0.05)
      expect(max, `${name}, max`).toBeLessThan(0.2)
    }
  })
})
