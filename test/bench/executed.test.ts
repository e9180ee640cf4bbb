import { describe, expect, it } from 'vitest'
import { definedFlops, productFlops } from '../../bench/lib/executed.js'
import { registeredGraph, SHIPPED } from '../../bench/lib/networks.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import { reflectKernel } from '../../src/gpu/shader/reflect.js'
import { planGraph } from '../../src/graph/plan.js'
import { KernelSource } from '../../src/platform/node/kernel-source.js'
import { fakeCaps } from '../graph/caps.js'

describe('executed FLOPs', () => {
  // What lies beyond the mesh is found by steps of its own.
  it.each([
    ['amd', 'mesh', 126],
    ['intel', 'mesh', 123],
    ['amd', 'face', 132],
    ['intel', 'face', 129],
  ] as const)(
    'hardware schedule, %s, extent %s: hardly more than the definition, in few dispatches',
    async (vendor, extent, dispatches) => {
      const caps = fakeCaps({ software: false, vendor, subgroupMinSize: 32, subgroupMaxSize: 32 })
      const { steps } = planGraph(await registeredGraph({ ...SHIPPED, extent }), caps)
      const source = new KernelSource()
      const defined = definedFlops(steps)
      const executed = steps.map((step, index) => {
        const { workgroupSize } = reflectKernel(preprocess(step.kernel, step.params, source.load))
        const invocations = workgroupSize.reduce((product, size) => product * size, 1)
        return productFlops(step, invocations) ?? defined[index] ?? 0
      })
      const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
      expect(total(executed) / total(defined)).toBeLessThanOrEqual(1.1)
      expect(steps.length).toBeLessThanOrEqual(dispatches)
    },
  )

  for (const software of [true, false]) {
    it(`${software ? 'software' : 'hardware'} schedule: products explain the definition's FLOPs`, async () => {
      const subgroup = software ? 4 : 32
      const caps = fakeCaps({
        software,
        subgroupMinSize: subgroup,
        subgroupMaxSize: software ? subgroup : 64,
      })
      const { steps } = planGraph(await registeredGraph(SHIPPED), caps)
      const source = new KernelSource()
      const defined = definedFlops(steps)
      const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
      expect(total(defined)).toBe(total(steps.map(({ flops }) => flops)))
      let products = 0
      let executed = 0
      steps.forEach((step, index) => {
        const { workgroupSize } = reflectKernel(preprocess(step.kernel, step.params, source.load))
        const flops = productFlops(
          step,
          workgroupSize.reduce((product, size) => product * size, 1),
        )
        if (flops === undefined) return
        // Winograd saves at most a factor of 4; a transposed convolution split by parity, some more. No tile is mostly padding.
        products += defined[index] ?? 0
        executed += flops
      })
      // The rest refines flow and finds it beyond the mesh.
      expect(products / total(defined)).toBeGreaterThan(0.89)
      expect(executed / products).toBeGreaterThan(0.2)
      expect(executed / products).toBeLessThan(2.5)
    })
  }
})
