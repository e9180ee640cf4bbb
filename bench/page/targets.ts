import type { FamilyResult } from '../gpu-compile/compile.js'
import { FAMILIES } from '../gpu-compile/families.js'
import {
  carryingConvolutions,
  diluted,
  faults,
  multiplyAddShareOf,
  widthsOf,
} from '../gpu-compile/verdict.js'
import { convolutionShare } from '../lib/layers.js'
import { markdownTable } from '../lib/markdown.js'
import { type Stage, stageOf } from '../lib/networks.js'
import type { CompileResult, RooflineResult } from './hardware.js'
import type { OpsResult, PairResult, PeersResult } from './measured.js'
import { shortAdapter } from './part.js'

export interface AllResults {
  readonly peers: readonly PeersResult[]
  readonly pair: readonly PairResult[]
  readonly ops: readonly OpsResult[]
  readonly compiled: readonly CompileResult[]
  readonly roofline: readonly RooflineResult[]
}

type AdapterName = 'SwiftShader' | 'lavapipe'
const ADAPTERS: readonly AdapterName[] = ['SwiftShader', 'lavapipe']

interface Target {
  readonly what: string
  /** The limit, and what was found: undefined where there is no result. */
  readonly limit: Readonly<Record<AdapterName, number>>
  /** True where more is better. */
  readonly atLeast?: boolean
  readonly unit: string
  found(adapter: AdapterName): number | undefined
}

/** What was aimed at, what was found, and whether that is enough. */
export function targetsTable(all: AllResults): string {
  const on = <T extends { readonly context: { readonly driver: string } }>(
    list: readonly T[],
    adapter: AdapterName,
  ) => list.find(({ context }) => shortAdapter(context.driver).startsWith(adapter))
  const peers = (adapter: AdapterName, a: number): PeersResult | undefined =>
    all.peers.find(
      ({ engines, network }) =>
        network.a === a && engines.some(({ device }) => shortAdapter(device).startsWith(adapter)),
    )
  const bestPeer = (adapter: AdapterName, a: number): number | undefined => {
    const rivals = peers(adapter, a)?.engines.filter((e) => /WebGPU/i.test(e.title)) ?? []
    const ratios = rivals.flatMap(({ wallRatio }) => (wallRatio === undefined ? [] : [wallRatio]))
    return ratios.length > 0 ? Math.min(...ratios) : undefined
  }
  const targets: Target[] = [
    {
      what: 'DFFNet a = 0.375: onnxruntime-web WebGPU / ours, time',
      limit: { SwiftShader: 10, lavapipe: 4 },
      atLeast: true,
      unit: 'x',
      found: (adapter) =>
        peers(adapter, 0.375)?.engines.find(({ title }) => title === 'onnxruntime-web WebGPU')?.wallRatio,
    },
    {
      what: 'DFFNet a = 1: best WebGPU peer / ours, time',
      limit: { SwiftShader: 8, lavapipe: 4 },
      atLeast: true,
      unit: 'x',
      found: (adapter) => bestPeer(adapter, 1),
    },
    {
      what: 'convolutions of DFFNet, share of the measured multiply-add peak',
      limit: { SwiftShader: 30, lavapipe: 50 },
      atLeast: true,
      unit: '%',
      found: (adapter) => percent(networkShare(on(all.ops, adapter))),
    },
    {
      what: "3DMeshReg + raster + PNCC, share of the pair's processor time",
      limit: { SwiftShader: 15, lavapipe: 15 },
      unit: '%',
      found: (adapter) => percent(frontShare(on(all.ops, adapter))),
    },
    {
      what: 'overhead of run() beyond GPU work',
      limit: { SwiftShader: 2, lavapipe: 2 },
      unit: '%',
      found: (adapter) => percent(on(all.pair, adapter)?.pair.overhead),
    },
    {
      what: 'cold start to the first flow, no cache, processor time',
      limit: { SwiftShader: 10, lavapipe: 20 },
      unit: 's',
      found: (adapter) => seconds(on(all.pair, adapter)?.cold?.['no caches']?.cpu),
    },
    {
      what: 'live GPU bytes, a = 0.375, weights excluded',
      limit: { SwiftShader: 24, lavapipe: 24 },
      unit: 'MB',
      found: (adapter) => scaled(on(all.pair, adapter)?.memory.withoutWeights, 1e-6),
    },
  ]
  const software = markdownTable(
    ['measured', 'on', 'target', 'found', ''],
    targets.flatMap((target) =>
      ADAPTERS.map((adapter) => {
        const limit = target.limit[adapter]
        const found = target.found(adapter)
        const verdict =
          found === undefined
            ? 'not run'
            : (target.atLeast ? found >= limit : found <= limit)
              ? 'met'
              : '**missed**'
        return [
          target.what,
          adapter,
          `${target.atLeast ? '>=' : '<='} ${limit} ${target.unit}`,
          found === undefined ? '-' : `${found.toPrecision(3)} ${target.unit}`,
          verdict,
        ]
      }),
    ),
  )
  return `${software}\n\n${hardwareLines(all)}`
}

