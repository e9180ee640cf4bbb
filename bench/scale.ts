import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import type { CorpusEntry } from '../src/corpus/entry.js'
import { CORPUS_DEFAULTS } from '../src/corpus/options.js'
import type { ChosenPair } from '../src/corpus/pair-sampler.js'
import { makeSample } from '../src/corpus/sample-files.js'
import { packageFacts } from '../src/platform/node/package-root.js'
import { mouthOpening, syntheticResult } from '../test/support/synthetic.js'
import { positive } from './lib/options.js'
import { main, print } from './lib/report.js'
import { formatTable } from './lib/table.js'

interface ScaleOptions {
  readonly framesPerPair: number
  readonly decodeMs: number
  readonly videoMbit: number
  readonly fps: number
  readonly cores: number
  readonly entryPairs: number
}

const command = new Command('bench:scale')
  .description(
    'Models time, storage and network of a corpus: the GPU by bench/results/roofline.json (modelled), the processor beside it by ' +
      'bench/results/host.json (measured) and by writing a sample (measured here). The options are what it assumes',
  )
  .option('--frames-per-pair <n>', 'frames that are decoded and tracked for each pair', positive, 20)
  .option('--decode-ms <ms>', 'processor time of decoding a frame', positive, 4)
  .option('--video-mbit <n>', 'of the videos, Mbit/s', positive, 4)
  .option('--fps <n>', 'of the videos', positive, 25)
  .option('--cores <n>', 'beside each GPU', positive, 16)
  .option('--entry-pairs <n>', 'pairs of an entry, for the memory of the queue', positive, 12)
  .parse()

/** Queue server, bytes an entry: `npm run bench:queue`. */
const QUEUE_BYTES = 1600
/** Of the mesh network in a pair, on the smaller target: for GPUs whose stages are not listed. */
const MESH_SHARE = 1.34 / 5.65
const SHOWN = /integrated, 2.5|discrete, 20|RTX 3060|RTX 4090/
const CORPORA = [1e4, 1e5, 1e6, 1e7, 1e8]
const RUNS = 40

await main(async () => {
  const options = command.opts<ScaleOptions>()
  const { framesPerPair, decodeMs, videoMbit, fps, cores } = options
  const [roofline, host] = await Promise.all([result<Roofline>('roofline'), result<Host>('host')])
  const cpuOf = (what: string): number => {
    const cost = host.costs.find((one) => one.what === what)
    if (cost === undefined) throw new Error(`bench/results/host.json has no "${what}"`)
    return cost.cpuMs
  }
  const sample = await sampleCost()
  const pairCpu = cpuOf('registered pair, both directions, every map read') + sample.cpuMs
  const frameCpu = cpuOf('video frame, one pair forward') - cpuOf('registered pair, forward') + decodeMs
  const cpuMs = pairCpu + framesPerPair * frameCpu
  print(
    `a sample is written in ${sample.cpuMs.toFixed(1)} ms of processor time (measured) and has ${(sample.bytes / 1e3).toFixed(0)} kB`,
  )
  print(
    `processor a pair: ${pairCpu.toFixed(1)} ms + ${framesPerPair} frames of ${frameCpu.toFixed(1)} ms = ${cpuMs.toFixed(0)} ms`,
  )
  print()
  const gpus = roofline.byWidth.filter(({ gpu }) => SHOWN.test(gpu.name))
  const width = roofline.options.widths.indexOf(0.375)
  const rates = gpus.map(({ gpu, ms }) => {
    const stages = roofline.byStage.find((one) => one.gpu === gpu.name && one.a === 0.375)?.stages
    // Both meshes of a pair come from one run of the mesh network; a frame that is tracked needs half of it.
    const mesh = stages?.find(({ stage }) => stage === '3DMeshReg')?.ms ?? (ms[width] as number) * MESH_SHARE
    const gpuMs = 2 * (ms[width] as number) + (framesPerPair * mesh) / 2
    const perSecond = Math.min(1000 / gpuMs, (cores * 1000) / cpuMs)
    return { name: gpu.name, gpuMs, perSecond, coresNeeded: cpuMs / gpuMs }
  })
  print(
    formatTable(
      ['modelled', 'GPU ms a pair', 'pairs/s of the GPU', 'cores to feed it', `pairs/s with ${cores} cores`],
      rates.map(({ name, gpuMs, perSecond, coresNeeded }) => [
        name,
        gpuMs,
        1000 / gpuMs,
        coresNeeded,
        perSecond,
      ]),
    ),
  )
  print()
  const videoBytes = (framesPerPair / fps) * (videoMbit / 8) * 1e6
  const machine = (cores * 1000) / cpuMs
  print(
    formatTable(
      [
        'modelled, pairs',
        `machine hours, ${cores} cores`,
        'videos GB',
        'samples GB',
        'while merged GB',
        'machines for a day',
        'read MB/s',
        'written MB/s',
        'queue server MB',
      ],
      CORPORA.map((pairs) => {
        const seconds = pairs / machine
        const machines = Math.max(1, Math.ceil(seconds / 86_400))
        const clock = seconds / machines
        return [
          pairs,
          seconds / 3600,
          (pairs * videoBytes) / 1e9,
          (pairs * sample.bytes) / 1e9,
          (2 * pairs * sample.bytes) / 1e9,
          machines,
          (pairs * videoBytes) / clock / 1e6,
          (pairs * sample.bytes) / clock / 1e6,
          ((pairs / options.entryPairs) * QUEUE_BYTES) / 1e6,
        ]
      }),
    ),
  )
  return 0
})

interface Roofline {
  readonly options: { readonly widths: readonly number[] }
  readonly byWidth: readonly { readonly gpu: { readonly name: string }; readonly ms: readonly number[] }[]
  readonly byStage: readonly {
    readonly gpu: string
    readonly a: number
    readonly stages: readonly { readonly stage: string; readonly ms: number }[]
  }[]
}

interface Host {
  readonly costs: readonly { readonly what: string; readonly cpuMs: number }[]
}

async function result<T>(name: string): Promise<T> {
  const file = join(packageFacts().root, 'bench', 'results', `${name}.json`)
  return JSON.parse(await readFile(file, 'utf8')) as T
}

/** Processor time and size of a sample's files, its pictures those of a real face. */
async function sampleCost(): Promise<{ readonly cpuMs: number; readonly bytes: number }> {
  const prepared = await syntheticResult(mouthOpening)
  const entry: CorpusEntry = {
    id: 'one',
    kind: 'pair',
    names: ['a', 'b'],
    root: '/',
    group: 'one',
    line: null,
  }
  const frame = {
    frame: 0,
    time: null,
    pose: { yaw: 0, pitch: 0, roll: 0 },
    toTemplate: prepared.a.toTemplate,
  }
  const pair = { a: frame, b: { ...frame, frame: 1 }, gap: 0, motion: 1 } as unknown as ChosenPair
  const once = () => makeSample(entry, 0, pair, prepared, CORPUS_DEFAULTS)
  const { row } = await once()
  const before = process.cpuUsage()
  for (let run = 0; run < RUNS; run++) await once()
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1e3 / RUNS, bytes: row.bytes }
}
