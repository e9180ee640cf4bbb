import { Engine } from '../src/runtime/engine.js'
import type { Plan, PlanInputs } from '../src/runtime/plan.js'
import { type ColdStart, coldStart } from './lib/cold-start.js'
import { describeContext, describeLoad, deviceContext, LoadMeter } from './lib/context.js'
import { faceLevel } from './lib/face-level.js'
import {
  GpuTimer,
  type MeasureOptions,
  measure,
  measureOptions,
  settled,
  type Timing,
} from './lib/measure.js'
import { type NetworkChoice, networkWeights, registeredGraph, registeredInputs } from './lib/networks.js'
import {
  type BenchOptions,
  benchCommand,
  describeNetwork,
  type NetworkOptions,
  networkOf,
  positive,
  withNetworkOptions,
} from './lib/options.js'
import { describePeaks, PeakMeter } from './lib/peaks.js'
import { main, print, writeJson } from './lib/report.js'
import { profileStages } from './lib/stages.js'
import { quantile } from './lib/statistics.js'
import { formatTable } from './lib/table.js'

interface PairOptions extends BenchOptions, NetworkOptions {
  readonly a: number
  readonly cold: boolean
  readonly photos: boolean
  readonly tuned: boolean
}

const command = withNetworkOptions(
  benchCommand('bench', 'Registered pair and photos to flow: time, stages, cold start, memory, throughput'),
)
  .option(
    '--a <width>',
    "DFFNet's width multiplier; widths without a weight file run on random weights",
    positive,
    0.375,
  )
  .option('--no-cold', 'leave out the cold start')
  .option('--tuned', 'time the kernels that layers can choose from first, and take the quickest', false)
  .option('--no-photos', 'leave out photos and video frames')
  .parse()

await main(async () => {
  const options = command.opts<PairOptions>()
  const choice = networkOf(options, options.a)
  const engine = await Engine.open({
    ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
    robustness: options.robustness,
    ...(options.tuned && { autotune: { mode: 'measure', software: true } }),
  })
  const load = new LoadMeter()
  const context = deviceContext(engine, options)
  print(describeContext(context))
  print(`registered pair, ${describeNetwork(choice)}`)
  const settings = measureOptions(options)

  const weights = await networkWeights(choice)
  const { storage, schedule } = options
  const plan = await engine.compile(await registeredGraph(choice), {
    storage,
    ...(schedule && { schedule }),
    weights,
  })
  const inputs = await registeredInputs(choice)
  const pair = await measurePair(engine, plan, inputs, settings)
  print(timingTable(pair.timings))
  print(
    `run(): ${pair.hostMs.toFixed(2)} ms of host time; the wait ends ${(pair.overhead * 100).toFixed(2)} % after the GPU's work`,
  )

  const stages = await profileStages(plan, choice, options.quick ? 2 : 5)
  print(`\nstages (${stages.source}, each step in a pass of its own)`)
  print(
    formatTable(
      ['stage', 'steps', 'min ms', 'median ms', 'p95 ms', '% of the pair'],
      stages.stages.map((s) => [s.stage, s.steps, s.time.min, s.time.median, s.time.p95, s.share * 100]),
    ),
  )

  const throughput = await measureThroughput(engine, plan, inputs, options.quick ? 4 : 12)
  print('\nthroughput')
  print(
    formatTable(
      ['pairs in flight', 'pairs/s'],
      throughput.map((t) => [t.inFlight, t.pairsPerSecond]),
    ),
  )

  const memory = memoryOf(engine, plan, weights)
  const peakMeter = await PeakMeter.open(engine)
  const peaks = await peakMeter.finish(options.quick ? 2 : 5)
  peakMeter.dispose()
  const photos = options.photos ? await faceLevel(engine, settings) : undefined
  engine.dispose()
  if (photos !== undefined) {
    print('\nphotos')
    print(timingTable(photos.timings))
  }
  const cold = options.cold ? await coldStarts(choice, options) : undefined
  print(`\n${describePeaks(peaks)}`)
  const mebi = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  print(
    `GPU buffers of the pair: ${mebi(memory.withoutWeights)} (tensors ${mebi(memory.slots)}, rest inputs, outputs, readback), ` +
      `weights ${mebi(memory.weights)}; this process at most ${mebi(memory.peakRss)} resident`,
  )
  const ended = load.stop()
  print(describeLoad(ended))
  await writeJson(options.json, {
    script: 'pair',
    context,
    load: ended,
    network: choice,
    peaks,
    pair,
    stages,
    throughput,
    photos,
    cold,
    memory,
  })
  return 0
})

