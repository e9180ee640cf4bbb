import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fromBase64 } from '../../src/geometry/base64.js'
import { type EngineDevice, openDevice } from '../../src/gpu/device.js'
import { listAdapters } from '../../src/gpu/doctor.js'
import { type Graph, GraphBuilder } from '../../src/graph/graph.js'
import { OP_DEFINITIONS } from '../../src/ops/definitions.js'
import * as ops from '../../src/ops/index.js'
import { KernelSource } from '../../src/platform/index.js'
import { Engine } from '../../src/runtime/engine.js'
import { KNOWN_RESULTS_FILE, knownResults, type StoredResult } from '../../src/runtime/known-results.js'
import { otherKernels, plansThatRun, testKernels } from '../../src/runtime/op-test.js'
import { allCases } from '../cases/index.js'
import { isTelling, resultsFor, SELF_TEST_PLANS } from '../kernels/known-results.js'
import { caseGraph } from '../kernels/run-case.js'
import { shippedGraphs } from '../support/shipped-graphs.js'

let graphs: Graph[]
let text: string
beforeAll(async () => {
  graphs = await shippedGraphs()
  text = new KernelSource().load(KNOWN_RESULTS_FILE)
})

describe('the results that self-tests compare with', () => {
  it('are those of the float64 references (else: npx tsx tools/make-self-test.ts)', () => {
    const floats = ({ samples }: StoredResult) =>
      new Float32Array((fromBase64(samples) as Uint8Array<ArrayBuffer>).buffer)
    const committed = JSON.parse(text) as StoredResult[]
    const wanted = resultsFor(graphs)
    const without = (results: readonly StoredResult[]) => results.map(({ samples: _, ...rest }) => rest)
    expect(without(committed)).toEqual(JSON.parse(JSON.stringify(without(wanted))))
    for (const [i, result] of wanted.entries()) {
      const [a, b] = [floats(committed[i] as StoredResult), floats(result)]
      const range = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      for (const [j, value] of b.entries())
        expect(Math.abs(value - (a[j] as number))).toBeLessThanOrEqual(1e-6 * range)
      expect(isTelling(result), result.name).toBe(true)
    }
  })

  it('take less than 77.5 kB', () => {
    expect(text.length).toBeLessThan(77_500)
  })

  it.each(SELF_TEST_PLANS)(
    'run every kernel of the shipped networks: $schedule, $storage',
    async ({ caps, ...options }) => {
      const wanted = new Set(graphs.flatMap((graph) => [...otherKernels(graph, caps, options).keys()]))
      expect(wanted.size).toBeGreaterThan(30)
      const runs = plansThatRun(wanted, await knownResults(), caps, options)
      // With the very parameters, not only the same file.
      expect([...wanted].filter((id) => runs.get(id)?.ids.has(id) !== true)).toEqual([])
    },
  )

  it('can be of any op', () => {
    const kinds = new Set(
      allCases.flatMap((opCase) => caseGraph(opCase).built.nodes.map((n) => n.definition.kind)),
    )
    expect([...kinds].filter((kind) => !OP_DEFINITIONS.has(kind))).toEqual([])
  })
})

describe('the self-test of ops', () => {
  let device: EngineDevice
  let folder: string
  let warnings: string[] = []
  beforeAll(async () => {
    const able = (await listAdapters()).find(({ caps }) => caps.f16)
    device = await openDevice(able === undefined ? {} : { adapter: able.device })
  })
  afterAll(() => device.dispose())
  beforeEach(async () => {
    warnings = []
    folder = await mkdtemp(join(tmpdir(), 'dff-op-test-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it.each(SELF_TEST_PLANS)('finds this adapter right: $schedule, $storage', async ({ schedule, storage }) => {
    const options = { schedule, storage: device.caps.f16 ? storage : ('f32' as const) }
    const wanted = new Set(graphs.flatMap((graph) => [...otherKernels(graph, device.caps, options).keys()]))
    const verdicts = await testKernels(device, wanted, options)
    expect(verdicts.size).toBe(wanted.size)
    expect([...verdicts].filter(([, fault]) => fault !== undefined)).toEqual([])
    expect(device.buffers.liveBuffers).toBe(0)
  })

  /** A driver that computes `to` where one kernel says `from`. */
  async function faulty(kernel: string, from: string, to: string): Promise<Engine> {
    const selfTest = { software: true, folder, onWarning: (message: string) => warnings.push(message) }
    const opened = await Engine.open({ selfTest })
    const gpu = opened.device
    const original = gpu.createShaderModule
    gpu.createShaderModule = (descriptor) => {
      const isIt = `${descriptor.label}`.startsWith(kernel)
      return original.call(gpu, {
        ...descriptor,
        code: isIt ? descriptor.code.replaceAll(from, to) : descriptor.code,
      })
    }
    return opened
  }

  const size = { n: 1, h: 12, w: 16 }

  it('refuses an adapter where a kernel of both schedules is wrong, and names kernel and layer', async () => {
    const broken = await faulty('warp.wgsl', 'sample.weights[0]', '1.5 * sample.weights[0]')
    const graph = new GraphBuilder('warped')
    const x = ops.inputTensor(graph, 'x', { ...size, c: 4 })
    const flow = ops.inputTensor(graph, 'flow', { ...size, c: 2 })
    ops.outputTensor(graph, 'y', ops.warp(graph, 'moved', x, flow, { scale: 1, border: 'zero' }))
    await expect(broken.compile(graph.build())).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/computes wrong: .*warp\.wgsl differs from float64.*layer "moved"/),
      details: { selfTest: true },
    })
    // The verdict is kept: nothing is computed to say it again.
    await expect(broken.compile(graph.build())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect((await readdir(folder)).length).toBe(2)
    broken.dispose()
  })

  it('takes the other schedule where only one has the kernel that is wrong', async () => {
    const broken = await faulty('inverse_search_smooth_tile.wgsl', 'u.smoothness', '2.0 * u.smoothness')
    const graph = new GraphBuilder('refined')
    const map = (name: string, c: number) => ops.inputTensor(graph, name, { ...size, c })
    const images = { source: map('source', 3), target: map('target', 3) }
    const attrs = { grey: [1, 1, 1] as const, ...ops.INVERSE_SEARCH_DEFAULTS }
    const refined = ops.inverseSearch(graph, 'search', map('flow', 3), images, map('fragments', 4), attrs)
    ops.outputTensor(graph, 'y', refined)
    const plan = await broken.compile(graph.build(), { schedule: 'hardware' })
    expect(plan.spec.schedule).toBe('software')
    expect(warnings).toEqual([
      expect.stringMatching(
        /inverse_search_smooth_tile\.wgsl.* differs from float64.*software schedule are taken/,
      ),
    ])
    broken.dispose()
  })
})
