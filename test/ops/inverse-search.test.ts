import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { planGraph } from '../../src/graph/plan.js'
import { INVERSE_SEARCH_DEFAULTS, inverseSearch, patchCount } from '../../src/ops/flow/inverse-search.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { fakeCaps } from '../graph/caps.js'
import { invalidGraph } from './invalid.js'

const ATTRS = { grey: [30, 60, 10], ...INVERSE_SEARCH_DEFAULTS } as const

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
  return inverseSearch(graph, 'refined', flow, { source, target }, input('fragments', 4), {
    ...ATTRS,
    ...attrs,
  })
}

describe('inverseSearch', () => {
  it('has the shape of the flow', () => {
    expect(add({}).type).toMatchObject({ n: 1, h: 16, w: 20, segments: [3] })
  })

  it.each([
    ['software', 9, 9],
    // Eight steps of the smoothing in one dispatch, then the ninth.
    ['hardware', 2, 9],
  ] as const)('smooths on the %s schedule in %d dispatches a round', (schedule, dispatches, smoothings) => {
    const graph = new GraphBuilder('g')
    const maps = [3, 3, 3, 4].map((c, i) => inputTensor(graph, `${i}`, { n: 1, h: 224, w: 224, c }))
    const [flow, source, target, fragments] = maps as [Value, Value, Value, Value]
    const attrs = { ...ATTRS, rounds: 2, smoothings }
    outputTensor(graph, 'out', inverseSearch(graph, 'refined', flow, { source, target }, fragments, attrs))
    const { steps } = planGraph(graph.build(), fakeCaps({}), { schedule })
    const smooth = steps.filter(({ variant }) => variant.startsWith('smooth'))
    expect(smooth).toHaveLength(2 * dispatches)
    // 40 of each patch and step, however they are cut.
    expect(smooth.reduce((sum, { flops }) => sum + flops, 0)).toBe(2 * smoothings * 55 * 55 * 40)
  })

  it('covers a map with patches of 8 px every 4 px', () => {
    expect([8, 11, 12, 224].map(patchCount)).toEqual([1, 1, 2, 55])
  })

  it.each([
    [{ flow: [16, 20, 2] as const }, /dx, dy, dz/],
    [{ source: [16, 19, 3] as const }, /input 1 must have the flow's n, h and w and 3 channels/],
    [{ target: [16, 20, 4] as const }, /input 2/],
    [{ fragments: [16, 20, 3] as const }, /input 3 .* 4 channels/],
  ])('refuses %j', (shapes, problem) => {
    expect(() => add(shapes)).toThrow(invalidGraph(problem))
  })

  it('refuses maps smaller than a patch', () => {
    const small = (c: number) => [7, 20, c] as const
    const shapes = { flow: small(3), source: small(3), target: small(3), fragments: small(4) }
    expect(() => add(shapes)).toThrow(invalidGraph(/at least 8 px/))
  })

  it.each([
    [{ rounds: 0 }, /rounds must be a whole number >= 1/],
    [{ smoothings: 1.5 }, /smoothings/],
    [{ grey: [1, Number.NaN, 1] }, /grey must be 3 finite numbers/],
  ])('refuses %j', (attrs, problem) => {
    expect(() => add({}, attrs)).toThrow(invalidGraph(problem))
  })
})
