import { beforeAll, describe, expect, it } from 'vitest'
import type { KernelInterface } from '../../src/gpu/shader/interface.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import { reflectKernel } from '../../src/gpu/shader/reflect.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { type PlanOptions, planGraph } from '../../src/graph/plan.js'
import { KernelSource } from '../../src/platform/index.js'
import { choosingLayers } from '../../src/runtime/tunable.js'
import { allCases } from '../cases/index.js'
import { fakeCaps } from '../graph/caps.js'
import { shippedGraphs } from '../support/shipped-graphs.js'
import { caseGraph, forcedVariant, runsOf } from './run-case.js'

/** What every WebGPU adapter has, whoever made it. */
const DEFAULTS = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupStorageSize: 16384,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBufferBindingSize: 65536,
} as const

const SIZES: Readonly<Record<string, number>> = { u32: 4, i32: 4, f32: 4, f16: 2 }

/** Bytes of a type in workgroup memory. */
function bytesOf(type: string, code: string): number {
  const [, item = '', count] = type.match(/^array<(.*), (\w+)>$/) ?? []
  if (count !== undefined) {
    const length = Number.parseInt(code.match(`const ${count} = (\\d+)`)?.[1] ?? count, 10)
    return length * Math.ceil(bytesOf(item, code) / 4) * 4 * (/vec3/.test(resolved(item, code)) ? 4 / 3 : 1)
  }
  const [, lanes, lane = ''] = resolved(type, code).match(/^vec(\d)<(\w+)>$/) ?? []
  if (lanes !== undefined) return Number(lanes) * (SIZES[lane] ?? Number.NaN)
  return SIZES[resolved(type, code).replace(/^atomic<(\w+)>$/, '$1')] ?? Number.NaN
}

const resolved = (type: string, code: string): string => code.match(`alias ${type} = (.*);`)?.[1] ?? type

const sharedBytes = (code: string): number =>
  [...code.matchAll(/^var<workgroup> \w+: (.*);$/gm)].reduce(
    (sum, [, type = '']) => sum + Math.ceil(bytesOf(type, code) / 16) * 16,
    0,
  )

let graphs: readonly Graph[]
beforeAll(async () => {
  graphs = await shippedGraphs()
})

describe('kernels fit the limits that every adapter has', () => {
  it.each<[Schedule, number]>([
    ['software', 4],
    ['hardware', 32],
  ])('%s schedule, subgroups of %i lanes', (schedule, lanes) => {
    const caps = fakeCaps({
      software: schedule === 'software',
      f16: true,
      subgroupMinSize: lanes,
      subgroupMaxSize: lanes,
      limits: { ...fakeCaps().limits, ...DEFAULTS },
    })
    const source = new KernelSource()
    const texts = new Map<string, { code: string; iface: KernelInterface }>()
    const add = (graph: Graph, options: PlanOptions): void => {
      for (const { kernel, params } of planGraph(graph, caps, { schedule, ...options }).steps) {
        const id = kernel + JSON.stringify(params)
        if (texts.has(id)) continue
        const shader = preprocess(kernel, params, source.load)
        texts.set(id, { code: shader.code, iface: reflectKernel(shader) })
      }
    }
    const layers = new Set<string>()
    for (const graph of graphs) {
      add(graph, {})
      // What autotuning may choose too.
      for (const { graph: layer, key, candidates } of choosingLayers(graph, caps, { schedule })) {
        if (layers.has(key)) continue
        layers.add(key)
        for (const candidate of candidates) add(layer, { choices: { [key]: candidate } })
      }
    }
    for (const opCase of allCases) {
      const { built } = caseGraph(opCase)
      for (const run of runsOf(opCase)) {
        if (run.schedule === schedule) add(built, { variants: forcedVariant(opCase, built, run.variant) })
      }
    }
    expect(texts.size).toBeGreaterThan(100)
    const beyond = [...texts].flatMap(([id, { code, iface }]) => {
      const [x, y, z] = iface.workgroupSize
      const buffers = [...iface.bindings.values()].filter(({ kind }) => kind === 'storage').length
      const figures: Record<keyof typeof DEFAULTS, number> = {
        maxComputeInvocationsPerWorkgroup: x * y * z,
        maxComputeWorkgroupSizeX: x,
        maxComputeWorkgroupSizeY: y,
        maxComputeWorkgroupSizeZ: z,
        maxComputeWorkgroupStorageSize: sharedBytes(code),
        maxStorageBuffersPerShaderStage: buffers,
        maxUniformBufferBindingSize: iface.uniform?.size ?? 0,
      }
      return Object.entries(DEFAULTS).flatMap(([name, limit]) => {
        const figure = figures[name as keyof typeof DEFAULTS]
        return figure <= limit ? [] : [`${id}: ${name} ${figure}`]
      })
    })
    expect(beyond).toEqual([])
  })
})
