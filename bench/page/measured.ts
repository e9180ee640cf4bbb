import type { ColdStart } from '../lib/cold-start.js'
import type { DeviceContext, Load, MachineContext } from '../lib/context.js'
import type { HostCost } from '../lib/host-cost.js'
import type { KernelCost, LayerCost, Rates } from '../lib/layers.js'
import { markdownTable } from '../lib/markdown.js'
import type { Timing } from '../lib/measure.js'
import type { NetworkChoice } from '../lib/networks.js'
import { describeNetwork } from '../lib/options.js'
import type { Peaks } from '../lib/peaks.js'
import type { StageTimes } from '../lib/stages.js'
import { barChart } from '../lib/svg.js'
import { groupTable } from './groups.js'
import { type Part, provenance, shortAdapter } from './part.js'

export interface PeersResult {
  readonly context: MachineContext
  readonly load: Load
  readonly network: NetworkChoice
  readonly rounds: number
  readonly threads: number
  readonly engines: readonly {
    readonly title: string
    readonly version: string
    readonly device: string
    readonly first: { readonly wallMs: number }
    readonly timing: Timing
    readonly wallRatio?: number
    readonly cpuRatio?: number
    readonly difference?: number
  }[]
}

const isGpu = (device: string): boolean => !/^\d+ threads$/.test(device)

/** Adapter that a comparison ran on, by the engines that used one. */
function adapterOf(result: PeersResult): string {
  return shortAdapter(result.engines.find(({ device }) => isGpu(device))?.device ?? 'processor')
}

export function peersPart(unsorted: readonly PeersResult[]): Part {
  const results = [...unsorted].sort(
    (a, b) => adapterOf(a).localeCompare(adapterOf(b)) * -1 || a.network.a - b.network.a,
  )
  const texts = results.map((result) => {
    const { network, engines, context, load, rounds } = result
    const table = markdownTable(
      [
        'engine',
        'on',
        'CPU-s a pair',
        'ms min',
        'ms median',
        'first run s',
        'its CPU / ours',
        'its time / ours',
        'max difference',
      ],
      engines.map((e) => [
        `${e.title} ${e.version}`,
        isGpu(e.device) ? shortAdapter(e.device) : e.device,
        e.timing.cpu.median / 1000,
        e.timing.wall.min,
        e.timing.wall.median,
        e.first.wallMs / 1000,
        e.cpuRatio,
        e.wallRatio,
        e.difference,
      ]),
    )
    const machine = `*${context.cpu}, ${context.cores} cores, load average ${load.loadAverage.toFixed(1)} with the engines; ${rounds} rounds in turn; commit ${context.commit}.*`
    return `**DFFNet a = ${network.a} on ${adapterOf(result)}**\n\n${table}\n\n${machine}`
  })
  const engines = [...new Set(results.flatMap((result) => result.engines.map(({ title }) => title)))]
  const plot = barChart({
    title: 'DFFNet, one pair, processor time',
    unit: 'CPU-seconds',
    series: results.map((result) => `${adapterOf(result)}, a = ${result.network.a}`),
    bars: engines.map((title) => ({
      label: title,
      values: results.map((result) => {
        const engine = result.engines.find((e) => e.title === title)
        return engine === undefined ? undefined : engine.timing.cpu.median / 1000
      }),
    })),
    logarithmic: true,
  })
  return {
    markdown: `![Processor time of DFFNet in several engines](performance/peers.svg)\n\n${texts.join('\n\n')}`,
    plots: { peers: plot },
  }
}

interface FrontEndResult {
  readonly context: MachineContext
  readonly load: Load
  readonly rows: readonly { readonly title: string; readonly device: string; readonly timing: Timing }[]
  readonly landmarksApartPx?: number
}

export function frontEndPart([latest]: readonly FrontEndResult[]): Part {
  if (latest === undefined) return { markdown: '', plots: {} }
  const { rows, context, load, landmarksApartPx } = latest
  const table = markdownTable(
    ['front end', 'on', 'ms min', 'ms median', 'CPU ms median'],
    rows.map(({ title, device, timing }) => [
      title,
      shortAdapter(device),
      timing.wall.min,
      timing.wall.median,
      timing.cpu.median,
    ]),
  )
  const machine = `*Their 468 landmarks lie ${landmarksApartPx?.toFixed(2)} px from ours on average. ${context.cpu}, ${context.cores} cores, load average ${load.loadAverage.toFixed(1)}; commit ${context.commit}.*`
  return { markdown: `${table}\n\n${machine}`, plots: {} }
}

