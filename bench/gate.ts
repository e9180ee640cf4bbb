import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageFacts } from '../src/gpu/package-root.js'
import { Engine } from '../src/runtime/engine.js'
import { describeContext, describeLoad, deviceContext, LoadMeter } from './lib/context.js'
import {
  compareToBaseline,
  FULL_LIMITS,
  type GateMetrics,
  gateMetrics,
  QUICK_LIMITS,
} from './lib/gate-metrics.js'
import { layersOf } from './lib/layers.js'
import { networkWeights, registeredGraph, registeredInputs, SHIPPED } from './lib/networks.js'
import { type BenchOptions, benchCommand } from './lib/options.js'
import { describePeaks, PeakMeter } from './lib/peaks.js'
import { main, print, writeJson } from './lib/report.js'
import { StepMeter } from './lib/steps.js'
import { formatTable } from './lib/table.js'

interface GateOptions extends BenchOptions {
  readonly baseline: string
  readonly update: boolean
}

interface Baseline {
  readonly commit: string
  readonly date: string
  readonly metrics: GateMetrics
}

const BASELINE = join(packageFacts().root, 'bench', 'results', 'baseline.json')

const command = benchCommand(
  'bench:gate',
  'Fails where the registered pair costs more, by the peak of the same run, than it did',
)
  .option('--baseline <file>', 'committed costs by adapter', BASELINE)
  .option('--update', 'write this run into the baseline instead of comparing', false)
  .parse()

await main(async () => {
  const options = command.opts<GateOptions>()
  const engine = await Engine.open({
    ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
    robustness: options.robustness,
  })
  const { software } = engine.caps
  const context = deviceContext(engine, options)
  print(describeContext(context))
  const load = new LoadMeter()
  const runs = options.runs ?? (options.quick ? 3 : 8)
  const weights = await networkWeights(SHIPPED)
  const peakMeter = await PeakMeter.open(engine)
  const meter = await StepMeter.open(engine, await registeredGraph(SHIPPED), weights, options)
  meter.write(await registeredInputs(SHIPPED))
  const costs = await meter.measure(runs, options.quick, async () => {
    await peakMeter.sampleFma()
  })
  meter.dispose()
  const peaks = await peakMeter.finish(2)
  peakMeter.dispose()
  engine.dispose()

  const metrics = gateMetrics(layersOf(costs), peaks, software)
  print(describePeaks(peaks))
  const baselines = await readBaselines(options.baseline)
  const key = `${context.driver}; ${context.schedule} schedule, ${context.storage}`
  if (options.update) {
    const entry: Baseline = { commit: context.commit, date: context.date, metrics }
    await writeJson(options.baseline, { ...baselines, [key]: entry })
    print(`baseline of "${key}" written`)
  }
  const baseline = baselines[key]
  const results =
    baseline === undefined || options.update
      ? []
      : compareToBaseline(metrics, baseline.metrics, options.quick ? QUICK_LIMITS : FULL_LIMITS)
  if (results.length > 0) {
    print(`\ncosts in MFLOP that the peak rate does in the same time, against commit ${baseline?.commit}`)
    print(
      formatTable(
        ['what', 'cost', 'baseline', 'ratio', 'limit', 'verdict'],
        results.map((r) => [r.metric, r.cost, r.baseline, r.ratio, r.limit, r.passed ? 'ok' : 'TOO SLOW']),
      ),
    )
  } else if (!options.update) {
    print(`no baseline for "${key}"; npm run bench:gate -- --update writes one`)
  }
  const ended = load.stop()
  print(describeLoad(ended))
  await writeJson(options.json, { script: 'gate', context, load: ended, peaks, metrics, results })
  return results.some(({ passed }) => !passed) ? 1 : 0
})

async function readBaselines(file: string): Promise<Readonly<Record<string, Baseline>>> {
  if (!existsSync(file)) return {}
  return JSON.parse(await readFile(file, 'utf8')) as Readonly<Record<string, Baseline>>
}
