import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { planGraph } from '../../src/graph/plan.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { fullyConnected } from '../../src/ops/conv/fully-connected.js'
import { transposedConv2d } from '../../src/ops/conv/transposed-conv2d.js'
import { leakyRelu } from '../../src/ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { add } from '../../src/ops/tensor/elementwise.js'
import { LAYER_NODE, LAYER_OUTPUT, tunableLayers } from '../../src/runtime/tunable.js'
import { fakeCaps } from '../graph/caps.js'

/** Two alike layers with activations, one on a concatenation, one with a residual, one of each other kind. */
function network() {
  const graph = new GraphBuilder('network')
  const x = inputTensor(graph, 'x', { n: 1, h: 12, w: 10, c: 8 })
  const layer = { outChannels: 8, kernel: 3, stride: 1, padding: 1 } as const
  const one = leakyRelu(graph, 'one/act', conv2d(graph, 'one', x, { ...layer, weight: 'one' }), 0.1)
  const two = leakyRelu(graph, 'two/act', conv2d(graph, 'two', one, { ...layer, weight: 'two' }), 0.1)
  const three = add(graph, 'sum', conv2d(graph, 'three', two, { ...layer, weight: 'three' }), two)
  const joined = concat(graph, 'joined', [
    three,
    conv2d(graph, 'narrow', x, { ...layer, weight: 'narrow', outChannels: 3 }),
  ])
  const four = conv2d(graph, 'four', joined, { ...layer, weight: 'four' })
  const up = transposedConv2d(graph, 'up', four, {
    weight: 'up',
    outChannels: 5,
    kernel: 4,
    stride: 2,
    padding: 1,
  })
  outputTensor(graph, 'out', fullyConnected(graph, 'full', up, { weight: 'full', outChannels: 7 }))
  return graph.build()
}

const adapters = [
  { name: 'software, 4 lanes', caps: fakeCaps() },
  { name: 'software, no subgroups', caps: fakeCaps({ subgroups: false }) },
  {
    name: 'hardware',
    caps: fakeCaps({ software: false, subgroupMinSize: 32, subgroupMaxSize: 64, f16: true }),
  },
]

describe.each(adapters)('tunable layers on $name', ({ caps }) => {
  const layers = tunableLayers(network(), caps)

  it('are the distinct ones, each with the nodes it stands for', () => {
    const nodes = layers.map((layer) => layer.nodes)
    expect(nodes).toEqual([['one', 'two'], ['three'], ['narrow'], ['four'], ['up'], ['full']])
    expect(new Set(layers.map(({ key }) => key)).size).toBe(layers.length)
  })

  it('offer only candidates that fit, the default among them', () => {
    for (const { graph, candidates, chosen } of layers) {
      expect(candidates).toContain(chosen)
      expect(new Set(candidates).size).toBe(candidates.length)
      for (const name of candidates) {
        const { steps } = planGraph(graph, caps, { variants: { [LAYER_NODE]: name } })
        const own = steps.filter((step) => step.name.startsWith(LAYER_NODE))
        // A variant that does not fit is ignored: the plan would name the default.
        expect(own.some((step) => baseOf(step.variant) === baseOf(name))).toBe(true)
        for (const step of own) {
          const { maxComputeWorkgroupsPerDimension } = caps.limits
          expect(Math.max(...step.workgroups)).toBeLessThanOrEqual(maxComputeWorkgroupsPerDimension)
        }
      }
    }
  })

  it('keep layout, epilogue and result in their graph of one node', () => {
    for (const { nodes, graph } of layers) {
      const [name = ''] = nodes
      const whole = planGraph(network(), caps)
      const alone = planGraph(graph, caps)
      const stepsOf = (spec: typeof whole, node: string) =>
        spec.steps
          .filter((step) => step.name.replace(/#\d+$/, '') === node)
          .map(({ kernel, variant, params, workgroups, shapes }) => ({
            kernel,
            variant,
            params,
            workgroups,
            shapes,
          }))
      expect(stepsOf(alone, LAYER_NODE)).toEqual(stepsOf(whole, name))
      expect([...alone.outputs.keys()]).toEqual([LAYER_OUTPUT])
    }
  })

  it('take the variants that choices name, and print them', () => {
    for (const { key, candidates, chosen, nodes } of layers) {
      const other = candidates.find((name) => baseOf(name) !== baseOf(chosen)) as string
      const spec = planGraph(network(), caps, { choices: { [key]: other, 'some other layer': 'x' } })
      for (const node of nodes) {
        const own = spec.steps.filter((step) => step.name.replace(/#\d+$/, '') === node)
        expect(own.map((step) => baseOf(step.variant))).toContain(baseOf(other))
      }
    }
  })

  it('ignore choices that do not fit, and put names before keys', () => {
    const [{ key, candidates, chosen }] = layers as [(typeof layers)[number]]
    const plain = planGraph(network(), caps)
    expect(planGraph(network(), caps, { choices: { [key]: 'no such variant' } }).steps).toEqual(plain.steps)
    const other = candidates.find((name) => baseOf(name) !== baseOf(chosen)) as string
    const forced = planGraph(network(), caps, {
      choices: { [key]: other },
      variants: { one: chosen, two: chosen },
    })
    expect(forced.steps).toEqual(plain.steps)
  })
})

/** Steps print a tile, and the number of parts of its sum behind it. */
function baseOf(name: string): string {
  return name.replace(/ \/\d+$/, '').replace(/-(whole|split\d+)$/, '')
}
