import { describe, expect, it } from 'vitest'
import { Engine } from '../../src/runtime/engine.js'
import { smallGraph, smallInputs, smallWeights } from './small-graph.js'

describe('engine life', () => {
  it('compiles and disposes a plan 200 times and leaves no buffer', async () => {
    const engine = await Engine.open()
    const weights = smallWeights()
    for (let i = 0; i < 200; i++) {
      const plan = await engine.compile(smallGraph(), { weights })
      plan.run(smallInputs())
      plan.dispose()
    }
    expect(engine.stats).toMatchObject({ liveBuffers: 0, liveBytes: 0, plans: 0 })
    engine.dispose()
  })

  it('refuses work after dispose, twice is harmless', async () => {
    const engine = await Engine.open()
    const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
    const other = await engine.compile(smallGraph(), { weights: smallWeights() })
    plan.dispose()
    plan.dispose()
    expect(() => plan.run()).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
    await expect(plan.compute(smallInputs())).rejects.toMatchObject({ code: 'DISPOSED' })
    engine.dispose()
    engine.dispose()
    expect(() => other.run()).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
    await expect(engine.compile(smallGraph())).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(engine.recover()).rejects.toMatchObject({ code: 'DISPOSED' })
    expect(engine.stats.liveBuffers).toBe(0)
  })

  it('rejects what is in flight when the device is lost, and recovers to the same bits', async () => {
    const engine = await Engine.open()
    const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
    const before = await plan.compute(smallInputs())
    const inFlight = plan.compute(smallInputs())
    // Let the call reach the queue before the device goes.
    await Promise.resolve()
    engine.device.destroy()
    await expect(inFlight).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    await expect(plan.compute(smallInputs())).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    await engine.recover()
    expect(await plan.compute(smallInputs())).toEqual(before)
    engine.dispose()
  })

  it('on a device of the caller: leaves it alive, and asks for its successor after a loss', async () => {
    const host = await Engine.open()
    const engine = await Engine.open({ device: host.device })
    const plan = await engine.compile(smallGraph(), { weights: smallWeights() })
    const before = await plan.compute(smallInputs())
    engine.dispose()
    const again = await Engine.open({ device: host.device })
    const second = await again.compile(smallGraph(), { weights: smallWeights() })
    expect(await second.compute(smallInputs())).toEqual(before)
    await expect(again.recover()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    again.dispose()
    host.dispose()
  })
})
