import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { DeepFaceFlow, type RegisteredFlowResult } from '../src/index.js'
import { type ErrorSummary, FlowErrors, STATE } from './errors.js'
import { readPairs, TRUTH_SIZE, type TruePair } from './pairs.js'
import { evaluateReal, type RealErrors } from './real.js'

/**
 * npm run eval: errors of the shipped network, run by our engine, on the fixed sets of test/fixtures/eval, against the
 * baselines on the same pairs, and what can be said of real pairs.
 */
const SETS = ['rendered', 'photowarp'] as const
const FIXTURES = join('test', 'fixtures')

interface SetReport {
  readonly set: string
  readonly pairs: number
  readonly methods: Readonly<Record<string, ErrorSummary>>
  readonly groups: Readonly<Record<string, { readonly pairs: number; readonly epe3d: number }>>
}

interface Report {
  readonly weights: DeepFaceFlow['weights']
  readonly adapter: string
  readonly sets: readonly SetReport[]
  readonly real: RealErrors
}

const program = new Command('eval')
  .description('Accuracy of the shipped network on the fixed evaluation sets and on real frames.')
  .option('--weights <file>', 'DFFNet weight file (default: the one in the package)')
  .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
  .option('--json <file>', 'also write the figures here', join('eval', 'results.json'))
const options = program.parse().opts<{ weights?: string; adapter?: string; json: string }>()

const faceFlow = await DeepFaceFlow.create({
  ...(options.weights !== undefined && { weights: options.weights }),
  ...(options.adapter !== undefined && { adapter: options.adapter }),
})
try {
  const sets: SetReport[] = []
  for (const set of SETS) sets.push(await evaluateSet(faceFlow, set))
  const report: Report = {
    weights: faceFlow.weights,
    adapter: faceFlow.adapter,
    sets,
    real: await evaluateReal(faceFlow, join(FIXTURES, 'photos')),
  }
  await mkdir(dirname(options.json), { recursive: true })
  await writeFile(options.json, `${JSON.stringify(report, undefined, 1)}\n`)
  process.stdout.write(printReport(report))
} finally {
  faceFlow.dispose()
}

async function evaluateSet(dff: DeepFaceFlow, set: string): Promise<SetReport> {
  const pairs = await readPairs(join(FIXTURES, 'eval', set))
  const all = new FlowErrors()
  const groups = new Map<string, { pairs: number; errors: FlowErrors }>()
  for (const pair of pairs) {
    const result = await dff.flowRegistered(pair.a, pair.b, { backward: false })
    const members = groupsOf(pair).map((name) => {
      const group = groups.get(name) ?? { pairs: 0, errors: new FlowErrors() }
      groups.set(name, group)
      group.pairs++
      return group.errors
    })
    addErrors([all, ...members], pair, result)
  }
  return {
    set,
    pairs: pairs.length,
    methods: { [dff.weights.name]: all.summary(), ...(await baselines(set)) },
    groups: Object.fromEntries(
      [...groups]
        .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
        .map(([name, { pairs: count, errors }]) => [name, { pairs: count, epe3d: errors.summary().epe3d }]),
    ),
  }
}

/** Errors where the product's own mask covers the pixel. */
function addErrors(into: readonly FlowErrors[], pair: TruePair, result: RegisteredFlowResult): void {
  const width = 2 * TRUTH_SIZE
  for (let y = 0; y < TRUTH_SIZE; y++) {
    for (let x = 0; x < TRUTH_SIZE; x++) {
      const t = y * TRUTH_SIZE + x
      const p = 2 * y * width + 2 * x
      if (result.mask[p] === 0) continue
      const [dx = 0, dy = 0, dz = 0] = [0, 1, 2].map(
        (c) => (result.flow[3 * p + c] as number) - (pair.flow[3 * t + c] as number),
      )
      for (const errors of into) errors.add(dx, dy, dz, pair.state[t] as number)
    }
  }
}

function groupsOf(pair: TruePair): string[] {
  let motion = 0
  let visible = 0
  let occluded = 0
  pair.state.forEach((state, t) => {
    if (state === STATE.visible) {
      motion += Math.hypot(...pair.flow.subarray(3 * t, 3 * t + 3))
      visible++
    } else if (state === STATE.occluded) occluded++
  })
  const band = (value: number, limits: readonly number[], unit: string) => {
    const i = limits.findIndex((limit) => value < limit)
    const low = i < 0 ? limits.at(-1) : (limits[i - 1] ?? 0)
    return i < 0 ? `>= ${low}${unit}` : `${low} to ${limits[i]}${unit}`
  }
  const yaw = Math.max(...pair.yaw.map(Math.abs))
  return [
    `motion ${band(motion / Math.max(1, visible), [3, 6, 12], ' px')}`,
    `yaw ${band(yaw, [15, 30], ' degrees')}`,
    `occluded ${band((100 * occluded) / Math.max(1, occluded + visible), [1, 5], ' %')}`,
  ]
}

/** Errors of OpenCV's and the mesh baselines on these pairs, computed by the training package. */
async function baselines(set: string): Promise<Record<string, ErrorSummary>> {
  const file = join(FIXTURES, 'eval', 'baselines.json')
  return (JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, ErrorSummary>>)[set] ?? {}
}

function printReport({ weights, adapter, sets, real }: Report): string {
  const lines = [`${weights.name} ${weights.hash.slice(0, 12)} on ${adapter}`, '']
  for (const { set, pairs, methods, groups } of sets) {
    lines.push(
      `| ${set}, ${pairs} pairs | EPE3D | EPE2D | dz | median | 90 % | 99 % | > 3 px | occluded EPE3D |`,
      '|---|---|---|---|---|---|---|---|---|',
    )
    for (const [method, e] of Object.entries(methods)) {
      const cells = [e.epe3d, e.epe2d, e.dz, e.p50, e.p90, e.p99].map((v) => v.toFixed(2))
      lines.push(
        `| ${method} | ${cells.join(' | ')} | ${(100 * e.outliers).toFixed(0)} % | ${e.occluded_epe3d.toFixed(2)} |`,
      )
    }
    const parts = Object.entries(groups).map(([name, g]) => `${name}: ${g.epe3d.toFixed(2)} (${g.pairs})`)
    lines.push('', `EPE3D by group (pairs): ${parts.join('; ')}`, '')
  }
  lines.push(
    `${real.pairs} pairs of real frames: photometric residual ${real.residual.toFixed(2)} grey levels ` +
      `(${real.residualWithoutFlow.toFixed(2)} without flow), forward-backward error ${real.forwardBackward.toFixed(2)} px, ` +
      `landmark transfer ${(100 * real.landmarkTransfer).toFixed(2)} % of the interocular distance`,
  )
  return `${lines.join('\n')}\n`
}
