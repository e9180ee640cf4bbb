import { describe, expect, it } from 'vitest'
import {
  bestCosts,
  compareToBaseline,
  FULL_LIMITS,
  gateCosts,
  gateMetrics,
  KERNEL,
  QUICK_LIMITS,
  WHOLE,
} from '../../bench/lib/gate-metrics.js'
import { convolutionShare, layersOf, ratesOf } from '../../bench/lib/layers.js'
import { type NetworkChoice, nodeOf, registeredGraph, SHIPPED, stageOf } from '../../bench/lib/networks.js'
import type { StepCost } from '../../bench/lib/steps.js'
import { channelsOfShape, groupOf } from '../../bench/page/groups.js'
import { layer, PEAKS } from './samples.js'

function stepCost(name: string, flops: number, ms: number): StepCost {
  const step = {
    name,
    op: 'conv2d',
    kernel: `${name}.wgsl`,
    variant: 'v',
    params: {},
    uniforms: {},
    bindings: {},
    workgroups: [1, 1, 1] as const,
    shapes: '',
    flops,
    bytes: 100,
    writesFloats: [],
    serves: [],
  }
  return { step, wallMs: ms, cpuMs: 2 * ms, gpuMs: ms }
}

describe('layers', () => {
  it('are the steps of a node together', () => {
    const [joined, single] = layersOf([
      stepCost('conv#1', 0, 1),
      stepCost('conv#2', 8e6, 3),
      stepCost('other', 1e6, 2),
    ])
    expect(joined).toMatchObject({ name: 'conv', flops: 8e6, bytes: 200, wallMs: 4, cpuMs: 8, gpuMs: 4 })
    expect(joined).toMatchObject({ kernel: 'conv#1 + conv#2', variant: 'v', steps: 2 })
    expect(single).toMatchObject({ name: 'other', flops: 1e6 })
  })

  it('are set against processor time on software adapters and the GPU clock on others', () => {
    expect(ratesOf(layer({}), PEAKS, true)).toMatchObject({ gflops: 25, ofFma: 0.5 })
    expect(ratesOf(layer({}), PEAKS, false)).toMatchObject({ gflops: 100, ofFma: 0.5 })
  })

  it('count by their time in the share of convolutions; other ops do not', () => {
    const share = convolutionShare(
      [
        layer({ flops: 1e9, cpuMs: 20 }),
        layer({ flops: 1e9, cpuMs: 60, op: 'transposedConv2d' }),
        layer({ flops: 9e9, op: 'correlation' }),
      ],
      PEAKS,
      true,
    )
    expect(share.gflops).toBeCloseTo(25)
    expect(share.ofFma).toBeCloseTo(0.5)
  })
})

describe('stages', () => {
  it('divide the graph of a registered pair', () => {
    const stage = stageOf(SHIPPED)
    expect(['stem', 'meshes crops', 'meshes'].map(stage)).toEqual(Array(3).fill('3DMeshReg'))
    expect(['fragments', 'encoding'].map(stage)).toEqual(Array(2).fill('raster + PNCC'))
    expect(['images', 'conv3_1', 'up.5', 'flow'].map(stage)).toEqual(Array(4).fill('DFFNet'))
    const depth = ['depth from motion', 'depth from motion inputs', 'depth.2']
    expect(depth.map(stage)).toEqual(Array(3).fill('depth from motion'))
    expect(['extended motion', 'extended smooth flow'].map(stage)).toEqual(Array(2).fill('beyond the mesh'))
    expect(['refined flow', 'refined flow I2'].map(stage)).toEqual(Array(2).fill('refinement'))
    expect(nodeOf('corr#2')).toBe('corr')
  })
})

describe('the measured graph', () => {
  it("is the library's, depth from motion and refinement included, unless asked otherwise", async () => {
    const nodes = async (choice: NetworkChoice) =>
      (await registeredGraph(choice)).nodes.map(({ name }) => name)
    expect(await nodes(SHIPPED)).toContain('refined flow')
    expect(await nodes(SHIPPED)).toContain('depth from motion')
    expect(await nodes({ ...SHIPPED, refinement: 'none' })).not.toContain('refined flow')
    expect(await nodes({ ...SHIPPED, depth: 'network' })).not.toContain('depth from motion')
  })
})

