import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { packageFacts } from '../src/platform/node/package-root.js'
import type { FamilyResult } from './gpu-compile/compile.js'
import { machineContext } from './lib/context.js'
import { CONVOLUTIONS } from './lib/layers.js'
import { registeredGraph, SHIPPED } from './lib/networks.js'
import { type NetworkOptions, networkOf, positive, positiveList, withNetworkOptions } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { formatTable } from './lib/table.js'
import { DISPATCH_US, GPUS, type Gpu, PER_CALL_US, TARGET_GPUS } from './roofline/gpus.js'
import { batched, type Modelled, model, smallestWithin } from './roofline/model.js'
import { planWork, type StepWork } from './roofline/plan-work.js'
import { stageRow } from './roofline/stage-rows.js'
import { describeTuning, modelTuning } from './roofline/tuned.js'

interface RooflineOptions extends NetworkOptions {
  readonly compiled: string
  readonly a: number
  readonly widths: number[]
  readonly storage: 'f32' | 'f16'
  readonly gpu: string
  readonly tuned: boolean
  readonly json?: string
}

const COMPILED = join(packageFacts().root, 'bench', 'results', 'gpu-compile.json')
const SIZES = [112, 168, 224, 320, 448]
const BATCHES = [1, 2, 4, 8]
const TARGET_MS = 16

const command = withNetworkOptions(new Command('bench:roofline'))
  .description(
    'Models the time of a registered pair on real GPUs from the plan and from what bench:gpu-compile found',
  )
  .option('--compiled <file>', 'JSON of bench:gpu-compile', COMPILED)
  .option('--a <width>', 'width multiplier for the tables of layers, resolution and batch', positive, 1)
  .option('--widths <list>', 'width multipliers to compare', positiveList, [0.25, 0.375, 0.5, 0.75, 1])
  .addOption(new Option('--storage <type>', 'element type in memory').choices(['f32', 'f16']).default('f32'))
  .option('--gpu <text>', 'GPU of the layer table, part of its name', TARGET_GPUS[0]?.name ?? '')
  .option('--tuned', 'also rank the kernels that autotuning could choose from, on the target GPUs', false)
  .option('--json <file>', 'also write the figures to a file')
  .parse()

