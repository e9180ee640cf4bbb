import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import {
  SEGMENTATION_SIDE,
  SELFIE_SEGMENTATION_INPUT,
  selfieSegmentation,
} from '../../src/nets/selfie-segmentation.js'
import { inputRegistered } from '../../src/ops/image/image-input.js'
import { outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import { readWeights } from './front-end-goldens.js'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.dispose())

it('sees who stands before what', async () => {
  const side = SEGMENTATION_SIDE
  const graph = new GraphBuilder('matte')
  const { border: _, ...input } = SELFIE_SEGMENTATION_INPUT
  outputTensor(graph, 'matte', selfieSegmentation(graph, inputRegistered(graph, 'image', ['photo'], input)))
  const plan = await engine.compile(graph.build(), { weights: await readWeights('selfie-segmentation') })
  const pixels = await sharp('test/fixtures/photos/faker_male_000.jpg')
    .resize(side, side)
    .ensureAlpha()
    .raw()
    .toBuffer()
  const { matte } = (await plan.compute({ photo: new Uint8Array(pixels) })) as { matte: Float32Array }
  const at = (x: number, y: number) => matte[Math.round(y * side) * side + Math.round(x * side)]
  // Face and shirt; both upper corners and beside the neck.
  for (const [x, y] of [
    [0.53, 0.4],
    [0.5, 0.9],
  ] as const)
    expect(at(x, y)).toBeGreaterThan(0.98)
  for (const [x, y] of [
    [0.05, 0.05],
    [0.95, 0.05],
    [0.1, 0.5],
  ] as const)
    expect(at(x, y)).toBeLessThan(0.02)
  // Between them there is a rim, not a haze: few pixels are neither.
  const unsure = matte.filter((value) => value > 0.1 && value < 0.9).length
  expect(unsure / matte.length).toBeLessThan(0.03)
})
