import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Graph, GraphBuilder } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import * as ops from '../../src/ops/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { randomArray, seededRandom } from '../random.js'

/** First contact with an adapter: kernels against float64 before they are used. */

let folder: string
let warnings: string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-self-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Convolutions of all kinds, with all that kernels can do to their results. */
function everyConvolution(): Graph {
  const graph = new GraphBuilder('every convolution')
  const x = ops.inputTensor(graph, 'x', { n: 2, h: 9, w: 10, c: 5 })
  const y = ops.inputTensor(graph, 'y', { n: 2, h: 9, w: 10, c: 3 })
  const both = ops.concat(graph, 'both', [x, y])
  const layer = { kernel: 3, stride: 1, padding: 1 } as const
  const a = ops.conv2d(graph, 'a', both, { ...layer, weight: 'a.w', bias: 'a.b', outChannels: 8 })
  const pa = ops.prelu(graph, 'pa', a, 'pa.s')
  const b = ops.conv2d(graph, 'b', pa, { ...layer, weight: 'b.w', outChannels: 8 })
  const sum = ops.relu(graph, 'rb', ops.add(graph, 'sum', b, pa))
  const c = ops.conv2d(graph, 'c', sum, {
    weight: 'c.w',
    outChannels: 6,
    kernel: [3, 2],
    stride: 2,
    padding: 'same',
  })
  const d = ops.depthwiseConv2d(graph, 'd', ops.sigmoid(graph, 'sc', c), {
    ...layer,
    weight: 'd.w',
    bias: 'd.b',
  })
  const up = { weight: 't.w', bias: 't.b', outChannels: 5, kernel: 4, stride: 2, padding: 1 } as const
  const t = ops.leakyRelu(graph, 'lt', ops.transposedConv2d(graph, 't', d, up), 0.1)
  ops.outputTensor(
    graph,
    'f',
    ops.tanh(graph, 'tf', ops.fullyConnected(graph, 'f', t, { weight: 'f.w', outChannels: 7 })),
  )
  return graph.build()
}

const weights: WeightSource = {
  tensor: (name, shape) =>
    Float32Array.from(
      randomArray(
        seededRandom(name),
        shape.reduce((a, b) => a * b, 1),
        [-0.5, 0.5],
      ),
    ),
}
const inputs = { x: new Float32Array(900).fill(0.5), y: new Float32Array(540).fill(-0.5) }

async function testing(): Promise<Engine> {
  warnings = []
  const onWarning = (message: string) => warnings.push(message)
  return await Engine.open({ selfTest: { software: true, folder, onWarning } })
}

/** Adds what a driver's fault would: kernels whose code holds `mark` give one and a half times the value. */
function breakKernels(engine: Engine, mark: RegExp): void {
  const { device } = engine
  const original = device.createShaderModule
  device.createShaderModule = (descriptor) =>
    original.call(device, {
      ...descriptor,
      code: mark.test(`${descriptor.label}`)
        ? descriptor.code.replaceAll('bias', '1.5 * bias').replaceAll(/\bfma\(/g, '1.5 * fma(')
        : descriptor.code,
    })
}

const stored = async () => (await readdir(folder)).filter((file) => file.startsWith('self-test-'))

describe('the self-test of kernels', () => {
  it('finds both schedules right, and stores that', async () => {
    const engine = await testing()
    const results: Record<string, unknown>[] = []
    for (const schedule of ['software', 'hardware'] as const) {
      const plan = await engine.compile(everyConvolution(), { weights, schedule })
      results.push(await plan.compute(inputs))
      plan.dispose()
    }
    expect(warnings).toEqual([])
    expect(engine.stats.liveBuffers).toBe(0)
    const files = await stored()
    expect(files).toHaveLength(2)
    for (const file of files) {
      const { choices } = JSON.parse(await readFile(join(folder, file), 'utf8')) as {
        choices: Record<string, string>
      }
      // Of layers that choose one of a kind each: a, b, c, t and f.
      const layers = Object.entries(choices).filter(([key]) => key.includes(' = '))
      expect(layers.map(([, verdict]) => verdict)).toEqual(Array(5).fill('right'))
      const others = Object.entries(choices).filter(([key]) => !key.includes(' = '))
      expect(others.map(([key]) => key.replace(/\(.*/, ''))).toEqual(
        expect.arrayContaining(['depthwise.wgsl', 'pack.wgsl', 'unpack.wgsl']),
      )
      expect(others.filter(([, verdict]) => verdict !== 'right')).toEqual([])
    }
    const [first, second] = results.map(({ f }) => f as Float32Array)
    for (const [i, value] of (first ?? []).entries()) expect(second?.[i]).toBeCloseTo(value, 4)
    engine.dispose()
  })

  it('takes the other schedule where stored verdicts say that a kernel is wrong, and none where both are', async () => {
    const files = await stored()
    const spoil = async (file: string) => {
      const content = JSON.parse(await readFile(join(folder, file), 'utf8')) as {
        choices: Record<string, string>
      }
      const key = Object.keys(content.choices).find((name) => name.includes(' = ')) ?? ''
      content.choices[key] = 'conv_x.wgsl 8px differs from float64: mean squared error 1e+0'
      await writeFile(join(folder, file), JSON.stringify(content))
      return (content as unknown as { identity: { schedule: string } }).identity.schedule
    }
    const wrong = await spoil(files[0] as string)
    const engine = await testing()
    const plan = await engine.compile(everyConvolution(), { weights, schedule: wrong as 'hardware' })
    expect(plan.spec.schedule).not.toBe(wrong)
    expect(warnings).toEqual([
      expect.stringMatching(/conv_x\.wgsl 8px differs from float64.*layer "\w+".*schedule are taken/),
    ])
    await spoil(files[1] as string)
    await expect(engine.compile(everyConvolution(), { weights })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /computes wrong: conv_x\.wgsl .*; update its driver, or choose another adapter/,
      ),
    })
    engine.dispose()
  })

  it('notices kernels that compute wrong', async () => {
    await rm(folder, { recursive: true, force: true })
    const engine = await testing()
    breakKernels(engine, /conv_|winograd|depthwise/)
    await expect(engine.compile(everyConvolution(), { weights })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/\.wgsl .* differs from float64: mean squared error/),
    })
    engine.dispose()
  })
})