await main(async () => {
  const options = command.opts<RooflineOptions>()
  if (!existsSync(options.compiled)) {
    process.stderr.write(
      `${options.compiled} is missing: npm run bench:gpu-compile -- --json ${options.compiled}\n`,
    )
    return 1
  }
  const { results } = JSON.parse(await readFile(options.compiled, 'utf8')) as { results: FamilyResult[] }
  const familyOf = (gpu: Gpu): FamilyResult => {
    const family = results.find((result) => result.family === gpu.compiledAs)
    if (family === undefined) throw new Error(`${options.compiled} has no family ${gpu.compiledAs}`)
    return family
  }
  const cache = new Map<string, StepWork[]>()
  const work: WorkOf = async (gpu, { a, size = 224, storage = options.storage }) => {
    const key = `${gpu.compiledAs} ${a} ${size} ${storage}`
    const known = cache.get(key)
    if (known !== undefined) return known
    const family = familyOf(gpu)
    const made = planWork(
      await registeredGraph({ ...networkOf(options, a), size }),
      `a=${a}`,
      family,
      storage,
    )
    cache.set(key, made)
    return made
  }

  const all: readonly Gpu[] = [...TARGET_GPUS, ...GPUS]
  const chosen = all.find(({ name }) => name.includes(options.gpu)) ?? TARGET_GPUS[0]
  if (chosen === undefined) return 1
  print('MODELLED, not measured: roofline of the compiled hardware schedule; see bench/roofline/model.ts')
  const layers = layerRows(await work(chosen, options), chosen)
  print(`\nlayers on "${chosen.name}", a = ${options.a}, ${options.storage}`)
  print(
    formatTable(
      ['layer', 'kernel', 'MFLOP', 'executed', 'efficiency %', 'compute ms', 'memory ms', 'ms', 'bound by'],
      layers.map((l) => [
        l.layer,
        l.kernel,
        l.defined / 1e6,
        l.executed / 1e6,
        l.efficiency * 100,
        l.computeMs,
        l.memoryMs,
        l.ms,
        l.bound,
      ]),
    ),
  )
  print(convolutionLine(await work(chosen, options), chosen))

  const byWidth = await Promise.all(
    all.map(async (gpu) => ({
      gpu,
      ms: await Promise.all(options.widths.map(async (a) => pairMs(await work(gpu, { a }), gpu))),
      pessimistic: pairMs(await work(gpu, { a: options.a }), gpu, PER_CALL_US),
    })),
  )
  print(
    `\nms per registered pair, ${options.storage}; dispatch ${DISPATCH_US.integrated} us on integrated GPUs, ${DISPATCH_US.discrete} us on others`,
  )
  print(
    formatTable(
      [
        'GPU',
        'TFLOPS',
        'GB/s',
        ...options.widths.map((a) => `a = ${a}`),
        `a = ${options.a}, ${PER_CALL_US} us a dispatch`,
      ],
      byWidth.map(({ gpu, ms, pessimistic }) => [gpu.name, gpu.tflops, gpu.gbytes, ...ms, pessimistic]),
    ),
  )

  const byStage = await Promise.all(
    TARGET_GPUS.flatMap((gpu) =>
      [...new Set([SHIPPED.a, options.a])].map(async (a) =>
        stageRow(await work(gpu, { a }), networkOf(options, a), gpu),
      ),
    ),
  )
  print('\nby stage')
  print(
    formatTable(
      ['GPU', 'a', 'stage', 'dispatches', 'ms'],
      byStage.flatMap(({ gpu, a, stages }) => stages.map((s) => [gpu, a, s.stage, s.dispatches, s.ms])),
    ),
  )

  const bySize = await Promise.all(
    SIZES.map(async (size) => pairMs(await work(chosen, { a: options.a, size }), chosen)),
  )
  print(`\nresolution, "${chosen.name}", a = ${options.a}`)
  print(
    formatTable(
      ['side px', 'ms'],
      SIZES.map((size, i) => [size, bySize[i]]),
    ),
  )
  const single = await work(chosen, options)
  const byBatch = BATCHES.map(
    (pairs) =>
      pairMs(
        single.map((w) => batched(w, pairs)),
        chosen,
      ) / pairs,
  )
  print(`\nbatch, ms per pair, "${chosen.name}", a = ${options.a}`)
  print(
    formatTable(
      ['pairs', 'ms per pair'],
      BATCHES.map((pairs, i) => [pairs, byBatch[i]]),
    ),
  )

  const needs = await needsOf(options, work)
  print(`\nwhat ${TARGET_MS} ms need: TFLOPS of a GPU with 27 GB/s a TFLOPS`)
  print(
    formatTable(
      ['a', 'f32', 'f16 storage'],
      needs.map((n) => [n.a, n.f32, n.f16]),
    ),
  )

  const pair = await registeredGraph(networkOf(options, options.a))
  const tuned = (options.tuned ? TARGET_GPUS : []).map((gpu) =>
    modelTuning(pair, `a=${options.a}`, familyOf(gpu), options.storage, gpu),
  )
  for (const tuning of tuned) print(describeTuning(tuning))

  const misses = await Promise.all(
    TARGET_GPUS.map(async (gpu) => ({ gpu, ms: pairMs(await work(gpu, { a: 1 }), gpu) })),
  )
  print()
  for (const { gpu, ms } of misses) {
    print(
      `${gpu.name}, a = 1: modelled ${ms.toFixed(1)} ms, target ${gpu.targetMs} ms: ${ms < gpu.targetMs ? 'met' : 'missed'}`,
    )
  }
  await writeJson(options.json, {
    script: 'roofline',
    context: machineContext(),
    options: { ...networkOf(options, options.a), widths: options.widths, storage: options.storage },
    layers,
    byWidth,
    byStage,
    resolution: { sizes: SIZES, ms: bySize },
    batch: { pairs: BATCHES, msPerPair: byBatch },
    needs,
    tuned,
    targets: misses.map(({ gpu, ms }) => ({ gpu: gpu.name, ms, targetMs: gpu.targetMs })),
  })
  return 0
})

