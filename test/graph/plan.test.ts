import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { assignSlots } from '../../src/graph/memory.js'
import { type Location, planGraph } from '../../src/graph/plan.js'
import { planTotals, printPlan } from '../../src/graph/print-plan.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { addVertexMotion } from '../../src/ops/mesh/add-vertex-motion.js'
import { leakyRelu, relu } from '../../src/ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { channelPad } from '../../src/ops/tensor/channels.js'
import { batchConcat, batchSlice, concat, concatPart } from '../../src/ops/tensor/concat.js'
import { add } from '../../src/ops/tensor/elementwise.js'
import { poolMax } from '../../src/ops/tensor/pool.js'
import { fakeCaps } from './caps.js'
import { buildRandomGraph, recipes } from './random-graph.js'

const conv3 = { kernel: 3, stride: 1, padding: 1 } as const

describe('fusion', () => {
  it('moves activations and residual adds into the convolution before them', () => {
    const graph = new GraphBuilder('block')
    const x = inputTensor(graph, 'x', { n: 1, h: 8, w: 8, c: 8 })
    const a = leakyRelu(graph, 'act', conv2d(graph, 'a', x, { ...conv3, weight: 'a', outChannels: 8 }), 0.1)
    const b = conv2d(graph, 'b', a, { ...conv3, weight: 'b', outChannels: 8 })
    outputTensor(graph, 'y', relu(graph, 'end', add(graph, 'sum', b, a)))
    const plan = planGraph(graph.build(), fakeCaps())
    expect([...new Set(plan.steps.map((step) => step.op))]).toEqual(['pack', 'conv2d', 'unpack'])
    expect(plan.steps.filter((step) => step.op === 'conv2d').at(-1)?.params.RESIDUAL).toBe(1)
  })

  it('reads residuals where they come from: no dispatch widens or pools them', () => {
    const graph = new GraphBuilder('block')
    const x = inputTensor(graph, 'x', { n: 1, h: 8, w: 8, c: 4 })
    const down = conv2d(graph, 'down', x, { ...conv3, stride: 2, weight: 'a', outChannels: 8 })
    const pooled = poolMax(graph, 'pool', x, { kernel: 2, stride: 2, padding: 0 })
    outputTensor(graph, 'y', relu(graph, 'end', add(graph, 'sum', down, channelPad(graph, 'pad', pooled, 8))))
    const plan = planGraph(graph.build(), fakeCaps())
    expect(plan.steps.map((step) => step.op)).toEqual(['pack', 'conv2d', 'unpack'])
    expect(plan.steps[1]?.uniforms.residual).toMatchObject({ height: 8, planes: 1 })
  })

  it('pools a residual itself where others read it, and windows that the epilogue does not know', () => {
    for (const [attrs, shared] of [
      [{ kernel: 2, stride: 2, padding: 0 }, true],
      [{ kernel: 3, stride: 2, padding: 1 }, false],
    ] as const) {
      const graph = new GraphBuilder('block')
      const x = inputTensor(graph, 'x', { n: 1, h: 8, w: 8, c: 4 })
      const down = conv2d(graph, 'down', x, { ...conv3, stride: 2, weight: 'a', outChannels: 4 })
      const pooled = poolMax(graph, 'pool', x, attrs)
      outputTensor(graph, 'y', add(graph, 'sum', down, pooled))
      if (shared) outputTensor(graph, 'pooled', pooled)
      expect(planGraph(graph.build(), fakeCaps()).steps.map((step) => step.op)).toContain('poolMax')
    }
  })

  it('stores dense floats where an op can and nobody else reads what it gives', () => {
    const opsOf = (others: number) => {
      const graph = new GraphBuilder('spread')
      const map = (name: string, h: number, w: number, c: number) =>
        inputTensor(graph, name, { n: 1, h, w, c })
      const [flow, fragments, values] = [
        map('flow', 6, 4, 3),
        map('fragments', 6, 4, 4),
        map('values', 1, 1, 3),
      ]
      const attrs = { triangles: Uint32Array.of(0, 1, 2), scale: 1 }
      const spread = addVertexMotion(graph, 'spread', flow, fragments, values, attrs)
      for (let i = 0; i <= others; i++) outputTensor(graph, `y${i}`, spread)
      return planGraph(graph.build(), fakeCaps()).steps.map((step) => step.op)
    }
    expect(opsOf(0)).toEqual(['pack', 'pack', 'pack', 'addVertexMotion'])
    expect(opsOf(1)).toEqual(['pack', 'pack', 'pack', 'addVertexMotion', 'unpack', 'unpack'])
  })

  it('leaves a value alone that has a second reader', () => {
    const graph = new GraphBuilder('shared')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 4 })
    const a = conv2d(graph, 'a', x, { ...conv3, weight: 'a', outChannels: 4 })
    outputTensor(graph, 'activated', relu(graph, 'act', a))
    outputTensor(graph, 'plain', a)
    const plan = planGraph(graph.build(), fakeCaps())
    expect(plan.steps.map((step) => step.op)).toContain('relu')
  })
})

