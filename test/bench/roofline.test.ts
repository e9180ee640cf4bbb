import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barChart, lineChart } from '../../bench/lib/svg.js'
import { GPUS, type Gpu, TARGET_GPUS } from '../../bench/roofline/gpus.js'
import { batched, loopEfficiency, model, smallestWithin, type Work } from '../../bench/roofline/model.js'

const gpu: Gpu = {
  name: 'test',
  kind: 'discrete',
  tflops: 10,
  gbytes: 100,
  lanes: 640,
  wave: 64,
  compiledAs: 'navi21',
  source: 'none',
}

/** All lanes of all waves at work, every instruction a multiply-add. */
const ideal: Work = {
  flops: 1e10,
  bytes: 0,
  weightBytes: 0,
  workgroups: 100,
  invocations: 64,
  loop: { multiplyAdds: 64, vectorInstructions: 64, ldsBytes: 0, vmemBytes: 0 },
}

describe('roofline of a dispatch', () => {
  it('reaches the peak rate only if nothing stands in its way', () => {
    expect(model(ideal, gpu, 0)).toMatchObject({ ms: 1, efficiency: 1, bound: 'arithmetic' })
  })

  it('is bound by memory where bytes take longer', () => {
    const work = { ...ideal, flops: 1e9, bytes: 1e8, weightBytes: 1e8 }
    expect(model(work, gpu, 0)).toMatchObject({ ms: 2, bound: 'memory' })
  })

  it('is bound by the dispatch where there is next to nothing to do', () => {
    expect(model({ ...ideal, flops: 1e3 }, gpu, 5)).toMatchObject({ dispatchMs: 0.005, bound: 'dispatch' })
  })

  it('pays for idle lanes and for a last round of waves that does not fill the GPU', () => {
    expect(model({ ...ideal, invocations: 16 }, gpu, 0)).toMatchObject({ ms: 4, bound: 'idle lanes' })
    // 11 waves on 10 places: two rounds.
    expect(model({ ...ideal, workgroups: 11 }, gpu, 0).ms).toBeCloseTo(20 / 11)
    expect(model({ ...ideal, workgroups: 2 }, gpu, 0)).toMatchObject({ ms: 5, bound: 'too few waves' })
  })

  it('takes the slowest unit of the loop', () => {
    const base = { multiplyAdds: 64, vectorInstructions: 80, ldsBytes: 0, vmemBytes: 0 }
    expect(loopEfficiency(base).efficiency).toBeCloseTo(0.8)
    expect(loopEfficiency({ ...base, ldsBytes: 256 })).toEqual({ efficiency: 0.5, bound: 'workgroup memory' })
    expect(loopEfficiency({ ...base, vmemBytes: 256 })).toEqual({ efficiency: 0.5, bound: 'first cache' })
    expect(loopEfficiency({ ...base, ldsBytes: 128 }, 32)).toEqual({
      efficiency: 0.5,
      bound: 'workgroup memory',
    })
    expect(loopEfficiency({ ...base, vectorInstructions: 128 }).bound).toBe('instructions')
    expect(loopEfficiency(undefined).efficiency).toBeLessThan(0.2)
  })

  it('never gets slower with a faster GPU, nor dearer per pair with a larger batch', () => {
    const works = fc.record({
      flops: fc.double({ min: 1e6, max: 1e10, noNaN: true }),
      bytes: fc.double({ min: 0, max: 1e8, noNaN: true }),
      weightBytes: fc.double({ min: 0, max: 1e8, noNaN: true }),
      workgroups: fc.integer({ min: 1, max: 5000 }),
      invocations: fc.constantFrom(16, 64, 128, 256),
      loop: fc.constant(ideal.loop),
    })
    fc.assert(
      fc.property(works, (work) => {
        const now = model(work, gpu, 5).ms
        expect(model(work, { ...gpu, tflops: 20, gbytes: 200 }, 5).ms).toBeLessThanOrEqual(now)
        expect(model(batched(work, 4), gpu, 5).ms / 4).toBeLessThanOrEqual(now * (1 + 1e-9))
      }),
    )
  })

  it('finds the smallest GPU within a limit', () => {
    expect(smallestWithin((x) => 100 / x, 16, 0.1, 100)).toBeCloseTo(6.25)
    expect(smallestWithin((x) => 100 / x, 0.5, 0.1, 100)).toBeUndefined()
  })
})

describe('the table of GPUs', () => {
  it('has plausible figures with a source each', () => {
    for (const { tflops, lanes, gbytes, source } of [...GPUS, ...TARGET_GPUS]) {
      // TFLOPS of one multiply-add per lane and clock: the clock lies between 1 and 3 GHz.
      const clock = (tflops * 1e3) / (lanes * 2)
      expect(clock).toBeGreaterThan(1)
      expect(clock).toBeLessThan(3)
      expect(gbytes / tflops).toBeGreaterThan(10)
      expect(source.length).toBeGreaterThan(10)
    }
  })
})

describe('plots', () => {
  it('hold every label, escaped, and every value', () => {
    const svg = barChart({
      title: 'a < b',
      unit: 'ms',
      series: ['one', 'two'],
      bars: [{ label: 'x & y', values: [3, undefined] }],
      limit: { value: 16, label: '16 ms' },
    })
    expect(svg).toContain('a &lt; b')
    expect(svg).toContain('x &amp; y')
    expect(svg.match(/<rect/g)).toHaveLength(4)
    expect(svg).not.toContain('NaN')
    const lines = lineChart({
      title: 't',
      x: { label: 'a', values: [0.25, 1] },
      y: 'ms',
      series: [{ name: 'gpu', values: [4, 30] }],
    })
    expect(lines).toContain('<polyline')
    expect(lines).not.toContain('NaN')
  })
})
