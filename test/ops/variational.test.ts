import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { planGraph } from '../../src/graph/plan.js'
import { VARIATIONAL_DEFAULTS, variationalRefinement } from '../../src/ops/flow/variational.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { fakeCaps } from '../graph/caps.js'
import { invalidGraph } from './invalid.js'

const ATTRS = { grey: [30, 60, 10], ...VARIATIONAL_DEFAULTS } as const

function add(
  shapes: Partial<Record<'flow' | 'source' | 'target' | 'fragments', readonly [number, number, number]>>,
  attrs = {},
) {
  const graph = new GraphBuilder('g')
  const input = (name: keyof typeof shapes, channels: number) => {
    const [h, w, c] = shapes[name] ?? [16, 20, channels]
    return inputTensor(graph, name, { n: 1, h, w, c })
  }
  const [flow, source, target] = [input('flow', 3), input('source', 3), input('target', 3)]
  return variationalRefinement(graph, 'refined', flow, { source, target }, input('fragments', 4), {
    ...ATTRS,
    ...attrs,
  })
}

describe('variationalRefinement', () => {
  it('has the shape of the flow', () => {
    expect(add({}).type).toMatchObject({ n: 1, h: 16, w: 20, segments: [3] })
  })

  it.each([
    ['software', 10, 5],
    // Eight half sweeps in one dispatch, then the other two.
    ['hardware', 2, 5],
  ] as const)('sweeps on the %s schedule in %d dispatches', (schedule, dispatches, sweeps) => {
    const graph = new GraphBuilder('g')
    const maps = [3, 3, 3, 4].map((c, i) => inputTensor(graph, `${i}`, { n: 1, h: 224, w: 224, c }))
    const [flow, source, target, fragments] = maps as [Value, Value, Value, Value]
    const refined = variationalRefinement(graph, 'refined', flow, { source, target }, fragments, {
      ...ATTRS,
      sweeps,
    })
    outputTensor(graph, 'out', refined)
    const { steps } = planGraph(graph.build(), fakeCaps({}), { schedule })
    const sweeping = steps.filter(({ variant }) => variant.startsWith('half sweep'))
    expect(sweeping).toHaveLength(dispatches)
    // 34 of half the pixels, however they are cut.
    expect(sweeping.reduce((sum, { flops }) => sum + flops, 0)).toBe(2 * sweeps * 224 * 112 * 34)
  })

  it.each([
    [{ flow: [16, 20, 2] as const }, /dx, dy, dz/],
    [{ source: [16, 19, 3] as const }, /input 1 must have the flow's n, h and w and 3 channels/],
    [{ target: [16, 20, 4] as const }, /input 2/],
    [{ fragments: [16, 20, 3] as const }, /input 3 .* 4 channels/],
  ])('refuses %j', (shapes, problem) => {
    expect(() => add(shapes)).toThrow(invalidGraph(problem))
  })

  it.each([
    [{ sweeps: 0 }, /sweeps must be a whole number >= 1/],
    [{ grey: [1, Number.NaN, 1] }, /grey must be 3 finite numbers/],
  ])('refuses %j', (attrs, problem) => {
    expect(() => add({}, attrs)).toThrow(invalidGraph(problem))
  })
})
