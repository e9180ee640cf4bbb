import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import type { PlanOutputs } from '../../src/runtime/readback.js'
import { buildRandomGraph, recipes, shapeNamedWeights } from '../graph/random-graph.js'
import { randomArray, seededRandom } from '../random.js'
import { SMALL_SIZE, smallGraph, smallWeights } from './small-graph.js'

let engine: Engine
let plan: Plan

beforeAll(async () => {
  engine = await Engine.open()
  plan = await engine.compile(smallGraph(), { weights: smallWeights() })
})

afterAll(() => engine.dispose())

/** Inputs that differ from run to run. */
function inputsOf(run: number): Record<string, Float32Array> {
  const random = seededRandom(`run ${run}`)
  const make = () => Float32Array.from(randomArray(random, SMALL_SIZE, [-1, 1]))
  return { a: make(), b: make() }
}

describe('runs in flight', () => {
  it('2,000 with three in flight: in order, the bits of runs in series, live bytes flat', async () => {
    const kinds = 50
    const inSeries: Float32Array[] = []
    for (let run = 0; run < kinds; run++) {
      inSeries.push((await plan.compute(inputsOf(run))).flow as Float32Array)
    }
    // Three readback buffers have been made after this.
    await Promise.all([0, 1, 2].map((run) => plan.compute(inputsOf(run))))
    const before = engine.stats
    const order: number[] = []
    const waiting: Promise<void>[] = []
    let differing = 0
    for (let run = 0; run < 2000; run++) {
      const inputs = inputsOf(run % kinds)
      const result = plan.compute(inputs).then(({ flow }) => {
        order.push(run)
        if (!same(flow as Float32Array, inSeries[run % kinds] as Float32Array)) differing++
      })
      // They are the caller's again.
      for (const array of Object.values(inputs)) array.fill(Number.NaN)
      waiting.push(result)
      if (waiting.length === 3) await waiting.shift()
    }
    await Promise.all(waiting)
    expect(differing).toBe(0)
    expect(order).toEqual(Array.from({ length: 2000 }, (_, run) => run))
    expect(engine.stats).toEqual(before)
  })

  it('are in order too when more overlap than there are readback buffers, and leave few of these', async () => {
    const { liveBuffers } = engine.stats
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 9 }, (_, run) => plan.compute(inputsOf(run)).then(() => order.push(run))),
    )
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(engine.stats.liveBuffers).toBe(liveBuffers)
  })
})

describe('outputs asked for alone', () => {
  it('are the same in 40 random graphs, whatever lies in the buffers', async () => {
    let leftOut = 0
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const graph = buildRandomGraph(recipe)
        const random = seededRandom('only')
        const draw = () =>
          Object.fromEntries(
            graph.inputs.map(({ name, value }) => {
              const type = graph.types[value]
              const size = (type?.kind === 'raw' ? type.bytes : 0) / 4
              return [name, Float32Array.from(randomArray(random, size, [-1, 1]))]
            }),
          )
        const [inputs, others] = [draw(), draw()]
        const compiled = await engine.compile(graph, { weights: shapeNamedWeights })
        const all = await compiled.compute(inputs)
        for (const name of Object.keys(all)) {
          await compiled.compute(others)
          const only = await compiled.compute(inputs, [name], { only: true })
          expect(only).toEqual({ [name]: all[name] })
          leftOut += compiled.spec.steps.filter(({ serves }) => !serves.includes(name)).length
        }
        compiled.dispose()
      }),
      { numRuns: 40, seed: 7 },
    )
    expect(leftOut).toBeGreaterThan(100)
  })

  it('are all that can be read afterwards', async () => {
    const graph = buildRandomGraph({
      size: [3, 3],
      inputs: [{ n: 1, c: 2 }],
      growth: (['relu', 'sigmoid'] as const).map((op) => ({
        ...{ op, first: 0, second: 0, third: 0, channels: 2, kernel: 1, isOutput: true, isPrecise: false },
      })),
    })
    const two = await engine.compile(graph, { weights: shapeNamedWeights })
    const inputs = { in0: new Float32Array(18).fill(2) }
    await two.compute(inputs, ['out1'], { only: true })
    expect(await two.read(['out1'])).toHaveProperty('out1')
    await expect(two.read()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'plan "random": the last run left output "out0" out; ask it for all',
    })
    await two.compute(inputs, ['out1'])
    expect((await two.read()).out0).toEqual(new Float32Array(18).fill(2))
    two.dispose()
  })
})

describe('reading', () => {
  it('goes into arrays of the caller', async () => {
    const whole = new Float32Array(SMALL_SIZE + 10)
    const flow = whole.subarray(10)
    const expected = await plan.compute(inputsOf(1))
    const results = await plan.compute(inputsOf(1), ['flow'], { into: { flow } })
    expect(results.flow).toBe(flow)
    expect(flow).toEqual(expected.flow)
    expect(whole.subarray(0, 10)).toEqual(new Float32Array(10))
  })

  it.each([
    [{ flow: new Float32Array(SMALL_SIZE - 1) }, /into a Float32Array of 189, got Float32Array of 752 bytes/],
    [{ flow: new Uint8Array(SMALL_SIZE * 4) }, /into a Float32Array of 189, got Uint8Array of 756 bytes/],
    [{ flow: null as unknown as Float32Array }, /got null/],
    ...[0, '', null].map((into): [PlanOutputs, RegExp] => [
      into as never,
      /into holds arrays by the output's name/,
    ]),
    [{ flew: new Float32Array(SMALL_SIZE) }, /output "flew" is not read; it reads "flow"/],
  ])('refuses arrays that do not fit, and does nothing (%#)', async (into, message) => {
    const before = await plan.compute(inputsOf(3))
    await expect(plan.compute(inputsOf(4), ['flow'], { into })).rejects.toThrow(message)
    expect(await plan.read()).toEqual(before)
  })

  it('ends with the reason of the signal, and the plan goes on', async () => {
    const reason = new Error('the user went away')
    const expected = await plan.compute(inputsOf(5))
    await expect(plan.compute(inputsOf(6), undefined, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    expect(await plan.read()).toEqual(expected)

    const abort = new AbortController()
    const flow = new Float32Array(SMALL_SIZE)
    const late = plan.compute(inputsOf(7), ['flow'], { signal: abort.signal, into: { flow } })
    const next = plan.compute(inputsOf(5))
    abort.abort(reason)
    await expect(late).rejects.toBe(reason)
    expect(await next).toEqual(expected)
    expect(flow).toEqual(new Float32Array(SMALL_SIZE))
    const reading = plan.read(undefined, { signal: AbortSignal.abort(reason) })
    await expect(reading).rejects.toBe(reason)
    for (const signal of [{}, null, 0] as AbortSignal[]) {
      await expect(plan.read(undefined, { signal })).rejects.toThrow(/signal is an AbortSignal/)
      await expect(plan.compute(inputsOf(5), undefined, { signal })).rejects.toThrow(
        /signal is an AbortSignal/,
      )
    }
  })
})

function same(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  )
}