describe('groups of convolutions', () => {
  it('follow channels and kernels', () => {
    expect(channelsOfShape('1x28x28x(169+16+48)')).toBe(233)
    const of = (shapes: string, kernel = 'conv_direct') => groupOf(layer({ shapes, kernel }), 'DFFNet')
    expect(of('2x224x224x3 -> 2x112x112x32')).toMatch(/^first/)
    expect(of('1x7x7x(192+192+3) -> 1x7x7x3')).toMatch(/^predictions/)
    expect(of('1x28x28x96 -> 1x28x28x96', 'winograd_input + winograd_multiply')).toMatch(/Winograd/)
    expect(of('1x28x28x96 -> 1x14x14x192')).toMatch(/direct/)
  })
})

describe('the gate', () => {
  const layers = [
    layer({ cpuMs: 900 }),
    layer({ op: 'correlation', kernel: 'correlation', cpuMs: 99 }),
    layer({ op: 'resize', kernel: 'resize', cpuMs: 1 }),
  ]
  const baseline = gateMetrics(layers, PEAKS, true)

  it('measures in what the peak rate would do, and leaves small ops to the whole', () => {
    expect(baseline).toEqual({
      [WHOLE]: 50000,
      conv2d: 45000,
      [`${KERNEL}conv_direct`]: 45000,
      correlation: 4950,
      [`${KERNEL}correlation`]: 4950,
    })
    // A machine of half the speed takes twice the time: the same cost.
    const slower = layers.map((l) => ({ ...l, cpuMs: l.cpuMs * 2 }))
    const halved = { ...PEAKS, gflopsPerCpuSecond: PEAKS.gflopsPerCpuSecond / 2 }
    expect(gateMetrics(slower, halved, true)).toEqual(baseline)
  })

  it('passes what scatters and fails on twice the cost, also in the quick form', () => {
    const scaled = (factor: number, op: string) =>
      gateMetrics(
        layers.map((l) => (l.op === op ? { ...l, cpuMs: l.cpuMs * factor } : l)),
        PEAKS,
        true,
      )
    const failed = (factor: number, op: string, limits: typeof FULL_LIMITS) =>
      compareToBaseline(scaled(factor, op), baseline, limits)
        .filter(({ passed }) => !passed)
        .map(({ metric }) => metric)
    for (const limits of [FULL_LIMITS, QUICK_LIMITS]) {
      expect(failed(1.15, 'conv2d', limits)).toEqual([])
      expect(failed(2, 'conv2d', limits)).toEqual([WHOLE, 'conv2d', `${KERNEL}conv_direct`])
      expect(failed(2, 'correlation', limits)).toEqual(['correlation', `${KERNEL}correlation`])
    }
  })

  it('sees a kernel that doubles within an op that hardly changes', () => {
    const steps = [layer({ kernel: 'conv_direct', cpuMs: 900 }), layer({ kernel: 'conv_row', cpuMs: 100 })]
    const before = gateMetrics(steps, PEAKS, true)
    const after = gateMetrics(
      steps.map((step) => (step.kernel === 'conv_row' ? { ...step, cpuMs: 200 } : step)),
      PEAKS,
      true,
    )
    const failed = compareToBaseline(after, before, QUICK_LIMITS).filter(({ passed }) => !passed)
    expect(failed.map(({ metric }) => metric)).toEqual([`${KERNEL}conv_row`])
  })

  it('keeps the better of two looks at each step', () => {
    const costs = (ms: number[]) => gateCosts(ms.map((one, i) => stepCost(`s${i}`, 0, one)))
    const best = bestCosts(costs([3, 1, 5]), costs([2, 4, 5]))
    expect(best.map(({ wallMs }) => wallMs)).toEqual([2, 1, 5])
    expect(best.map(({ kernel }) => kernel)).toEqual(['s0', 's1', 's2'])
  })

  it("allows for another processor's balance, but not for one part that stands out", () => {
    const others = Object.fromEntries(Object.entries(baseline).map(([metric, cost]) => [metric, cost * 1.8]))
    const passes = (metrics: typeof baseline, sameProcessor: boolean) =>
      compareToBaseline(metrics, baseline, QUICK_LIMITS, sameProcessor).every(({ passed }) => passed)
    expect(passes(others, true)).toBe(false)
    expect(passes(others, false)).toBe(true)
    expect(passes({ ...others, correlation: 4950 * 1.8 * 2 }, false)).toBe(false)
    // A faster machine does not hide a loss.
    const faster = Object.fromEntries(Object.entries(baseline).map(([metric, cost]) => [metric, cost * 0.8]))
    expect(passes({ ...faster, correlation: 4950 * 1.8 }, false)).toBe(false)
  })
})
