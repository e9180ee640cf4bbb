import { Command, Option } from 'commander'
import { compileFor, type FamilyResult } from './gpu-compile/compile.js'
import { FAMILIES } from './gpu-compile/families.js'
import { compileForIntel } from './gpu-compile/intel.js'
import { mesaFolder } from './gpu-compile/mesa.js'
import {
  carryingConvolutions,
  diluted,
  faults,
  flopsIn,
  multiplyAddShare,
  TARGETS,
} from './gpu-compile/verdict.js'
import { machineContext } from './lib/context.js'
import { type NetworkOptions, networkOf, positiveList, withNetworkOptions } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { formatTable } from './lib/table.js'

interface CompileOptions extends NetworkOptions {
  readonly families: string
  readonly a: number[]
  readonly storage: 'f32' | 'f16'
  readonly candidates: boolean
  readonly json?: string
}

const command = withNetworkOptions(new Command('bench:gpu-compile'))
  .description(
    "Compiles the registered pair's hardware schedule for GPUs that are not there: AMD's (Mesa's RADV) and Intel's (IGC)",
  )
  .option('--families <names>', 'GPU families, comma-separated', FAMILIES.map(({ name }) => name).join(','))
  .option('--a <widths>', 'width multipliers of DFFNet, comma-separated', positiveList, [0.375, 1])
  .addOption(new Option('--storage <type>', 'element type in memory').choices(['f32', 'f16']).default('f32'))
  .option('--no-candidates', 'only what the plans run, not what autotuning could choose instead')
  .option('--json <file>', 'also write the figures to a file')
  .parse()

await main(async () => {
  const options = command.opts<CompileOptions>()
  const mesa = mesaFolder()
  const plans = options.a.map((a) => networkOf(options, a))
  const results: FamilyResult[] = []
  for (const family of options.families.split(',')) {
    const isIntel = FAMILIES.find(({ name }) => name === family)?.compiler === 'igc'
    const result = isIntel
      ? await compileForIntel(mesa, family, plans, options.storage)
      : await compileFor(mesa, family, plans, options.storage, options.candidates)
    results.push(result)
    const title = FAMILIES.find(({ name }) => name === family)?.title ?? family
    print(`\ncompiled for ${family}, ${title}, ${result.driver}; ${result.pipelines.length} pipelines`)
    print(pipelineTable(result, options.a))
    for (const a of options.a) print(carrierLine(result, a))
  }
  await writeJson(options.json, {
    script: 'gpu-compile',
    context: machineContext(),
    storage: options.storage,
    plans,
    results,
  })
  const found = results.flatMap(faults)
  if (found.length > 0) print(`\n${found.length} faults`)
  for (const { family, pipeline, what } of found) print(`  ${family}: ${pipeline}: ${what}`)
  return found.length > 0 ? 1 : 0
})

function pipelineTable(result: FamilyResult, widths: readonly number[]): string {
  const totals = widths.map((a) => result.pipelines.reduce((sum, p) => sum + flopsIn(p, a), 0))
  const rows = result.pipelines
    .map((pipeline) => ({
      pipeline,
      shares: widths.map((a, i) => flopsIn(pipeline, a) / (totals[i] as number)),
    }))
    .sort((p, q) => (q.shares.at(-1) ?? 0) - (p.shares.at(-1) ?? 0))
  return formatTable(
    [
      'kernel',
      'variant',
      'steps',
      ...widths.map((a) => `% FLOP ${a}`),
      'VGPR',
      'SGPR',
      'spills',
      'LDS B',
      'waves',
      'lanes',
      '% used',
      'VALU',
      'SALU',
      'VMEM',
      'LDS',
      'SMEM',
      'loop VALU',
      'loop FMA',
      '% FMA',
      'loop VMEM',
      'loop LDS',
    ],
    rows.map(({ pipeline, shares }) => {
      const { statistics, whole, loop } = pipeline
      return [
        pipeline.kernel.replace(/\.wgsl$/, ''),
        pipeline.variant,
        pipeline.uses.length,
        ...shares.map((share) => share * 100),
        statistics.vgprs,
        statistics.sgprs,
        statistics.spilledVgprs + statistics.spilledSgprs,
        statistics.ldsBytes,
        statistics.wavesPerSimd,
        pipeline.waveSize,
        pipeline.laneUse * 100,
        statistics.valu,
        statistics.salu,
        statistics.vmem,
        whole?.byClass.lds,
        statistics.smem,
        loop?.mix.byClass.valu,
        loop?.mix.multiplyAdds,
        loop === undefined ? undefined : multiplyAddShare(loop.mix) * 100,
        loop?.mix.byClass.vmem,
        loop?.mix.byClass.lds,
      ]
    }),
  )
}

function carrierLine(result: FamilyResult, a: number): string {
  const taken = carryingConvolutions(result, a)
  const weak = diluted(result, a)
  if (weak === undefined) return `a = ${a}: no assembly to count multiply-adds in`
  const below = taken.filter(
    (pipeline) =>
      weak.includes(pipeline) || pipeline.statistics.wavesPerSimd < TARGETS.waves || pipeline.laneUse < 1,
  )
  const verdict = below.length === 0 ? 'all of them' : `all but ${below.map(({ id }) => id).join('; ')}`
  return (
    `a = ${a}: ${taken.length} convolutions carry ${TARGETS.flopShare * 100} % of the FLOPs ` +
    `(${taken.map(({ variant }) => variant).join(', ')}); ${verdict} have ` +
    `>= ${TARGETS.multiplyAddShare * 100} % multiply-adds in their loop, >= ${TARGETS.waves} waves a SIMD and all lanes at work`
  )
}
