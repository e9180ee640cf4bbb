import { expect, it } from 'vitest'
import { registeredGraph, SHIPPED } from '../../bench/lib/networks.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import { reflectKernel } from '../../src/gpu/shader/reflect.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { planGraph } from '../../src/graph/plan.js'
import { KernelSource } from '../../src/platform/index.js'
import { allCases } from '../cases/index.js'
import { fakeCaps } from '../graph/caps.js'
import { caseGraph } from '../kernels/run-case.js'
import { referenceInterface } from '../reference/wgsl-interface.js'

/** The engine's own reading of declarations, against a parser of the whole language. */

const source = new KernelSource()

it.each(['software', 'hardware'] as const)(
  'every kernel text of the networks and of the case table, %s schedule',
  async (schedule: Schedule) => {
    const software = schedule === 'software'
    const caps = fakeCaps({ software, f16: true, subgroupMinSize: software ? 4 : 32 })
    const graphs: Graph[] = [
      await registeredGraph(SHIPPED),
      ...allCases.map((opCase) => caseGraph(opCase).built),
    ]
    const texts = new Map<string, ReturnType<typeof preprocess>>()
    for (const graph of graphs) {
      for (const storage of ['f32', 'f16'] as const) {
        for (const { kernel, params } of planGraph(graph, caps, { schedule, storage }).steps) {
          const shader = preprocess(kernel, params, source.load)
          texts.set(shader.code, shader)
        }
      }
    }
    // The whole parser takes a second over some texts: of each file the shortest three.
    const compared = new Map<string, number>()
    for (const shader of [...texts.values()].sort((a, b) => a.code.length - b.code.length)) {
      const before = compared.get(shader.file) ?? 0
      if (before === 3) continue
      compared.set(shader.file, before + 1)
      const { entryPoint, workgroupSize, bindings, uniform } = reflectKernel(shader)
      const own = { entryPoint, workgroupSize, bindings: [...bindings.values()], uniform }
      expect(own, shader.file).toEqual(referenceInterface(shader.code))
    }
    expect(compared.size).toBeGreaterThan(30)
  },
)
