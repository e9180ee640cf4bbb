import type { Command } from 'commander'
import { demoPhotos } from '../index.js'
import type { CliContext } from './context.js'
import {
  addEngineOptions,
  addOutputOptions,
  createOptions,
  type PairFlags,
  positiveInteger,
} from './options.js'
import { startProgress } from './progress.js'

interface BenchFlags extends Omit<PairFlags, 'backward'> {
  readonly runs: number
}

/** Milliseconds of one stage over the runs. */
interface StageTimes {
  readonly stage: string
  readonly min: number
  readonly median: number
  readonly p95: number
}

export function addBenchCommand(program: Command, context: CliContext): void {
  const command = program
    .command('bench')
    .summary('how long each stage takes here')
    .description(
      'Times the demo pair from JPEG files and as a registered pair, forward flow only; two warm-up runs are not counted.',
    )
    .option('--runs <n>', 'timed runs', positiveInteger, 20)
  addOutputOptions(addEngineOptions(command)).action((flags: BenchFlags) => benchCommand(context, flags))
}

const WARM_UP = 2

async function benchCommand(context: CliContext, flags: BenchFlags): Promise<void> {
  const progress = startProgress(context, 2 * (flags.runs + WARM_UP), flags.quiet ?? false)
  try {
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      const [a, b] = demoPhotos()
      const options = { backward: false }
      const { a: faceA, b: faceB } = await faceFlow.flow(a, b, options)
      const photos = await time(flags.runs, progress.advance, () => faceFlow.flow(a, b, options))
      const registered = await time(flags.runs, progress.advance, () =>
        faceFlow.flowRegistered(faceA, faceB, options),
      )
      progress.stop()
      const report = {
        adapter: faceFlow.adapter,
        weights: faceFlow.weights,
        runs: flags.runs,
        photos,
        registered,
      }
      if (flags.json) context.stdout(`${JSON.stringify(report)}\n`)
      else if (!flags.quiet) {
        context.stdout(
          `${faceFlow.adapter}, weights ${faceFlow.weights.name}, ${flags.runs} runs, ms\n` +
            `\nfrom two JPEG files\n${table(photos)}\nregistered pair\n${table(registered)}`,
        )
      }
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
  }
}

async function time(
  runs: number,
  onRun: () => void,
  run: () => Promise<{ readonly timingsMs: Readonly<Record<string, number>> }>,
): Promise<StageTimes[]> {
  const times = new Map<string, number[]>()
  for (let i = -WARM_UP; i < runs; i++) {
    const started = performance.now()
    const { timingsMs } = await run()
    const wall = performance.now() - started
    onRun()
    if (i < 0) continue
    for (const [stage, ms] of [...Object.entries(timingsMs), ['wall', wall] as const]) {
      times.set(stage, [...(times.get(stage) ?? []), ms])
    }
  }
  return [...times].map(([stage, values]) => {
    const sorted = values.sort((x, y) => x - y)
    const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
    return { stage, min: quantile(0), median: quantile(0.5), p95: quantile(0.95) }
  })
}

function table(rows: readonly StageTimes[]): string {
  const width = Math.max(8, ...rows.map(({ stage }) => stage.length))
  const line = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(10)).join('')}\n`
  return (
    line('stage', ['min', 'median', 'p95']) +
    rows
      .map(({ stage, min, median, p95 }) =>
        line(
          stage,
          [min, median, p95].map((ms) => ms.toFixed(1)),
        ),
      )
      .join('')
  )
}