describe('placement', () => {
  it('writes skip connections of a siamese batch straight into the concatenation', () => {
    const graph = new GraphBuilder('skip')
    const i1 = inputTensor(graph, 'i1', { n: 1, h: 8, w: 8, c: 3 })
    const i2 = inputTensor(graph, 'i2', { n: 1, h: 8, w: 8, c: 3 })
    const both = batchConcat(graph, 'both', [i1, i2])
    const features = conv2d(graph, 'features', both, { ...conv3, weight: 'w', outChannels: 6 })
    const first = batchSlice(graph, 'first', features, 0, 1)
    const encoded = conv2d(graph, 'encoded', features, { ...conv3, weight: 'e', outChannels: 5 })
    const deep = conv2d(graph, 'deep', encoded, { ...conv3, weight: 'd', outChannels: 5 })
    const skip = concat(graph, 'skip', [batchSlice(graph, 'deep first', deep, 0, 1), first])
    const decoded = conv2d(graph, 'decoded', skip, { ...conv3, weight: 'u', outChannels: 6 })
    outputTensor(graph, 'y', concat(graph, 'full', [decoded, i1, i2]))
    const plan = planGraph(graph.build(), fakeCaps())
    expect(plan.steps.filter((step) => step.kernel === 'copy.wgsl')).toEqual([])
  })

  it('views a part of a concatenation where it lies', () => {
    const graph = new GraphBuilder('parts')
    const x = inputTensor(graph, 'x', { n: 2, h: 4, w: 4, c: 4 })
    const layer = (name: string, outChannels: number) =>
      conv2d(graph, name, x, { ...conv3, weight: name, outChannels })
    const both = concat(graph, 'both', [layer('a', 5), layer('b', 3)])
    const part = concatPart(graph, 'part', both, 1)
    outputTensor(graph, 'y', conv2d(graph, 'c', part, { ...conv3, weight: 'c', outChannels: 4 }))
    const plan = planGraph(graph.build(), fakeCaps({ software: false }), { schedule: 'hardware' })
    expect(plan.steps.filter((step) => step.kernel === 'copy.wgsl')).toEqual([])
    const [input] = plan.steps
      .filter(({ name }) => name === 'c')
      .map(({ uniforms }) => Object.values(uniforms))
    expect(input).toContainEqual(expect.objectContaining({ offset: 32, batchStride: 48, planes: 1 }))
  })

  it('copies a value that wants two places in one buffer: no dispatch may read and write it', () => {
    const graph = new GraphBuilder('twice')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 4 })
    outputTensor(graph, 'y', concat(graph, 'cat', [x, x]))
    const plan = planGraph(graph.build(), fakeCaps())
    expect(plan.steps.filter((step) => step.kernel === 'copy.wgsl')).toHaveLength(2)
  })
})

