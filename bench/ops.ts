import { GraphBuilder } from '../src/graph/graph.js'
import { inputTensor, outputTensor } from '../src/ops/tensor/border.js'
import { Engine } from '../src/runtime/engine.js'
import { allCases } from '../test/cases/index.js'
import { arrayWeights, caseData } from '../test/kernels/run-case.js'
import { describeContext, describeLoad, deviceContext, LoadMeter } from './lib/context.js'
import { convolutionShare, kernelsOf, type LayerCost, layersOf, ratesOf } from './lib/layers.js'
import { measureOptions } from './lib/measure.js'
import { networkWeights, registeredGraph, registeredInputs } from './lib/networks.js'
import {
  type BenchOptions,
  benchCommand,
  describeNetwork,
  type NetworkOptions,
  networkOf,
  positive,
  withNetworkOptions,
} from './lib/options.js'
import { describePeaks, PeakMeter, type Peaks } from './lib/peaks.js'
import { main, print, writeJson } from './lib/report.js'
import { type StepCost, StepMeter } from './lib/steps.js'
import { formatTable } from './lib/table.js'

interface OpsOptions extends BenchOptions, NetworkOptions {
  readonly a: number
  readonly cases: boolean
  readonly layers: boolean
  readonly only?: string
}

const command = withNetworkOptions(
  benchCommand(
    'bench:ops',
    "Time of every layer of the registered pair, and of the tests' cases marked bench",
  ),
)
  .option('--a <width>', "DFFNet's width multiplier", positive, 0.375)
  .option('--no-cases', 'leave out the cases of the tests')
  .option('--no-layers', 'leave out the layers of the plan')
  .option('--only <text>', 'only cases and layers whose name or op contains this')
  .parse()

await main(async () => {
  const options = command.opts<OpsOptions>()
  const engine = await Engine.open({
    ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
    robustness: options.robustness,
  })
  try {
    await run(engine, options)
  } finally {
    engine.dispose()
  }
  return 0
})

async function run(engine: Engine, options: OpsOptions): Promise<void> {
  const { software } = engine.caps
  const context = deviceContext(engine, options)
  const load = new LoadMeter()
  print(describeContext(context))
  const runs = options.runs ?? measureOptions(options).runs
  const peakMeter = await PeakMeter.open(engine)
  const sampleFma = async (): Promise<void> => {
    await peakMeter.sampleFma()
  }
  const costs = options.layers ? await measureSteps(engine, options, runs, sampleFma) : []
  const layers = layersOf(costs).filter((layer) => wanted(layer, options))
  const kernels = kernelsOf(costs)
  const cases = options.cases ? await measureCases(engine, options, runs, sampleFma) : []
  const peaks = await peakMeter.finish(options.quick ? 2 : 6)
  peakMeter.dispose()

  print(describePeaks(peaks))
  if (layers.length > 0) {
    print(`\nlayers of the registered pair, ${describeNetwork(networkOf(options, options.a))}`)
    print(layerTable(layers, peaks, software))
    const share = convolutionShare(layers, peaks, software)
    print(
      `convolutions and transposed convolutions: ${share.gflops.toFixed(2)} GFLOP/s, ` +
        `${(share.ofFma * 100).toFixed(1)} % of the multiply-add peak, weighted by FLOPs`,
    )
  }
  if (kernels.length > 0) {
    print('\nby kernel')
    const columns = ['kernel', 'steps', 'wall ms', 'cpu ms', 'GPU ms']
    print(
      formatTable(
        columns,
        kernels.map((k) => [k.kernel, k.steps, k.wallMs, k.cpuMs, k.gpuMs]),
      ),
    )
  }
  if (cases.length > 0) {
    print('\ncases of the tests')
    print(layerTable(cases, peaks, software))
  }
  const ended = load.stop()
  print(describeLoad(ended))
  const withRates = (list: readonly LayerCost[]) =>
    list.map((layer) => ({ ...layer, rates: ratesOf(layer, peaks, software) }))
  await writeJson(options.json, {
    script: 'ops',
    context,
    load: ended,
    network: networkOf(options, options.a),
    peaks,
    convolutions: layers.length > 0 ? convolutionShare(layers, peaks, software) : undefined,
    kernels,
    layers: withRates(layers),
    cases: withRates(cases),
  })
}

async function measureSteps(
  engine: Engine,
  options: OpsOptions,
  runs: number,
  between: () => Promise<void>,
): Promise<StepCost[]> {
  const choice = networkOf(options, options.a)
  const meter = await StepMeter.open(
    engine,
    await registeredGraph(choice),
    await networkWeights(choice),
    options,
  )
  try {
    meter.write(await registeredInputs(choice))
    return await meter.measure(runs, options.quick, between)
  } finally {
    meter.dispose()
  }
}

async function measureCases(
  engine: Engine,
  options: OpsOptions,
  runs: number,
  between: () => Promise<void>,
): Promise<LayerCost[]> {
  const results: LayerCost[] = []
  for (const opCase of allCases) {
    if (!opCase.bench || !wanted(opCase, options)) continue
    const { inputs, weights } = caseData(opCase)
    const graph = new GraphBuilder(opCase.name)
    const values = inputs.map(({ n, h, w, c }, i) => inputTensor(graph, `input${i}`, { n, h, w, c }))
    outputTensor(graph, 'result', opCase.build(graph, values))
    const shapes = Object.fromEntries(
      Object.entries(opCase.weights ?? {}).map(([name, { shape }]) => [name, shape]),
    )
    const meter = await StepMeter.open(engine, graph.build(), arrayWeights(weights, shapes), options)
    try {
      meter.write(Object.fromEntries(inputs.map(({ data }, i) => [`input${i}`, Float32Array.from(data)])))
      const measured = layersOf(await meter.measure(runs, options.quick, between))
      results.push(
        ...measured.filter(({ op }) => op === opCase.op).map((layer) => ({ ...layer, name: opCase.name })),
      )
    } finally {
      meter.dispose()
    }
  }
  return results
}

function wanted({ name, op }: { readonly name: string; readonly op: string }, { only }: OpsOptions): boolean {
  return only === undefined || name.includes(only) || op.includes(only)
}

function layerTable(layers: readonly LayerCost[], peaks: Peaks, software: boolean): string {
  const total = layers.reduce((sum, layer) => sum + timeOf(layer, software), 0)
  return formatTable(
    [
      'layer',
      'kernel',
      'variant',
      'steps',
      'shapes',
      'MFLOP',
      'wall ms',
      'cpu ms',
      'GPU ms',
      'GFLOP/s',
      'GB/s',
      '% FMA',
      '% copy',
      '% time',
    ],
    layers.map((layer) => {
      const rates = ratesOf(layer, peaks, software)
      return [
        layer.name,
        layer.kernel,
        layer.variant,
        layer.steps,
        layer.shapes,
        layer.flops / 1e6,
        layer.wallMs,
        layer.cpuMs,
        layer.gpuMs,
        rates.gflops,
        rates.gbytes,
        rates.ofFma * 100,
        rates.ofCopy * 100,
        (timeOf(layer, software) / total) * 100,
      ]
    }),
  )
}

function timeOf(layer: LayerCost, software: boolean): number {
  return software ? layer.cpuMs : (layer.gpuMs ?? layer.wallMs)
}
