import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { type CreateOptions, DeepFaceFlow, type RegisteredFlowResult } from '../src/index.js'
import { evaluateAnimation } from './animate.js'
import { evaluateCoefficients } from './coefficients.js'
import { evaluateCopies } from './copies.js'
import { evaluateCoveredParts } from './covered-parts.js'
import {
  Calibration,
  type CalibrationSummary,
  type ErrorSummary,
  FlowErrors,
  OcclusionCounts,
  type OcclusionSummary,
  STATE,
} from './errors.js'
import { ExtentErrors, type ExtentSummary } from './extent.js'
import { evaluateJudge } from './judge.js'
import { evaluateJudgedAnimation } from './judge-animation.js'
import { evaluateMesh } from './mesh.js'
import { readPairs, TRUTH_SIZE, type TruePair } from './pairs.js'
import { type Pattern, PatternSpectrum, PERIODS } from './pattern.js'
import { evaluateReal, type RealErrors, realBaselines } from './real.js'
import { evaluateVideo } from './video.js'

/**
 * npm run eval: errors of the shipped network, run by our engine as it is by default and without its later stages, on
 * the fixed sets of test/fixtures/eval, against the baselines on the same pairs, and what can be said of real pairs. With
 * `animate`, `coefficients`, `copies`, `covered-parts`, `judge`, `judge-animation`, `mesh` or `video` before the options: see the files of these names.
 */
const SETS = ['rendered', 'photowarp'] as const
/** Evaluated too where `--fixtures` has it. */
const FURTHER_SET = 'second-model'

/** What is evaluated, the package's default first; labels follow the network's name. */
const VARIANTS: readonly ({ readonly label?: string } & Pick<
  CreateOptions,
  'weights' | 'depth' | 'refinement'
>)[] = [
  {},
  { label: 'inverse search only', refinement: 'inverse-search' },
  { label: 'not refined', refinement: 'none' },
  { label: 'depth by the network', depth: 'network' },
  { weights: 'dffnet-m-small' },
  { weights: 'dffnet-m-small-8bit' },
]

/** Of the package's default. */
interface DefaultReport {
  readonly pairs: number
  readonly groups: Groups
  readonly occlusion: OcclusionSummary
  readonly calibration: CalibrationSummary
  /** Of dz. */
  readonly pattern: Pattern
  readonly extent: ExtentSummary
}

interface SetReport extends DefaultReport {
  readonly set: string
  readonly methods: Readonly<Record<string, ErrorSummary>>
}

type Groups = Readonly<Record<string, { readonly pairs: number; readonly epe3d: number }>>

interface Report {
  readonly weights: DeepFaceFlow['weights']
  readonly adapter: string
  readonly sets: readonly SetReport[]
  readonly real: Readonly<Record<string, RealErrors>>
}

/** Evaluations of their own, by their name before the options. */
const OTHERS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  animate: evaluateAnimation,
  coefficients: evaluateCoefficients,
  copies: evaluateCopies,
  'covered-parts': evaluateCoveredParts,
  judge: evaluateJudge,
  'judge-animation': evaluateJudgedAnimation,
  mesh: evaluateMesh,
  video: evaluateVideo,
}
const other = OTHERS[process.argv[2] ?? '']
if (other !== undefined) {
  await other(process.argv.slice(3))
  process.exit()
}

const program = new Command('eval')
  .description('Accuracy of the shipped network on the fixed evaluation sets and on real frames.')
  .option('--weights <file>', 'DFFNet weight file in place of those in the package')
  .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
  .option(
    '--fixtures <folder>',
    'other sets, as the training package writes them',
    join('test', 'fixtures', 'eval'),
  )
  .option('--no-variants', 'the default alone, not also without its later stages and the small network')
  .option('--json <file>', 'also write the figures here', join('eval', 'results.json'))
  .option(
    '--pictures <folder>',
    'overviews of the ten real pairs with the highest residual',
    join('out', 'eval'),
  )
