import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BufferUsage } from '../../src/gpu/constants.js'
import { Engine } from '../../src/runtime/engine.js'
import { allCases } from '../cases/index.js'
import { poisonBuffers, rewriteKernels, SHUFFLED, withoutInfinities } from '../support/reordered.js'
import { Watch, watched } from '../support/watched.js'
import { type CaseRun, coveringRuns } from './covering-runs.js'
import { caseResult } from './run-case.js'

/** Kernels whose surplus invocations repeat the work of the last one that has some, and write the same values. */
const REPEATING = new Set([
  'conv_direct.wgsl',
  'conv_row.wgsl',
  'depthwise.wgsl',
  'winograd_input.wgsl',
  'winograd_multiply.wgsl',
  'winograd_output.wgsl',
])
/** How many barriers each kernel has: those of a text that is repeated count again. */
const BARRIERS: Readonly<Record<string, number>> = {
  'conv_gemm.wgsl': 2,
  'conv_lanes.wgsl': 2,
  'inverse_search_match.wgsl': 2,
  'inverse_search_smooth_tile.wgsl': 5,
  'rasterise_tile.wgsl': 4,
  'variational_light.wgsl': 1,
  'variational_sums.wgsl': 1,
  'variational_sweep_tile.wgsl': 5,
  'winograd_gemm.wgsl': 2,
}
const MOST_BARRIERS = Math.max(...Object.values(BARRIERS))

/** Cases that take kernels where others do not: more triangles than a tile takes at once, functions at the ends of their range. */
const FIRST = ['small and many', 'sigmoid 1x5x5x1 within 300', 'tanh 1x5x5x1 within 300']

interface Watched {
  readonly engine: Engine
  readonly watch: Watch
}

/** An engine whose invocations come in another order and are watched, and whose buffers are poisoned. @param change plants a fault */
async function openWatched(
  change = (code: string, _file: string) => code,
  isWatched = (_file: string) => true,
): Promise<Watched> {
  const engine = await Engine.open()
  const watch = new Watch(engine.device)
  rewriteKernels(engine.device, (code, file) =>
    isWatched(file) ? withoutInfinities(watched(change(code, file), SHUFFLED)) : code,
  )
  poisonBuffers(engine.device, BufferUsage.STORAGE)
  return { engine, watch }
}

let plain: Engine
let runs: readonly CaseRun[]

beforeAll(async () => {
  plain = await Engine.open()
  runs = coveringRuns(allCases, plain.caps, FIRST)
})
afterAll(() => plain.dispose())

const nameOf = ({ opCase, schedule, variant = '' }: CaseRun): string =>
  `${opCase.name} [${schedule} ${variant}]`

const bitsOf = async (engine: Engine, run: CaseRun): Promise<Uint32Array> =>
  new Uint32Array((await caseResult(engine, run.opCase, run)).values.buffer)

/** What is wrong with runs in another order. */
async function faultsOf({ engine, watch }: Watched, of: readonly CaseRun[]): Promise<string[]> {
  const faults: string[] = []
  for (const run of of) {
    const wanted = await bitsOf(plain, run)
    const found = await bitsOf(engine, run)
    const wrong = found.findIndex((bits, i) => bits !== wanted[i])
    if (wrong >= 0) faults.push(`${nameOf(run)}: value ${wrong} differs`)
    for (const { file, shared, written, read } of await watch.races()) {
      if (shared > 0) faults.push(`${nameOf(run)}: ${file} races in workgroup memory`)
      if (written > 0 && !REPEATING.has(file)) faults.push(`${nameOf(run)}: ${file} writes an element twice`)
      if (read > 0) faults.push(`${nameOf(run)}: ${file} reads what another invocation writes`)
    }
  }
  return faults
}

describe('every kernel, its invocations and workgroups in another order and its buffers full of NaN', () => {
  it('gives the same bits, and no two invocations race', async () => {
    const shuffled = await openWatched()
    try {
      expect(await faultsOf(shuffled, runs)).toEqual([])
    } finally {
      shuffled.engine.dispose()
    }
  }, 300_000)

  it.each<[string, string, string, RegExp]>([
    // The last invocation wins.
    ['rasterise.wgsl', 'atomicMin(&marks[mark], key)', 'atomicStore(&marks[mark], key)', /differs/],
    // A pixel is never written.
    ['reshape.wgsl', 'pixel >= pixels', 'pixel + 1u >= pixels', /differs/],
    ['pool.wgsl', 'id.y, id.x)] =', 'id.y, id.x / 2u)] =', /writes an element twice/],
    // Neighbours of one colour.
    ['variational_sweep.wgsl', '(id.y + u.colour)', 'u.colour', /reads what another invocation writes/],
  ])('a fault in %s is found: %s -> %s', async (file, right, wrong, message) => {
    const broken = await openWatched((code, of) => (of === file ? code.replaceAll(right, wrong) : code))
    try {
      const concerned = runs.filter(({ kernels }) => kernels.has(file))
      expect((await faultsOf(broken, concerned)).join('\n')).toMatch(message)
    } finally {
      broken.engine.dispose()
    }
  })

  it.each(Array.from({ length: MOST_BARRIERS }, (_, nth) => nth))(
    'a kernel without its barrier %i is found',
    async (nth) => {
      const files = Object.keys(BARRIERS).filter((file) => nth < (BARRIERS[file] ?? 0))
      const counts: Record<string, number> = {}
      const remove = (code: string, file: string): string => {
        const parts = code.split('workgroupBarrier();')
        counts[file] = parts.length - 1
        return [parts.slice(0, nth + 1), parts.slice(nth + 1)]
          .map((side) => side.join('workgroupBarrier();'))
          .join('')
      }
      const { engine, watch } = await openWatched(remove, (file) => files.includes(file))
      try {
        const seen = new Set<string>()
        const cheapest = [...runs].sort((a, b) => a.cost - b.cost)
        for (const file of files) {
          for (const run of cheapest) {
            if (seen.has(file)) break
            if (!run.kernels.has(file)) continue
            await caseResult(engine, run.opCase, run)
            for (const races of await watch.races()) if (races.shared > 0) seen.add(races.file)
          }
        }
        expect([...seen].sort()).toEqual(files)
        for (const file of files) expect(counts[file], file).toBe(BARRIERS[file])
      } finally {
        engine.dispose()
      }
    },
    300_000,
  )
})
