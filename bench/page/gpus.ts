import type { MachineContext } from '../lib/context.js'
import { markdownTable } from '../lib/markdown.js'
import type { Timing } from '../lib/measure.js'
import type { Peaks } from '../lib/peaks.js'
import type { PartResult } from '../report/part.js'
import type { Part } from './part.js'

/** What `bench:report` writes of one adapter. */
export interface Report {
  readonly script: 'report'
  readonly context: MachineContext
  readonly adapter: string
  readonly driver: string
  /** In the order they ran; figures are those of the part's script, null where it wrote none. */
  readonly parts: readonly (PartResult & { readonly figures: unknown })[]
}

interface PairFigures {
  readonly pair: { readonly timings: Readonly<Record<string, Timing>>; readonly hostMs: number }
  readonly peaks: Peaks
  readonly photos?: { readonly timings: Readonly<Record<string, Timing>> }
}

interface CaseFigures {
  readonly count: number
  readonly faults: readonly { readonly name: string; readonly what: string }[]
}

const ON_GPU = 'frames in memory -> flow on the GPU'

function figuresOf<T>(report: Report, name: string): T | undefined {
  return (report.parts.find((part) => part.name === name)?.figures ?? undefined) as T | undefined
}

function pairRow(report: Report, name: string): (number | undefined)[] {
  const timing = figuresOf<PairFigures>(report, name)?.pair.timings[ON_GPU]
  return [timing?.wall.median, timing?.gpu?.median]
}

function casesOf(report: Report, name: string): string | undefined {
  const figures = figuresOf<CaseFigures>(report, name)
  return figures === undefined ? undefined : `${figures.count - figures.faults.length} of ${figures.count}`
}

/** One adapter as a page of its own. */
export function describeReport(report: Report): string {
  const { context, adapter, driver, parts } = report
  const pairs = [
    'pair 0.375',
    'pair 0.375 f16',
    'tuned pair 0.375',
    'pair 1',
    'pair 1 f16',
    'tuned pair 1',
  ].filter((name) => figuresOf(report, name) !== undefined)
  const peaks = pairs
    .map((name) => figuresOf<PairFigures>(report, name)?.peaks)
    .find((found) => found !== undefined)
  const faults = ['cases f32', 'cases f16'].flatMap((name) =>
    (figuresOf<CaseFigures>(report, name)?.faults ?? []).map(
      (fault) => `- ${name}: ${fault.name}: ${fault.what}`,
    ),
  )
  return [
    `# ${adapter}`,
    `${driver}; ${context.cpu}, ${context.cores} cores; Node ${context.node}, deepfaceflow ${context.version}, commit ${context.commit}, ${context.date.slice(0, 10)}`,
    markdownTable(
      ['part', 'outcome', 's'],
      parts.map(({ name, outcome, seconds }) => [name, outcome, seconds]),
    ),
    ...(pairs.length > 0
      ? [
          markdownTable(
            ['registered pair', 'wall ms, median', 'GPU ms, median'],
            pairs.map((name) => [name, ...pairRow(report, name)]),
          ),
        ]
      : []),
    ...(peaks === undefined
      ? []
      : [
          `Peaks: ${peaks.gflops.toFixed(0)} GFLOP/s, ${peaks.gbytes.toFixed(0)} GB/s, ${peaks.dispatchUs.toFixed(1)} us a dispatch, ` +
            `${peaks.submitUs.toFixed(0)} us a submission, ${peaks.readbackMs.toFixed(2)} ms to read a flow back`,
        ]),
    `Cases right: f32 ${casesOf(report, 'cases f32') ?? 'not run'}, f16 ${casesOf(report, 'cases f16') ?? 'not run'}`,
    ...(faults.length > 0 ? [faults.join('\n')] : []),
  ].join('\n\n')
}

/** All adapters that somebody measured, a row each. */
export function gpusPart(reports: readonly Report[]): Part {
  if (reports.length === 0) {
    return {
      markdown:
        'None yet. `npm run bench:report -- --out report` measures yours in eight minutes; its JSON file belongs into `bench/results/gpus`.',
      plots: {},
    }
  }
  const rows = reports.map((report) => [
    report.adapter,
    ...pairRow(report, 'pair 0.375'),
    ...pairRow(report, 'pair 1').slice(1),
    ...pairRow(report, 'tuned pair 1').slice(1),
    ...pairRow(report, 'pair 1 f16').slice(1),
    figuresOf<PairFigures>(report, 'pair 0.375')?.photos?.timings['two photos -> flow']?.wall.median,
    casesOf(report, 'cases f32'),
    report.context.commit,
  ])
  const header = [
    'adapter',
    'a = 0.375, ms',
    'GPU ms',
    'a = 1, GPU ms',
    'tuned',
    'f16',
    'photos to flow, ms',
    'cases right',
    'commit',
  ]
  return { markdown: markdownTable(header, rows), plots: {} }
}
