import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { blendLayers } from '../../src/ops/image/blend-layers.js'
import { frameType } from '../../src/ops/image/image-input.js'
import { inputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import { seededRandom } from '../random.js'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.dispose())

const random = seededRandom('layers')
const pixels = (count: number) => Uint8Array.from({ length: 4 * count }, () => 256 * random())

function blendOf(layers: number, width: number, height: number): { graph: GraphBuilder; names: string[] } {
  const graph = new GraphBuilder('blend')
  const names = Array.from({ length: layers }, (_, i) => `layer${i}`)
  const [base, ...over] = ['base', ...names].map((name) => graph.input(name, frameType(width, height)))
  graph.output('frame', blendLayers(graph, 'blend', base as Value, over))
  return { graph, names }
}

describe('blendLayers', () => {
  it.each([
    [0, 3, 2],
    [1, 1, 1],
    [2, 67, 5],
    [3, 8, 8],
    [4, 129, 31],
  ])(
    'lays %i layers of %ix%i over a base, as the float64 reference, to a level',
    async (layers, width, height) => {
      const { graph, names } = blendOf(layers, width, height)
      const plan = await engine.compile(graph.build(), {})
      const base = pixels(width * height)
      const over = names.map(() => pixels(width * height))
      const inputs = Object.fromEntries(names.map((name, i) => [name, over[i] as Uint8Array]))
      const { frame } = (await plan.compute({ base, ...inputs })) as { frame: Uint8Array }
      base.forEach((own, i) => {
        const sum = over.reduce((all, layer) => {
          return all + ((layer[i - (i % 4) + 3] as number) / 255) * ((layer[i] as number) - own)
        }, own)
        const expected = i % 4 === 3 ? own : Math.min(255, Math.max(0, sum))
        expect(Math.abs((frame[i] as number) - expected), `byte ${i}`).toBeLessThan(0.5 + 1e-3)
      })
      if (layers === 0) expect(frame).toEqual(base)
      plan.dispose()
    },
  )

  it('leaves a base under layers of alpha 0 as it is, to the bit', async () => {
    const { graph } = blendOf(1, 16, 16)
    const plan = await engine.compile(graph.build(), {})
    const [base, layer0] = [pixels(256), pixels(256).map((value, i) => (i % 4 === 3 ? 0 : value))]
    const { frame } = await plan.compute({ base, layer0 })
    expect(frame).toEqual(base)
    plan.dispose()
  })

  it('refuses what is no picture, or of another size', () => {
    const graph = new GraphBuilder('blend')
    const base = graph.input('base', frameType(4, 4))
    const other = graph.input('other', frameType(4, 5))
    const tensor = inputTensor(graph, 'tensor', { n: 1, h: 4, w: 4, c: 4 })
    const invalid = { code: 'INVALID_GRAPH' }
    expect(() => blendLayers(graph, 'unlike', base, [other])).toThrow(expect.objectContaining(invalid))
    expect(() => blendLayers(graph, 'tensor', tensor, [])).toThrow(expect.objectContaining(invalid))
    expect(() => blendLayers(graph, 'many', base, Array(5).fill(base))).toThrow(
      expect.objectContaining(invalid),
    )
  })
})
