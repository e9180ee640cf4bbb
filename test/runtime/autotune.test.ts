import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AutotuneOptions, LayerTiming } from '../../src/runtime/autotune.js'
import { Engine } from '../../src/runtime/engine.js'
import { tunableLayers } from '../../src/runtime/tunable.js'
import { smallGraph, smallInputs, smallWeights } from './small-graph.js'

let engine: Engine
let folder: string
let reference: Float32Array
const timings: LayerTiming[] = []
const warnings: string[] = []
let options: AutotuneOptions

beforeAll(async () => {
  engine = await Engine.open()
  folder = await mkdtemp(join(tmpdir(), 'dff-autotune-'))
  options = {
    software: true,
    folder,
    onLayer: (timing) => timings.push(timing),
    onWarning: (warning) => warnings.push(warning),
  }
  const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
  reference = (await plan.compute(smallInputs())).flow as Float32Array
  plan.dispose()
})

afterAll(async () => {
  engine.dispose()
  await rm(folder, { recursive: true, force: true })
})

async function compileTuned(changes: Partial<AutotuneOptions> = {}) {
  timings.length = 0
  warnings.length = 0
  const plan = await engine.compile(smallGraph(), {
    weights: smallWeights(),
    autotune: { ...options, ...changes },
  })
  const { flow } = await plan.compute(smallInputs())
  const variants = plan.spec.steps.map(({ name, variant }) => [name, variant] as const)
  const text = plan.toString()
  plan.dispose()
  return { flow: flow as Float32Array, variants, text }
}

function expectSame(flow: Float32Array): void {
  const range = Math.max(...reference.map(Math.abs))
  expect(Math.max(...reference.map((want, i) => Math.abs(want - (flow[i] ?? Number.NaN))))).toBeLessThan(
    1e-4 * range,
  )
}

describe('autotuning', () => {
  it('times every candidate of every layer, frees what it made, and gives the same result', async () => {
    const before = engine.stats.liveBuffers
    const { flow, text } = await compileTuned()
    expect(engine.stats.liveBuffers).toBe(before)
    expect(warnings).toEqual([])
    const layers = tunableLayers(smallGraph(), engine.caps)
    expect(timings.map(({ key }) => key)).toEqual(layers.map(({ key }) => key))
    for (const [index, { ms, rejected, chosen, byDefault, nodes }] of timings.entries()) {
      expect(rejected).toEqual({})
      expect(Object.keys(ms).sort()).toEqual([...(layers[index]?.candidates ?? [])].sort())
      for (const time of Object.values(ms)) expect(time).toBeGreaterThanOrEqual(0)
      expect(ms[chosen]).toBeLessThanOrEqual(ms[byDefault] as number)
      const line = text.split('\n').find((row) => row.includes(` ${nodes[0]}`)) ?? ''
      expect(line).toContain(chosen.replace(/-whole$/, ''))
    }
    expectSame(flow)
  }, 240_000)

  it('times nothing again, and needs no times to use what is stored', async () => {
    const [file] = await readdir(folder)
    expect(file).toMatch(/^autotune-[0-9a-f]{16}\.json$/)
    const measured = await compileTuned()
    expect(timings).toEqual([])
    const cached = await compileTuned({ mode: 'cached', software: false })
    expect(timings).toEqual([])
    expect(cached.variants).toEqual(measured.variants)
    expect(warnings).toEqual([])
  })

  it('plans with what is stored, whatever it is, as long as it fits', async () => {
    const layers = tunableLayers(smallGraph(), engine.caps)
    const choices = Object.fromEntries(layers.map(({ key }) => [key, 'matrix-4x4']))
    const plan = await engine.compile(smallGraph(), { weights: smallWeights(), choices })
    const own = plan.spec.steps.filter(({ name }) => name === 'features' || name === 'predict')
    expect(own.map(({ variant }) => variant)).toEqual(['matrix-4x4', 'matrix-4x4'])
    expect(plan.toString()).toContain('matrix-4x4')
    expectSame((await plan.compute(smallInputs())).flow as Float32Array)
    plan.dispose()
  })

  it('ignores a damaged file with a warning', async () => {
    const [file = ''] = await readdir(folder)
    await writeFile(join(folder, file), '{"format": 1, "choi')
    const { flow } = await compileTuned({ mode: 'cached' })
    expect(warnings).toEqual([expect.stringMatching(/autotune-.*damaged/)])
    expectSame(flow)
  })

  it('leaves software adapters alone unless they are asked for', async () => {
    await rm(folder, { recursive: true, force: true })
    const { flow } = await compileTuned({ software: false })
    expect(timings.length > 0).toBe(!engine.caps.software)
    expect(warnings).toHaveLength(engine.caps.software ? 1 : 0)
    expectSame(flow)
  })
})