export interface PairResult {
  readonly context: DeviceContext
  readonly load: Load
  readonly network: NetworkChoice
  readonly peaks: Peaks
  readonly pair: {
    readonly timings: Readonly<Record<string, Timing>>
    readonly hostMs: number
    readonly overhead: number
  }
  readonly stages: StageTimes
  readonly throughput: readonly { readonly inFlight: number; readonly pairsPerSecond: number }[]
  readonly photos?: { readonly timings: Readonly<Record<string, Timing>> }
  readonly cold?: Readonly<Record<string, ColdStart>>
  readonly memory: {
    readonly weights: number
    readonly withoutWeights: number
    readonly slots: number
    readonly peakRss: number
  }
}

/** SwiftShader, which everybody has, before lavapipe. */
function byAdapter<T extends { readonly context: DeviceContext }>(results: readonly T[]): T[] {
  return [...results].sort(
    (a, b) => -shortAdapter(a.context.driver).localeCompare(shortAdapter(b.context.driver)),
  )
}

export function pairPart(results: readonly PairResult[]): Part {
  const mebi = (bytes: number): number => bytes / 2 ** 20
  const texts = byAdapter(results).map((r) => {
    const timings = { ...r.pair.timings, ...r.photos?.timings }
    const parts = [
      `**${shortAdapter(r.context.driver)}**, ${describeNetwork(r.network)}`,
      markdownTable(
        ['registered pair and photos', 'ms min', 'median', 'p95', 'GPU median', 'CPU median'],
        Object.entries(timings).map(([name, t]) => [
          name,
          t.wall.min,
          t.wall.median,
          t.wall.p95,
          t.gpu?.median,
          t.cpu.median,
        ]),
      ),
      markdownTable(
        ['stage', 'steps', 'ms median', '% of the pair'],
        r.stages.stages.map((s) => [s.stage, s.steps, s.time.median, s.share * 100]),
      ),
    ]
    if (r.cold !== undefined) {
      parts.push(
        markdownTable(
          [
            'cold start, ms',
            'weight files',
            'device',
            'shaders',
            'pipelines',
            'weights, buffers',
            'first run',
            'to the first flow',
            'process before that',
            'CPU in all',
          ],
          Object.entries(r.cold).map(([name, c]) => [
            name,
            c.weightFiles,
            c.device,
            c.shaders,
            c.pipelines,
            c.buffers,
            c.firstRun,
            c.total,
            c.process,
            c.cpu,
          ]),
        ),
      )
    }
    parts.push(
      `Throughput ${r.throughput.map((t) => `${t.pairsPerSecond.toFixed(2)} pairs/s with ${t.inFlight} in flight`).join(', ')}. ` +
        `\`run()\` takes ${r.pair.hostMs.toFixed(2)} ms of host time, and its end is seen ${(r.pair.overhead * 100).toFixed(2)} % of the time after the GPU's work. ` +
        `GPU buffers without weights ${mebi(r.memory.withoutWeights).toFixed(1)} MiB (tensors ${mebi(r.memory.slots).toFixed(1)}), ` +
        `weights ${mebi(r.memory.weights).toFixed(1)} MiB, process at most ${mebi(r.memory.peakRss).toFixed(0)} MiB resident.`,
      provenance(r.context, r.load),
    )
    return parts.join('\n\n')
  })
  return { markdown: texts.join('\n\n'), plots: {} }
}

export interface OpsResult {
  readonly context: DeviceContext
  readonly load: Load
  readonly network: NetworkChoice
  readonly peaks: Peaks
  readonly convolutions?: Rates
  readonly kernels?: readonly KernelCost[]
  readonly layers: readonly (LayerCost & { readonly rates: Rates })[]
}

const SHOWN = 24

