import type { CompiledPipeline, FamilyResult } from '../gpu-compile/compile.js'
import { FAMILIES } from '../gpu-compile/families.js'
import {
  carriers,
  flopsIn,
  multiplyAddShare,
  multiplyAddShareOf,
  TARGETS,
  widthsOf,
} from '../gpu-compile/verdict.js'
import type { MachineContext } from '../lib/context.js'
import { markdownTable } from '../lib/markdown.js'
import { barChart, lineChart } from '../lib/svg.js'
import type { Gpu } from '../roofline/gpus.js'
import type { StageRow } from '../roofline/stage-rows.js'
import { type ModelledTuning, tuningTable } from '../roofline/tuned.js'
import type { Part } from './part.js'

export interface CompileResult {
  readonly context: MachineContext
  readonly results: readonly FamilyResult[]
}

export function compiledPart([latest]: readonly CompileResult[]): Part {
  if (latest === undefined) return { markdown: '', plots: {} }
  const widths = latest.results[0] === undefined ? [] : widthsOf(latest.results[0])
  const rows = latest.results.flatMap((family) => {
    const totals = widths.map((a) => family.pipelines.reduce((sum, p) => sum + flopsIn(p, a), 0))
    const title = FAMILIES.find(({ name }) => name === family.family)?.title ?? ''
    const heavy = widths.flatMap((a) => carriers(family, a, TARGETS.flopShare))
    const widest = widths.at(-1) ?? 1
    return [...new Set(heavy)]
      .sort((p, q) => flopsIn(q, widest) - flopsIn(p, widest))
      .map((p) => [
        `${family.family}, ${title}`,
        nameOf(p),
        ...widths.map((a, i) => (flopsIn(p, a) / (totals[i] ?? 1)) * 100),
        p.statistics.vgprs,
        p.statistics.spilledVgprs + p.statistics.spilledSgprs,
        p.statistics.ldsBytes,
        p.statistics.wavesPerSimd,
        p.laneUse * 100,
        p.loop?.mix.byClass.valu,
        p.loop?.mix.multiplyAdds,
        p.loop === undefined ? undefined : multiplyAddShareOf(p) * 100,
      ])
  })
  const families = markdownTable(
    ['compiled for', 'pipelines of the plans', 'candidates of autotuning', 'spilling', 'fewest waves'],
    latest.results.map(({ family, pipelines }) => [
      family,
      pipelines.filter(isUsed).length,
      pipelines.filter((pipeline) => !isUsed(pipeline)).length,
      pipelines.filter(({ statistics: s }) => s.spilledVgprs + s.spilledSgprs + s.scratchBytes > 0).length,
      Math.min(...pipelines.map(({ statistics }) => statistics.wavesPerSimd)),
    ]),
  )
  const heavy = markdownTable(
    [
      'compiled for',
      'kernel',
      ...widths.map((a) => `% FLOPs, a = ${a}`),
      'VGPRs',
      'spills',
      'LDS B',
      'waves',
      '% lanes',
      'loop VALU',
      'loop FMA',
      '% FMA',
    ],
    rows,
  )
  return {
    markdown: [
      families,
      `Pipelines that carry 90 % of the FLOPs at a = ${widths.join(' or ')}:`,
      heavy,
      ...flowKernelsOf(latest.results),
      ...candidatesOf(latest.results),
      `*${latest.results[0]?.driver}; commit ${latest.context.commit}.*`,
    ].join('\n\n'),
    plots: {},
  }
}

/** Autotuning's candidates have no uses; see bench/gpu-compile/child.ts. */
function isUsed({ uses }: CompiledPipeline): boolean {
  return uses.length > 0
}

/** What the compiler of one family makes of the tiles that only autotuning takes, whole sums without residual. */
function candidatesOf([family]: readonly FamilyResult[]): string[] {
  const tiles = new Map<string, CompiledPipeline>()
  for (const pipeline of family?.pipelines ?? []) {
    const name = nameOf(pipeline)
    if (isUsed(pipeline) || / \/\d+$/.test(name) || tiles.has(name)) continue
    tiles.set(name, pipeline)
  }
  if (family === undefined || tiles.size === 0) return []
  return [
    `Candidates of autotuning that no plan has by default, and kernels that only plans of f16 storage have, compiled for ${family.family}:`,
    markdownTable(
      ['kernel', 'VGPRs', 'spills', 'LDS B', 'waves', '% lanes', 'loop VALU', 'loop FMA', '% FMA'],
      [...tiles].map(([name, { statistics, laneUse, loop }]) => [
        name,
        statistics.vgprs,
        statistics.spilledVgprs + statistics.spilledSgprs,
        statistics.ldsBytes,
        statistics.wavesPerSimd,
        laneUse * 100,
        loop?.mix.byClass.valu,
        loop?.mix.multiplyAdds,
        loop === undefined ? undefined : multiplyAddShare(loop.mix) * 100,
      ]),
    ),
  ]
}

/**
 * Kernels of what follows DFFNet; the layers of depth from motion run on those of convolutions. `vertex_depth` is what
 * `add_vertex_motion` was called in results from before it moved more than dz.
 */
const FLOW_KERNELS = /^(inverse_search|variational|vertex_motion|add_vertex_motion|vertex_depth)/

