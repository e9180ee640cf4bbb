import { afterAll, beforeAll, expect, test } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { flowOnFace } from '../../src/ops/flow/flow-on-face.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'

const [h, w] = [40, 48]
let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.dispose())

test('dz keeps a slope and loses what repeats every 2, 4 or 8 px', async () => {
  const graph = new GraphBuilder('pattern')
  const flow = inputTensor(graph, 'flow', { n: 1, h, w, c: 3 })
  const fragments = inputTensor(graph, 'fragments', { n: 1, h, w, c: 4 })
  outputTensor(graph, 'out', flowOnFace(graph, 'on face', flow, fragments, 20))
  const plan = await engine.compile(graph.build())
  const slope = (x: number, y: number) => 0.01 * x - 0.02 * y
  for (const period of [2, 4, 8]) {
    const values = Float32Array.from({ length: h * w * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % w, Math.floor(i / 3 / w)]
      const pattern = 0.1 * Math.cos((2 * Math.PI * x) / period + 0.3) + (y % period === 1 ? 0.1 : 0)
      return i % 3 === 2 ? slope(x, y) + pattern : pattern
    })
    const { out } = (await plan.compute({
      flow: values,
      fragments: new Float32Array(h * w * 4).fill(1),
    })) as { out: Float32Array }
    const constant = 0.1 / period
    for (let y = 4; y < h - 4; y++) {
      for (let x = 4; x < w - 4; x++) {
        const i = 3 * (y * w + x)
        expect(Math.abs((out[i + 2] as number) - 20 * (slope(x, y) + constant))).toBeLessThan(1e-4)
        expect(out[i]).toBeCloseTo(20 * (values[i] as number), 4)
      }
    }
  }
  plan.dispose()
})