export function layersPart(results: readonly OpsResult[]): Part {
  const plots: Record<string, string> = {}
  const texts = byAdapter(results).map((r) => {
    const { software } = r.context
    const name = shortAdapter(r.context.driver)
    const file = `layers-${name.split(' ')[0]?.toLowerCase()}`
    const msOf = (layer: LayerCost): number => (software ? layer.cpuMs : (layer.gpuMs ?? layer.wallMs))
    const total = r.layers.reduce((sum, layer) => sum + msOf(layer), 0)
    const dearest = [...r.layers].sort((a, b) => msOf(b) - msOf(a)).slice(0, SHOWN)
    plots[file] = barChart({
      title: `${name}, a = ${r.network.a}: dearest layers`,
      unit: '% of the multiply-add peak',
      series: [software ? 'per processor second' : "by the GPU's clock"],
      bars: dearest.map((layer) => ({
        label: `${layer.name} ${layer.shapes.split(' -> ')[1] ?? ''}`,
        values: [layer.rates.ofFma * 100],
      })),
    })
    const { peaks, convolutions } = r
    return [
      `**${name}**, ${describeNetwork(r.network)}: convolutions and transposed convolutions, weighted by FLOPs: ${convolutions?.gflops.toFixed(1)} GFLOP/s, ` +
        `**${((convolutions?.ofFma ?? 0) * 100).toFixed(1)} % of the multiply-add peak** of the same run ` +
        `(${(software ? peaks.gflopsPerCpuSecond : peaks.gflops).toFixed(1)} GFLOP/s${software ? ' per processor second' : ''}, ${peaks.fmaVariant}; ` +
        `copy ${peaks.gbytes.toFixed(2)} GB/s, dispatch ${peaks.dispatchUs.toFixed(0)} us, submit and wait ${(peaks.submitUs / 1000).toFixed(2)} ms).`,
      `![Share of the peak by layer](performance/${file}.svg)`,
      markdownTable(
        [
          'layer',
          'kernel',
          'steps',
          'shapes',
          'MFLOP',
          software ? 'CPU ms' : 'GPU ms',
          'GFLOP/s',
          'GB/s',
          '% FMA',
          '% time',
        ],
        dearest.map((l) => [
          l.name,
          `${l.kernel.replaceAll(/\+ winograd_/g, '+ ')}, ${l.variant}`,
          l.steps,
          l.shapes,
          l.flops / 1e6,
          msOf(l),
          l.rates.gflops,
          l.rates.gbytes,
          l.rates.ofFma * 100,
          (msOf(l) / total) * 100,
        ]),
      ),
      groupTable(r.layers, r.network, peaks, software),
      kernelLine(r.kernels ?? [], software),
      provenance(r.context, r.load),
    ].join('\n\n')
  })
  return { markdown: texts.join('\n\n'), plots }
}

/** Kernels above this share of the time are named. */
const NAMED = 0.02

function kernelLine(kernels: readonly KernelCost[], software: boolean): string {
  const msOf = (kernel: KernelCost): number => (software ? kernel.cpuMs : (kernel.gpuMs ?? kernel.wallMs))
  const total = kernels.reduce((sum, kernel) => sum + msOf(kernel), 0)
  const named = kernels.filter((kernel) => msOf(kernel) > NAMED * total)
  const parts = named.map((k) => `${k.kernel} ${((msOf(k) / total) * 100).toFixed(0)} % (${k.steps} steps)`)
  return `By kernel: ${parts.join(', ')}; all ${total.toFixed(0)} ms.`
}

interface HostResult {
  readonly context: MachineContext
  readonly load: Load
  readonly costs: readonly HostCost[]
}

export function hostPart([latest]: readonly HostResult[]): Part {
  if (latest === undefined) return { markdown: '', plots: {} }
  const { costs, context, load } = latest
  const table = markdownTable(
    ['outside of the GPU', 'ms min', 'ms median', 'CPU ms mean', 'submissions'],
    costs.map((c) => [c.what, c.minMs, c.medianMs, c.cpuMs, c.submissions]),
  )
  const machine = `*Dawn's null backend, hardware schedule; ${context.cpu}, ${context.cores} cores, load average ${load.loadAverage.toFixed(1)}; commit ${context.commit}.*`
  return { markdown: `${table}\n\n${machine}`, plots: {} }
}