/** What the compiler of one family makes of the kernels that change a flow. */
function flowKernelsOf([family]: readonly FamilyResult[]): string[] {
  const kernels = family?.pipelines.filter(({ kernel }) => FLOW_KERNELS.test(kernel)) ?? []
  if (family === undefined || kernels.length === 0) return []
  const [width = 1] = widthsOf(family)
  return [
    `Kernels of refinement and depth from motion, compiled for ${family.family}:`,
    markdownTable(
      [
        'kernel',
        'dispatches',
        'VGPRs',
        'spills',
        'LDS B',
        'waves',
        '% lanes',
        'vector instructions',
        'loads and stores',
      ],
      kernels.map((p) => [
        nameOf(p),
        p.uses.filter(({ a }) => a === width).length,
        p.statistics.vgprs,
        p.statistics.spilledVgprs + p.statistics.spilledSgprs,
        p.statistics.ldsBytes,
        p.statistics.wavesPerSimd,
        p.laneUse * 100,
        p.statistics.valu,
        p.statistics.vmem,
      ]),
    ),
  ]
}

function nameOf({ kernel, variant }: CompiledPipeline): string {
  return `${kernel.replace(/\.wgsl$/, '')} ${variant}`
}

export interface RooflineResult {
  readonly context: MachineContext
  readonly options: { readonly a: number; readonly widths: readonly number[]; readonly storage: string }
  readonly layers: readonly {
    readonly layer: string
    readonly computeMs: number
    readonly memoryMs: number
    readonly ms: number
    readonly bound: string
  }[]
  readonly byWidth: readonly {
    readonly gpu: Gpu
    readonly ms: readonly number[]
    readonly pessimistic: number
  }[]
  readonly byStage: readonly StageRow[]
  readonly resolution: { readonly sizes: readonly number[]; readonly ms: readonly number[] }
  readonly batch: { readonly pairs: readonly number[]; readonly msPerPair: readonly number[] }
  readonly needs: readonly { readonly a: number; readonly f32?: number; readonly f16?: number }[]
  readonly targets: readonly { readonly gpu: string; readonly ms: number; readonly targetMs: number }[]
  readonly tuned?: readonly ModelledTuning[]
}

const DEAREST = 20

/** One row a GPU and width; a column of milliseconds, and in brackets dispatches, for each stage. */
function stageTable(rows: readonly StageRow[]): string {
  const stages = rows[0]?.stages.map(({ stage }) => stage) ?? []
  return markdownTable(
    ['modelled, ms (dispatches)', 'a', ...stages, 'pair'],
    rows.map((row) => [
      row.gpu,
      row.a,
      ...row.stages.map(({ ms, dispatches }) => `${ms.toFixed(2)} (${dispatches})`),
      row.stages.reduce((sum, { ms }) => sum + ms, 0),
    ]),
  )
}

export function modelPart([latest]: readonly RooflineResult[]): Part {
  if (latest === undefined) return { markdown: '', plots: {} }
  const { options, byWidth, layers, resolution, batch, needs, targets } = latest
  const real = byWidth.filter(({ gpu }) => !gpu.name.startsWith('target'))
  const plots = {
    'roofline-width': lineChart({
      title: 'Registered pair, modelled',
      x: { label: 'width multiplier a of DFFNet', values: options.widths },
      y: `ms per pair, ${options.storage}`,
      series: [0, 3, 5, 6, 8].flatMap((i) => {
        const entry = real[i]
        return entry === undefined ? [] : [{ name: entry.gpu.name.replace(/ \(.*/, ''), values: entry.ms }]
      }),
      limit: { value: 16, label: '16 ms' },
    }),
    'roofline-layers': barChart({
      title: `Dearest layers, modelled on the 2.5-TFLOPS target, a = ${options.a}`,
      unit: 'ms',
      series: ['arithmetic', 'memory'],
      bars: [...layers]
        .sort((p, q) => q.ms - p.ms)
        .slice(0, DEAREST)
        .map((row) => ({ label: `${row.layer} (${row.bound})`, values: [row.computeMs, row.memoryMs] })),
    }),
  }
  const markdown = [
    markdownTable(
      [
        'modelled, ms per pair',
        'TFLOPS',
        'GB/s',
        ...options.widths.map((a) => `a = ${a}`),
        `a = ${options.a}, 30 us a dispatch`,
      ],
      byWidth.map(({ gpu, ms, pessimistic }) => [gpu.name, gpu.tflops, gpu.gbytes, ...ms, pessimistic]),
    ),
    'By stage:',
    stageTable(latest.byStage),
    '![Modelled time against width](performance/roofline-width.svg)',
    '![Modelled time of the dearest layers](performance/roofline-layers.svg)',
    `On the 2.5-TFLOPS target at a = ${options.a}: ${resolution.sizes.map((size, i) => `${resolution.ms[i]?.toFixed(1)} ms at ${size} px`).join(', ')}; ` +
      `${batch.pairs.map((pairs, i) => `${batch.msPerPair[i]?.toFixed(1)} ms a pair in batches of ${pairs}`).join(', ')}.`,
    'TFLOPS that 16 ms need, of a GPU with 27 GB/s of memory bandwidth a TFLOPS:',
    markdownTable(
      ['a', 'f32', 'f16 storage'],
      needs.map((need) => [need.a, need.f32, need.f16]),
    ),
    targets
      .map((t) => `${t.gpu}, a = 1: **${t.ms.toFixed(1)} ms modelled**, target below ${t.targetMs} ms.`)
      .join(' '),
    ...(latest.tuned ?? []).flatMap((tuning) => {
      const { title, columns, rows } = tuningTable(tuning)
      return [`${title}:`, markdownTable(columns, rows)]
    }),
    `*Commit ${latest.context.commit}.*`,
  ].join('\n\n')
  return { markdown, plots }
}