interface PairTimes {
  readonly timings: Readonly<Record<string, Timing>>
  /** Median time inside `run()`: encoding and submission. */
  readonly hostMs: number
  /** (wall - GPU) / wall of a run whose end is awaited, median; 0 where the adapter has no timestamps. */
  readonly overhead: number
}

async function measurePair(
  engine: Engine,
  plan: Plan,
  inputs: PlanInputs,
  settings: MeasureOptions,
): Promise<PairTimes> {
  const timer = new GpuTimer(engine)
  const { i1, i2 } = inputs as Record<'i1' | 'i2', Uint8Array>
  plan.run(inputs)
  await settled(engine)
  const onGpu = await measure(
    'frames in memory -> flow on the GPU',
    async () => {
      plan.write('i1', i1)
      plan.write('i2', i2)
      return await timer.run((encoder) => plan.encode(encoder))
    },
    settings,
  )
  const readBack = await measure(
    'frames in memory -> flow read back',
    async () => {
      await plan.compute({ i1, i2 })
      return undefined
    },
    settings,
  )
  timer.dispose()
  const hostTimes: number[] = []
  for (let run = 0; run < settings.runs; run++) {
    const start = performance.now()
    plan.run({ i1, i2 })
    hostTimes.push(performance.now() - start)
    await settled(engine)
  }
  const overheads = onGpu.samples.map(({ wallMs, gpuMs }) => (wallMs - (gpuMs ?? wallMs)) / wallMs)
  return {
    timings: { 'frames in memory -> flow on the GPU': onGpu, 'frames in memory -> flow read back': readBack },
    hostMs: quantile(hostTimes, 0.5),
    overhead: quantile(overheads, 0.5),
  }
}

async function measureThroughput(
  engine: Engine,
  plan: Plan,
  inputs: PlanInputs,
  pairs: number,
): Promise<{ readonly inFlight: number; readonly pairsPerSecond: number }[]> {
  const { i1, i2 } = inputs as Record<'i1' | 'i2', Uint8Array>
  const results: { inFlight: number; pairsPerSecond: number }[] = []
  for (const inFlight of [1, 2, 4]) {
    const start = performance.now()
    for (let done = 0; done < pairs; done += inFlight) {
      for (let i = 0; i < inFlight; i++) plan.run({ i1, i2 })
      await settled(engine)
    }
    const rounded = Math.ceil(pairs / inFlight) * inFlight
    results.push({ inFlight, pairsPerSecond: (rounded / (performance.now() - start)) * 1000 })
  }
  return results
}

function memoryOf(engine: Engine, plan: Plan, weights: Awaited<ReturnType<typeof networkWeights>>) {
  const packed = [...plan.spec.packed.values()]
  const weightBytes = packed.reduce((sum, pack) => sum + pack(weights).byteLength, 0)
  const { liveBytes, peakBytes } = engine.stats
  return {
    liveBytes,
    peakBytes,
    weights: weightBytes,
    withoutWeights: liveBytes - weightBytes,
    slots: plan.spec.slotBytes.reduce((sum, bytes) => sum + bytes, 0),
    peakRss: process.resourceUsage().maxRSS * 1024,
  }
}

async function coldStarts(choice: NetworkChoice, options: BenchOptions) {
  const starts: Record<string, ColdStart> = {
    'no caches': await coldStart(choice, options, false),
    'with caches': await coldStart(choice, options, true),
  }
  print('\ncold start in a process of its own, ms')
  print(
    formatTable(
      [
        'caches',
        'process',
        'weight files',
        'device',
        'shaders',
        '(pipelines)',
        'buffers',
        'first run',
        'second',
        'total',
        'cpu',
      ],
      Object.entries(starts).map(([name, s]) => [
        name,
        s.process,
        s.weightFiles,
        s.device,
        s.shaders,
        s.pipelines,
        s.buffers,
        s.firstRun,
        s.secondRun,
        s.total,
        s.cpu,
      ]),
    ),
  )
  return starts
}

function timingTable(timings: Readonly<Record<string, Timing>>): string {
  return formatTable(
    ['what', 'runs', 'min ms', 'median', 'p95', 'GPU min', 'GPU median', 'cpu median'],
    Object.entries(timings).map(([name, t]) => [
      name,
      t.wall.runs,
      t.wall.min,
      t.wall.median,
      t.wall.p95,
      t.gpu?.min,
      t.gpu?.median,
      t.cpu.median,
    ]),
  )
}
