import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import {
  type OcclusionFrame,
  occlusionInputs,
  occlusionNetwork,
  occlusionShapes,
} from '../../src/nets/occlusion.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import type { RefTensor } from '../cases/case.js'
import { randomArray, seededRandom } from '../random.js'
import { elementOf, refTensor } from '../reference/dense.js'
import { poolReference } from '../reference/pool.js'
import { concatReference } from '../reference/structure.js'
import { warpReference } from '../reference/warp.js'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.dispose())

describe('what the occlusion network sees', () => {
  const [n, h, w] = [2, 12, 20]
  const random = seededRandom('occlusion inputs')
  const tensor = (c: number, range: number): RefTensor => ({
    ...{ n, h, w, c },
    data: randomArray(random, n * h * w * c, [-range, range]),
  })
  /** Depth, two weights, and a triangle on most pixels. */
  const raster = (): RefTensor => {
    const { data } = tensor(1, 90)
    return refTensor(n, h, w, 4, (b, y, x, c) => {
      const i = (b * h + y) * w + x
      const isFace = i % 5 !== 0
      return c === 3 ? (isFace ? i : -1) : c === 0 && isFace ? Math.fround(data[i] as number) : 0
    })
  }
  const frames = [0, 1].map(() => ({ image: tensor(3, 1), flow: tensor(3, 4), fragments: raster() }))

  it('is A, and B moved to A, at half of the resolution', async () => {
    const graph = new GraphBuilder('inputs')
    const values = frames.map((frame, i) =>
      Object.fromEntries(
        Object.entries(frame).map(([name, { c }]) => [
          name,
          inputTensor(graph, `${name} ${i}`, { n, h, w, c }),
        ]),
      ),
    ) as unknown as [OcclusionFrame, OcclusionFrame]
    outputTensor(graph, 'inputs', occlusionInputs(graph, 'occlusion', values))
    const plan = await engine.compile(graph.build(), { storage: 'f32' })
    const given = frames.flatMap((frame, i) =>
      Object.entries(frame).map(([name, { data }]) => [`${name} ${i}`, Float32Array.from(data)]),
    )
    const { inputs } = await plan.compute(Object.fromEntries(given))
    plan.dispose()

    const [a, b] = frames.map(({ image, flow, fragments }) =>
      concatReference([
        image,
        refTensor(n, h, w, 2, (batch, y, x, c) => {
          const isFace = elementOf(fragments, batch, y, x, 3) >= 0
          return isFace ? (c === 1 ? 1 : elementOf(fragments, batch, y, x, 0) / 100) : 0
        }),
        refTensor(n, h, w, 3, (batch, y, x, c) => elementOf(flow, batch, y, x, c) / 20),
      ]),
    ) as [RefTensor, RefTensor]
    const moved = warpReference(b, (frames[0] as (typeof frames)[number]).flow, 1, 'zero')
    const wanted = poolReference(concatReference([a, moved]), 'avg', {
      ...{ kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
      ...{ outHeight: h / 2, outWidth: w / 2 },
    })
    expect(inputs).toHaveLength(wanted.data.length)
    const worst = wanted.data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - ((inputs as Float32Array)[i] as number))),
      0,
    )
    expect(worst).toBeLessThan(1e-4)
  })
})

describe('the shipped occlusion network', () => {
  const SIDE = 56

  /** Of test/fixtures/dffnet-random/README.md. */
  function uniform(name: string, i: number): number {
    let h = 2166136261
    for (const char of name) h = Math.imul(h ^ char.charCodeAt(0), 16777619)
    let x = (h + Math.imul(i, 0x9e3779b9)) >>> 0
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
    return ((x ^ (x >>> 16)) >>> 8) / 2 ** 24
  }

  it('has weights for every layer and no others', async () => {
    const weights = await readSafetensors('weights/occlusion.safetensors')
    const shapes = weights.entries().map(({ name, shape }) => [name, shape])
    expect(Object.fromEntries(shapes)).toEqual(Object.fromEntries(occlusionShapes()))
  })

  // By test/fixtures/occlusion/README.md.
  it('gives what PyTorch gives', async () => {
    const golden = await readSafetensors('test/fixtures/occlusion/golden.safetensors')
    const graph = new GraphBuilder('occlusion')
    const inputs = inputTensor(graph, 'inputs', { n: 1, h: SIDE, w: SIDE, c: 16 })
    outputTensor(graph, 'maps', occlusionNetwork(graph, 'occlusion', inputs))
    const weights = await readSafetensors('weights/occlusion.safetensors')
    const plan = await engine.compile(graph.build(), { weights, storage: 'f32' })
    const maps = (
      await plan.compute({
        inputs: Float32Array.from({ length: SIDE * SIDE * 16 }, (_, i) => {
          const channelMajor = (i % 16) * SIDE * SIDE + Math.floor(i / 16)
          return 2 * uniform('occlusion.inputs', channelMajor) * 0.5 - 0.5
        }),
      })
    ).maps as Float32Array
    plan.dispose()
    const expected = golden.tensor('maps', [2, SIDE, SIDE])
    const [low, high] = [Math.min(...expected), Math.max(...expected)]
    expect(high - low).toBeGreaterThan(0.3)
    const worst = expected.reduce((most, wanted, i) => {
      const [c, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE]
      const found = maps[2 * (2 * y * 2 * SIDE + 2 * x) + c] as number
      return Math.max(most, Math.abs(found - wanted))
    }, 0)
    expect(worst).toBeLessThan(2e-3)
  })
})