const FRONT_END: ReadonlySet<Stage> = new Set(['3DMeshReg', 'raster + PNCC'])

/** Of what comes before DFFNet, out of the pair with its refinement, by processor time: other work on the machine shifts wall times between stages. */
function frontShare(result: OpsResult | undefined): number | undefined {
  if (result === undefined) return undefined
  const stage = stageOf(result.network)
  const sum = (layers: OpsResult['layers']): number => layers.reduce((total, { cpuMs }) => total + cpuMs, 0)
  return sum(result.layers.filter(({ name }) => FRONT_END.has(stage(name)))) / sum(result.layers)
}

/** Of DFFNet alone: total FLOPs of its convolutions over their total time, against the peak. */
function networkShare(result: OpsResult | undefined): number | undefined {
  if (result === undefined) return undefined
  const stage = stageOf(result.network)
  const layers = result.layers.filter(({ name }) => stage(name) === 'DFFNet')
  return convolutionShare(layers, result.peaks, result.context.software).ofFma
}

function hardwareLines({ compiled, roofline }: AllResults): string {
  const families = compiled.flatMap(({ results }) => results)
  const found = families.flatMap(faults)
  const spills = found.filter(({ what }) => what.includes('spilled')).length
  const lines = [
    `Compiled for ${families.map(({ family }) => family).join(', ')}: ${spills} pipelines spill, ${found.length - spills} other faults.`,
    ...families.flatMap(carrierLine),
    ...roofline.flatMap(({ targets }) =>
      targets.map(
        (t) =>
          `Modelled, ${t.gpu.replace('target: ', '')}, a = 1, f32: ${t.ms.toFixed(1)} ms of ${t.targetMs} ms (${t.ms < t.targetMs ? 'met' : '**missed**'}).`,
      ),
    ),
  ]
  return lines.join(' ')
}

/** Whether what carries the FLOPs of each plan is multiply-adds, for families whose assembly can be read. */
function carrierLine(family: FamilyResult): string[] {
  if (!FAMILIES.some(({ name, demanded }) => demanded && name === family.family)) return []
  const widths = widthsOf(family)
  const weak = widths.map((a) => diluted(family, a))
  if (weak.includes(undefined)) return []
  const shares = widths.flatMap((a) => carryingConvolutions(family, a)).map(multiplyAddShareOf)
  const verdict = weak.every((list) => list?.length === 0) ? 'met' : '**missed**'
  return [
    `Convolutions that carry 90 % of the FLOPs at a = ${widths.join(' and ')} on ${family.family}: at least ` +
      `${(Math.min(...shares) * 100).toFixed(1)} % multiply-adds in their loops, target 70 % (${verdict}).`,
  ]
}

const scaled = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : value * factor
const percent = (share: number | undefined): number | undefined => scaled(share, 100)
const seconds = (ms: number | undefined): number | undefined => scaled(ms, 1e-3)
