import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { planGraph } from '../../src/graph/plan.js'
import { dffnet } from '../../src/nets/dffnet.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import { fakeCaps } from '../graph/caps.js'
import { GOLDEN_BOUND, GOLDEN_NETWORKS, goldenDifferences, network } from './dffnet-goldens.js'

const SIZE = 224
let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
})

afterAll(() => engine.dispose())

/** The hash of test/fixtures/dffnet-random/README.md: the same values there and here, nothing stored. */
function hashOf(name: string): (i: number) => number {
  let h = 2166136261
  for (const char of name) h = Math.imul(h ^ char.charCodeAt(0), 16777619)
  return (i) => {
    let x = (h + Math.imul(i, 0x9e3779b9)) >>> 0
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
    x = (x ^ (x >>> 16)) >>> 0
    return (x >>> 8) / 2 ** 24
  }
}

function boundOf(name: string, shape: readonly number[]): number {
  const [out = 1, input = 1, kh = 1, kw = 1] = shape
  if (name.endsWith('.bias')) return 0.05
  if (name.startsWith('up.')) return Math.sqrt(6 / (1.01 * 4 * out))
  if (name.startsWith('predict.')) return 0.5 * Math.sqrt(3 / (input * 9))
  return Math.sqrt(6 / (1.01 * input * kh * kw))
}

const randomWeights: WeightSource = {
  tensor(name, shape) {
    const bound = boundOf(name, shape)
    const size = shape.reduce((product, d) => product * d, 1)
    const hashed = hashOf(name)
    const values = new Float32Array(size)
    for (let i = 0; i < size; i++) values[i] = (2 * hashed(i) - 1) * bound
    return values
  },
}

function signed(name: string): (i: number) => number {
  const hashed = hashOf(name)
  return (i) => Math.fround(2 * hashed(i) - 1)
}

/** Fills an HWC array from a channel-major formula. */
function interleaved(channels: number, value: (i: number) => number): Float32Array {
  const out = new Float32Array(SIZE * SIZE * channels)
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < SIZE * SIZE; p++) out[p * channels + c] = value(c * SIZE * SIZE + p)
  }
  return out
}

describe('DFFNet with pseudo-random weights against PyTorch', () => {
  for (const { a, file } of [
    { a: 0.375, file: 'dffnet-a0375' },
    { a: 1, file: 'dffnet-a1' },
  ]) {
    it(`a = ${a}: all seven scales within 1e-3 of their range`, async () => {
      const golden = await readSafetensors(`test/fixtures/dffnet-random/${file}.safetensors`)
      const images = new Float32Array(2 * SIZE * SIZE * 3)
      images.set(interleaved(3, signed('input.i1')))
      images.set(interleaved(3, signed('input.i2')), SIZE * SIZE * 3)
      const encoding = interleaved(3, hashOf('input.pncc'))
      const plan = await engine.compile(network(a, 3, false), { weights: randomWeights })
      const outputs = await plan.compute({ images, encoding })
      plan.dispose()
      const sizes = [4, 7, 14, 28, 56, 112, 224]
      sizes.forEach((size, scale) => {
        const step = size === 112 ? 2 : size === 224 ? 4 : 1
        const first = step === 1 ? 0 : 1
        const kept = Math.ceil((size - first) / step)
        const expected = golden.tensor(`flow${scale}`, [3, kept, kept])
        const actual = outputs[`flow${scale}`] as Float32Array
        let range = 0
        let worst = 0
        for (let c = 0; c < 3; c++) {
          for (let y = 0; y < kept; y++) {
            for (let x = 0; x < kept; x++) {
              const want = expected[(c * kept + y) * kept + x] as number
              const at = ((first + y * step) * size + first + x * step) * 3 + c
              worst = Math.max(worst, Math.abs((actual[at] as number) - want))
              range = Math.max(range, Math.abs(want))
            }
          }
        }
        expect(worst / range, `scale ${scale}`).toBeLessThan(1e-3)
      })
    })
  }
})

describe.each(GOLDEN_NETWORKS)('shipped %s', (shipped) => {
  it('gives the flow that PyTorch gives, within 0.05 px on four real pairs', async () => {
    const differences = await goldenDifferences(engine, shipped, 'test/fixtures/dffnet')
    expect(differences).toHaveLength(4)
    for (const [pair, worst] of differences.entries())
      expect(worst, `pair ${pair}`).toBeLessThan(GOLDEN_BOUND)
  })
})

describe('dffnet-m-small-8bit', () => {
  it('stays within 0.5 px of dffnet-m-small everywhere on four real pairs', async () => {
    const differences = await goldenDifferences(
      engine,
      'dffnet-m-small-8bit',
      'test/fixtures/dffnet',
      'dffnet-m-small',
    )
    expect(Math.max(...differences)).toBeLessThan(0.5)
  })
})

describe('the plan of DFFNet', () => {
  for (const { title, fineMatching, gmac } of [
    { title: 'matching at 1/8', fineMatching: false, gmac: 1.41 },
    { title: 'fine matching', fineMatching: true, gmac: 1.62 },
  ]) {
    it(`copies nothing and stays below 24 MB at a = 0.375, ${title}`, () => {
      const graph = new GraphBuilder('dffnet')
      const images = inputTensor(graph, 'images', { n: 2, h: SIZE, w: SIZE, c: 3 })
      const encoding = inputTensor(graph, 'encoding', { n: 1, h: SIZE, w: SIZE, c: 3 })
      const flows = dffnet(graph, images, encoding, { a: 0.375, encodingChannels: 3, fineMatching })
      outputTensor(graph, 'flow', flows.at(-1) as (typeof flows)[number])
      const plan = planGraph(graph.build(), fakeCaps())
      expect(plan.steps.filter((step) => step.kernel === 'copy.wgsl')).toEqual([])
      expect(plan.slotBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(24e6)
      expect(plan.steps.reduce((sum, step) => sum + step.flops, 0) / 2e9).toBeCloseTo(gmac, 1)
    })
  }

  it('refuses inputs of other shapes by name', () => {
    const graph = new GraphBuilder('dffnet')
    const images = inputTensor(graph, 'images', { n: 1, h: SIZE, w: SIZE, c: 3 })
    const encoding = inputTensor(graph, 'encoding', { n: 1, h: SIZE, w: SIZE, c: 3 })
    expect(() => dffnet(graph, images, encoding, { a: 1, encodingChannels: 3, fineMatching: false })).toThrow(
      /images 2NxHxWx3/,
    )
  })
})