type WorkOf = (
  gpu: Gpu,
  choice: { readonly a: number; readonly size?: number; readonly storage?: 'f32' | 'f16' },
) => Promise<StepWork[]>

function modelOf(work: StepWork, gpu: Gpu, dispatchUs = DISPATCH_US[gpu.kind]): Modelled {
  return model(work, gpu, dispatchUs)
}

function pairMs(
  work: readonly (StepWork | ReturnType<typeof batched>)[],
  gpu: Gpu,
  dispatchUs?: number,
): number {
  return work.reduce((sum, step) => sum + model(step, gpu, dispatchUs ?? DISPATCH_US[gpu.kind]).ms, 0)
}

interface LayerRow {
  readonly layer: string
  readonly kernel: string
  readonly defined: number
  readonly executed: number
  readonly efficiency: number
  readonly computeMs: number
  readonly memoryMs: number
  readonly ms: number
  readonly bound: string
}

/** Sums the dispatches of each layer; bound and efficiency are those of its longest one. */
function layerRows(work: readonly StepWork[], gpu: Gpu): LayerRow[] {
  const rows = new Map<string, LayerRow & { readonly longest: number }>()
  for (const step of work) {
    const { ms, computeMs, memoryMs, efficiency, bound } = modelOf(step, gpu)
    const known = rows.get(step.layer)
    const isLongest = ms > (known?.longest ?? 0)
    const kernel = `${step.kernel.replace(/\.wgsl$/, '')} ${step.variant}`
    rows.set(step.layer, {
      layer: step.layer,
      kernel: isLongest ? kernel : (known?.kernel ?? kernel),
      defined: (known?.defined ?? 0) + step.definedFlops,
      executed: (known?.executed ?? 0) + step.flops,
      efficiency: isLongest ? efficiency : (known?.efficiency ?? 0),
      computeMs: (known?.computeMs ?? 0) + computeMs,
      memoryMs: (known?.memoryMs ?? 0) + memoryMs,
      ms: (known?.ms ?? 0) + ms,
      bound: isLongest ? bound : (known?.bound ?? ''),
      longest: Math.max(ms, known?.longest ?? 0),
    })
  }
  return [...rows.values()].map(({ longest: _, ...row }) => row)
}

function convolutionLine(work: readonly StepWork[], gpu: Gpu): string {
  const convolutions = work.filter(({ op }) => CONVOLUTIONS.has(op))
  const flops = convolutions.reduce((sum, { definedFlops }) => sum + definedFlops, 0)
  const share = flops / (pairMs(convolutions, gpu) * gpu.tflops * 1e9)
  return (
    `${work.length} dispatches, ${pairMs(work, gpu).toFixed(2)} ms; convolutions and transposed convolutions at ` +
    `${(share * 100).toFixed(0)} % of the peak rate (FLOPs of the definition)`
  )
}

/** TFLOPS that the time limit takes, of a GPU like the integrated target scaled up or down. */
async function needsOf(options: RooflineOptions, work: WorkOf) {
  const [base] = TARGET_GPUS
  if (base === undefined) return []
  return await Promise.all(
    options.widths.map(async (a) => {
      const need = async (storage: 'f32' | 'f16'): Promise<number | undefined> => {
        const steps = await work(base, { a, storage })
        const cost = (tflops: number): number => {
          const scale = tflops / base.tflops
          const lanes = Math.ceil((base.lanes * scale) / base.wave) * base.wave
          return pairMs(steps, { ...base, tflops, gbytes: base.gbytes * scale, lanes })
        }
        return smallestWithin(cost, TARGET_MS, 0.05, 100)
      }
      return { a, f32: await need('f32'), f16: await need('f16') }
    }),
  )
}
