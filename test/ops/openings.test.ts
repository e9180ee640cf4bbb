import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { flowOnFace, OPENING_DEFAULTS, openingEdgesType } from '../../src/ops/flow/flow-on-face.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'

/** A shut mouth along y = 20: gaps at x = 16, 20, ... 32. */
const [h, w] = [40, 48]
const GAPS = [16, 20, 24, 28, 32]
const LINE = 20

let engine: Engine
let plan: Plan
beforeAll(async () => {
  engine = await Engine.open()
  const graph = new GraphBuilder('mouth')
  const flow = inputTensor(graph, 'flow', { n: 1, h, w, c: 3 })
  const fragments = inputTensor(graph, 'fragments', { n: 1, h, w, c: 4 })
  const edges = graph.input('edges', openingEdgesType(1, GAPS.length))
  const openings = { ...OPENING_DEFAULTS, source: 0 as const, edges }
  outputTensor(graph, 'out', flowOnFace(graph, 'followed', flow, fragments, 1, openings))
  plan = await engine.compile(graph.build())
})
afterAll(() => engine.dispose())

/** Edges that meet in A, and are `gap` px apart in B, all of it by the lower one. @param length of the directions, 0: not known */
function shutThenOpen(gap: number, length = 1): Float32Array {
  const row = (y: number, skin: number) => GAPS.flatMap((x) => [x, y, 0, skin * length])
  return Float32Array.from([...row(LINE, -1), ...row(LINE, 1), ...row(LINE, -1), ...row(LINE + gap, 1)])
}

/** @param dy of all pixels below the line, as a flow that follows so much of the chin */
async function followed(edges: Float32Array, dy: number): Promise<(x: number, y: number) => number[]> {
  const flow = new Float32Array(h * w * 3)
  for (let i = 0; i < h * w; i++) flow.set([0, i >= LINE * w ? dy : 0, 7], 3 * i)
  const fragments = new Float32Array(h * w * 4).fill(1)
  const { out } = (await plan.compute({ flow, fragments, edges })) as { out: Float32Array }
  return (x, y) => Array.from(out.subarray(3 * (y * w + x), 3 * (y * w + x) + 3))
}

describe('a mouth that the landmarks see open', () => {
  it('opens in the flow, by the lip that has moved, and nothing else moves', async () => {
    const at = await followed(shutThenOpen(6), 2)
    for (const x of [18, 24, 30]) {
      const [, lower = 0] = at(x, LINE + 2)
      const [, upper = 0] = at(x, LINE - 2)
      expect(lower - upper).toBeGreaterThan(0.85 * 6)
      expect(Math.abs(upper)).toBeLessThan(0.05 * 6)
    }
    expect(at(24, LINE + OPENING_DEFAULTS.reach)).toEqual([0, 2, 7])
    expect(at(24, LINE - 2)[2]).toBe(7)
    expect(at(2, LINE + 2)).toEqual([0, 2, 7])
  })

  it.each([
    ['what landmarks tremble by is not believed', shutThenOpen(2.7)],
    ['a gap that is not known says nothing', shutThenOpen(6, 0)],
    ['nor do landmarks that nobody has', new Float32Array(4 * GAPS.length * 4)],
  ])('%s', async (_, edges) => {
    const at = await followed(edges, 2)
    for (let y = 0; y < h; y++) expect(at(24, y)).toEqual([0, y >= LINE ? 2 : 0, 7])
  })
})
