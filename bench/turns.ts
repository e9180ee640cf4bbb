import { Option } from 'commander'
import { packageFacts } from '../src/platform/node/package-root.js'
import { describeLoad, LoadMeter, machineContext } from './lib/context.js'
import { type Sample, timingOf } from './lib/measure.js'
import { type NetworkChoice, SHIPPED } from './lib/networks.js'
import { type BenchOptions, benchCommand, positiveList } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { medianRatio, quantile } from './lib/statistics.js'
import { formatTable } from './lib/table.js'
import { TurnProcess } from './lib/turn-process.js'

export interface TurnRequest {
  /** Folder of a checkout with its packages installed. */
  readonly tree: string
  readonly choice: NetworkChoice
  readonly adapter: string | undefined
  /** `pair`: frames to flow, one plan; `face`: `flowRegistered` with the way back. */
  readonly level: 'pair' | 'face'
}

export interface TurnReady {
  readonly adapter: string
  readonly flow: Float32Array
}

interface TurnOptions extends BenchOptions {
  readonly tree?: string
  readonly batch: number[]
  readonly face: boolean
  readonly shared: boolean
  readonly backward: boolean
}

const command = benchCommand(
  'bench:turns',
  'Registered pairs of several contenders in turn, a process each: processor time as ratios to the pair of this checkout',
)
  .option('--tree <folder>', 'another checkout, with its packages installed')
  .option('--batch <list>', 'also pairs in batches of these sizes', positiveList, [])
  .option('--shared', 'also two pairs with the second frame in common in one run, as video has them', false)
  .addOption(
    // The scripts of another checkout may not know it, and would be timed doing less.
    new Option('--backward', 'the way back too').default(false).conflicts('tree'),
  )
  .option('--face', 'flowRegistered() with the way back in place of the pair alone', false)
  .parse()

interface Contender {
  readonly what: string
  readonly pairs: number
  readonly process: TurnProcess<TurnReady>
  readonly samples: Sample[]
}

await main(async () => {
  const { tree, batch, face, shared, backward, adapter, ...options } = command.opts<TurnOptions>()
  const load = new LoadMeter()
  const level = face ? 'face' : 'pair'
  const contender = (what: string, folder: string, pairs: number, sharedSecond = false): Contender => {
    const choice = {
      ...SHIPPED,
      ...(pairs > 1 && { batch: pairs }),
      ...(sharedSecond && { sharedSecond }),
      ...(backward && { backward }),
    }
    const request: TurnRequest = { tree: folder, choice, adapter, level }
    return { what, pairs, process: new TurnProcess('bench/turns-child.ts', request), samples: [] }
  }
  const { root } = packageFacts()
  const contenders = [
    contender('this checkout', root, 1),
    ...(tree === undefined ? [] : [contender(tree, tree, 1)]),
    ...(face ? [] : batch.map((pairs) => contender(`${pairs} pairs in one run`, root, pairs))),
    ...(shared && !face ? [contender('2 pairs to one frame', root, 2, true)] : []),
  ]
  let name = ''
  for (const { process } of contenders) name = (await process.ready()).adapter
  const runs = options.runs ?? (options.quick ? 3 : 20)
  for (let run = 0; run < runs; run++) {
    // Who comes first finds the caches as the last of the others left them.
    const order = run % 2 === 0 ? contenders : [...contenders].reverse()
    for (const { process, samples } of order) samples.push(await process.run())
  }
  for (const { process } of contenders) process.end()

  const cpuOf = ({ samples, pairs }: Contender): number[] => samples.map(({ cpuMs }) => cpuMs / pairs)
  const [own] = contenders
  const rows = contenders.map((of) => ({
    what: of.what,
    pairs: of.pairs,
    timing: timingOf(of.samples),
    cpuMs: quantile(cpuOf(of), 0.5),
    minCpuMs: quantile(cpuOf(of), 0),
    ratio: own && medianRatio(cpuOf(of), cpuOf(own)),
  }))
  print(
    `${face ? 'flowRegistered() with the way back' : 'registered pair'} on ${name}, ${runs} rounds in turn`,
  )
  print(
    formatTable(
      ['contender', 'CPU ms a pair, min', 'median', 'ratio to the first, median'],
      rows.map((row) => [row.what, row.minCpuMs, row.cpuMs, row.ratio]),
    ),
  )
  const ended = load.stop()
  print(`${describeLoad(ended)} (the processes measured included)`)
  const context = machineContext()
  await writeJson(options.json, { script: 'turns', context, load: ended, adapter: name, level, runs, rows })
  return 0
})