describe('every plan', () => {
  it('binds no buffer as read and written in one step, and keeps slots as large as what they hold', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const plan = planGraph(buildRandomGraph(recipe), fakeCaps())
        for (const step of plan.steps) {
          const places = Object.values(step.bindings)
            .filter((at) => at.kind !== 'packed')
            .map((at) => JSON.stringify(at))
          const written = step.writesFloats.map(({ at }) => JSON.stringify(at))
          for (const at of new Set(written)) expect(places.filter((place) => place === at)).toHaveLength(1)
          for (const { at, start, count } of step.writesFloats) {
            if (at.kind === 'slot')
              expect((start + count) * 4).toBeLessThanOrEqual(plan.slotBytes[at.slot] ?? 0)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is never larger than the unoptimised one', () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const graph = buildRandomGraph(recipe)
        const optimised = planTotals(planGraph(graph, fakeCaps()))
        const plain = planTotals(planGraph(graph, fakeCaps(), { optimise: false }))
        expect(optimised.steps).toBeLessThanOrEqual(plain.steps)
        // What is fused counts with its producer, which names its own operations only.
        expect(optimised.flops).toBeLessThanOrEqual(plain.flops)
      }),
      { numRuns: 200 },
    )
  })

  it('prints as a table', () => {
    const graph = new GraphBuilder('printed')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 6, c: 3 })
    outputTensor(
      graph,
      'y',
      relu(graph, 'act', conv2d(graph, 'conv', x, { ...conv3, weight: 'w', outChannels: 5 })),
    )
    const text = printPlan(planGraph(graph.build(), fakeCaps()))
    expect(text).toContain('1x4x6x3 -> 1x4x6x5')
    expect(text.split('\n').at(-1)).toMatch(
      /^printed: 3 steps, 0\.000 GFLOP, 2 slots, .* f32, software schedule$/,
    )
  })

  it('refuses f16 storage and variants of unknown nodes with a reason', () => {
    const graph = new GraphBuilder('options')
    outputTensor(graph, 'y', inputTensor(graph, 'x', { n: 1, h: 2, w: 2, c: 1 }))
    const built = graph.build()
    expect(() => planGraph(built, fakeCaps(), { storage: 'f16' })).toThrow(/shader-f16/)
    expect(() => planGraph(built, fakeCaps(), { variants: { nothing: 'x' } })).toThrow(/no node "nothing"/)
  })
})

describe('slots', () => {
  it('never give two living tenants one buffer, and hold the largest', () => {
    const tenants = fc.array(
      fc
        .record({ bytes: fc.integer({ min: 1, max: 1000 }), first: fc.nat(30), length: fc.nat(10) })
        .map(({ bytes, first, length }) => ({ bytes, first, last: first + length })),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(tenants, (list) => {
        const { slotOf, slotBytes } = assignSlots(list)
        list.forEach((a, i) => {
          expect(slotBytes[slotOf[i] as number]).toBeGreaterThanOrEqual(a.bytes)
          list.slice(i + 1).forEach((b, offset) => {
            const together = a.first <= b.last && b.first <= a.last
            if (together) expect(slotOf[i]).not.toBe(slotOf[i + 1 + offset])
          })
        })
        expect(slotBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(
          list.reduce((sum, { bytes }) => sum + bytes, 0),
        )
      }),
    )
  })
})

describe('locations', () => {
  it('of inputs and outputs are buffers of their own', () => {
    const graph = new GraphBuilder('border')
    outputTensor(graph, 'y', inputTensor(graph, 'x', { n: 1, h: 2, w: 2, c: 1 }))
    const plan = planGraph(graph.build(), fakeCaps())
    const all: Location[] = plan.steps.flatMap((step) => Object.values(step.bindings))
    expect(all).toContainEqual({ kind: 'input', name: 'x' })
    expect(all).toContainEqual({ kind: 'output', name: 'y' })
  })
})