const options = program.parse().opts<{
  weights?: string
  adapter?: string
  variants: boolean
  fixtures: string
  json: string
  pictures: string
}>()

const sets = new Map<string, DefaultReport & { methods: Record<string, ErrorSummary> }>()
const real: Record<string, RealErrors> = {}
let opened: Pick<Report, 'weights' | 'adapter'> | undefined
for (const { label: variant, ...stages } of options.variants ? VARIANTS : VARIANTS.slice(0, 1)) {
  // Another file stands for the default; the package's other networks are not compared with it.
  if (options.weights !== undefined && stages.weights !== undefined) continue
  const faceFlow = await DeepFaceFlow.create({
    ...stages,
    ...(options.weights !== undefined && { weights: options.weights }),
    ...(options.adapter !== undefined && { adapter: options.adapter }),
  })
  try {
    opened ??= { weights: faceFlow.weights, adapter: faceFlow.adapter }
    const label = [faceFlow.weights.name, ...(variant === undefined ? [] : [variant])].join(', ')
    for (const set of await setsThere()) {
      const { errors, ...rest } = await evaluateSet(faceFlow, set)
      const known = sets.get(set) ?? { methods: {}, ...rest }
      known.methods[label] = errors
      sets.set(set, known)
    }
    const pictures = variant === undefined ? options.pictures : undefined
    real[label] = await evaluateReal(faceFlow, pictures)
  } finally {
    faceFlow.dispose()
  }
}
if (opened === undefined) throw new TypeError('there is nothing to evaluate')
const report: Report = {
  ...opened,
  sets: await Promise.all(
    [...sets].map(async ([set, { methods, ...rest }]) => ({
      set,
      methods: { ...methods, ...(await baselines(set)) },
      ...rest,
    })),
  ),
  real: { ...real, ...(await realBaselines()) },
}
await mkdir(dirname(options.json), { recursive: true })
await writeFile(options.json, `${JSON.stringify(report, undefined, 1)}\n`)
process.stdout.write(printReport(report))

async function evaluateSet(
  dff: DeepFaceFlow,
  set: string,
): Promise<DefaultReport & { errors: ErrorSummary }> {
  const pairs = await readPairs(join(options.fixtures, set))
  const all = new FlowErrors()
  const hidden = new OcclusionCounts()
  const calibration = new Calibration()
  const spectrum = new PatternSpectrum()
  const extent = new ExtentErrors()
  const groups = new Map<string, { pairs: number; errors: FlowErrors }>()
  for (const pair of pairs) {
    const result = await dff.flowRegistered(pair.a, pair.b)
    const members = groupsOf(pair).map((name) => {
      const group = groups.get(name) ?? { pairs: 0, errors: new FlowErrors() }
      groups.set(name, group)
      group.pairs++
      return group.errors
    })
    addErrors([all, ...members], pair, result)
    addOcclusion(hidden, calibration, pair, result)
    spectrum.add(result.flow, 2)
    extent.add(pair, result)
  }
  return {
    pairs: pairs.length,
    errors: all.summary(),
    occlusion: hidden.summary(),
    calibration: calibration.summary(),
    pattern: spectrum.summary(),
    extent: extent.summary(),
    groups: Object.fromEntries(
      [...groups]
        .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
        .map(([name, { pairs: count, errors }]) => [name, { pairs: count, epe3d: errors.summary().epe3d }]),
    ),
  }
}

/** Errors where the product's own mesh covers the pixel: what lies beyond it is told apart, and the baselines end there. */
function addErrors(into: readonly FlowErrors[], pair: TruePair, result: RegisteredFlowResult): void {
  const width = 2 * TRUTH_SIZE
  for (let y = 0; y < TRUTH_SIZE; y++) {
    for (let x = 0; x < TRUTH_SIZE; x++) {
      const t = y * TRUTH_SIZE + x
      const p = 2 * y * width + 2 * x
      if (result.meshMask[p] === 0) continue
      const [dx = 0, dy = 0, dz = 0] = [0, 1, 2].map(
        (c) => (result.flow[3 * p + c] as number) - (pair.flow[3 * t + c] as number),
      )
      for (const errors of into) errors.add(dx, dy, dz, pair.state[t] as number)
    }
  }
}

function addOcclusion(
  hidden: OcclusionCounts,
  calibration: Calibration,
  pair: TruePair,
  { meshMask, occlusion, confidence, flow }: RegisteredFlowResult,
): void {
  const width = 2 * TRUTH_SIZE
  pair.state.forEach((state, t) => {
    const p = 2 * Math.floor(t / TRUTH_SIZE) * width + 2 * (t % TRUTH_SIZE)
    if (meshMask[p] === 0) return
    hidden.add(occlusion?.[p] === 1, state)
    const [dx = 0, dy = 0] = [0, 1].map((c) => (flow[3 * p + c] as number) - (pair.flow[3 * t + c] as number))
    calibration.add(confidence?.[p] ?? 0, Math.hypot(dx, dy), state)
  })
}

async function setsThere(): Promise<string[]> {
  const hasMore = await access(join(options.fixtures, FURTHER_SET)).then(
    () => true,
    () => false,
  )
  return [...SETS, ...(hasMore ? [FURTHER_SET] : [])]
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
  const file = join(options.fixtures, 'baselines.json')
  return (JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, ErrorSummary>>)[set] ?? {}
}

function describeCalibration({ bins, error }: CalibrationSummary): string {
  const parts = bins
    .filter(({ share }) => share > 0)
    .map(({ share, confidence, right }) => {
      return `${confidence.toFixed(2)}: ${right.toFixed(2)} (${(100 * share).toFixed(1)} %)`
    })
  return `Confidence: share within 1 px (of the pixels), ${parts.join('; ')}; off by ${error.toFixed(3)} on average`
}

function describeExtent({ offMesh, withoutFlow, beyond, quadratic }: ExtentSummary): string {
  const share = (part: number) => `${(100 * part).toFixed(1)} %`
  const errors = (e: ErrorSummary) => [e.epe3d, e.epe2d, e.dz].map((v) => v.toFixed(2)).join(' / ')
  const worth =
    beyond && quadratic
      ? `; beyond the mesh EPE3D / EPE2D / dz ${errors(beyond)}, the mesh's flow carried on by a quadratic function ${errors(quadratic)}`
      : ''
  return `Face to the hair line and ears: ${share(offMesh)} off the mesh, ${share(withoutFlow)} without flow${worth}`
}

function printReport({ weights, adapter, sets: reports, real: errors }: Report): string {
  const lines = [`${weights.name} ${weights.hash.slice(0, 12)} on ${adapter}`, '']
  for (const { set, pairs, methods, groups, occlusion, calibration, pattern, extent } of reports) {
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
    const [precision, recall] = [occlusion.precision, occlusion.recall].map((v) => v.toFixed(2))
    lines.push('', `EPE3D by group (pairs): ${parts.join('; ')}`)
    lines.push(`Occlusion map: precision ${precision}, recall ${recall}`, describeCalibration(calibration))
    const waves = PERIODS.map((period, i) => {
      const [at = 0, beside = 0] = [pattern.amplitudes[i], pattern.beside[i]]
      return `${period} px ${at.toFixed(4)} (${beside.toFixed(4)})`
    })
    lines.push(
      `Amplitude of dz, px, at periods of (between them): ${waves.join(', ')}`,
      describeExtent(extent),
      '',
    )
  }
  lines.push(
    '| real frames | photometric residual | forward-backward px | landmark transfer % | jitter px | its affine part |',
    '|---|---|---|---|---|---|',
  )
  for (const [method, e] of Object.entries(errors)) {
    const figures = [e.residual, e.forwardBackward, 100 * e.landmarkTransfer, e.jitter, e.affineJitter]
    const cells = figures.map((v) => v.toFixed(2))
    lines.push(`| ${method} | ${cells.join(' | ')} |`)
  }
  return `${lines.join('\n')}\n`
}
