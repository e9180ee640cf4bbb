import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { describeLoad, LoadMeter, machineContext } from '../lib/context.js'
import { type Sample, type Timing, timingOf } from '../lib/measure.js'
import { type NetworkChoice, SHIPPED } from '../lib/networks.js'
import { positive } from '../lib/options.js'
import { main, print, writeJson } from '../lib/report.js'
import { medianRatio } from '../lib/statistics.js'
import { formatTable } from '../lib/table.js'
import { PEERS, type PeerName } from './peer.js'
import { PeerProcess, type Ready } from './process.js'

interface PeersOptions {
  readonly adapter: string
  readonly a: number
  readonly prior: boolean
  readonly peers: string
  readonly runs: number
  readonly threads: number
  readonly quick: boolean
  readonly json?: string
}

const command = new Command('bench:peers')
  .description('DFFNet in several engines: same weights, same adapter, outputs compared, runs taken in turn')
  .option('--adapter <choice>', 'auto, hardware, software, embedded or part of an adapter name', 'auto')
  .option('--a <width>', 'width multiplier of DFFNet', positive, SHIPPED.a)
  .option('--no-prior', 'DFFNet without the mesh prior')
  .option(
    '--peers <names>',
    `comma-separated: ${Object.keys(PEERS).join(', ')}`,
    Object.keys(PEERS).join(','),
  )
  .option('--runs <n>', 'timed rounds', positive, 5)
  .option(
    '--threads <n>',
    'processor threads of the engines that run on the CPU',
    positive,
    availableParallelism(),
  )
  .option('--quick', 'one round', false)
  .option('--json <file>', 'also write the figures to a file')
  .parse()

/** Largest difference to our flow that counts as the same result, of the flow's largest value. */
const TOLERANCE = 2e-3

interface Opened {
  readonly name: PeerName
  readonly process: PeerProcess
  readonly ready: Ready
  readonly samples: Sample[]
}

await main(async () => {
  const options = command.opts<PeersOptions>()
  const choice: NetworkChoice = { a: options.a, meshPrior: options.prior, fineMatching: false }
  const names = options.peers.split(',') as PeerName[]
  for (const name of names) if (!(name in PEERS)) throw new Error(`no engine "${name}"`)
  const load = new LoadMeter()
  const opened: Opened[] = []
  const failed: { name: PeerName; reason: string }[] = []
  for (const name of names) {
    const process = new PeerProcess({
      peer: name,
      adapter: options.adapter,
      choice,
      threads: options.threads,
    })
    try {
      opened.push({ name, process, ready: await process.ready(), samples: [] })
      print(`${PEERS[name].title}: ready`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      failed.push({ name, reason })
      print(`${PEERS[name].title} does not run: ${reason}`)
      process.end()
    }
  }
  const rounds = options.quick ? 1 : options.runs
  for (let round = 0; round < rounds; round++) {
    for (const { process, samples } of opened) samples.push(await process.run())
  }
  for (const { process } of opened) process.end()

  const ours = opened.find(({ name }) => name === 'ours')
  const rows = opened.map((peer) => rowOf(peer, ours))
  print(
    `\nDFFNet a = ${options.a}${options.prior ? ' with the mesh prior' : ''}, flow read back; ${rounds} rounds in turn`,
  )
  print(
    formatTable(
      [
        'engine',
        'version',
        'runs on',
        'open s',
        'first run s',
        'ms min',
        'ms median',
        'cpu s median',
        'time / ours',
        'cpu / ours',
        'max difference',
      ],
      rows.map((r) => [
        r.title,
        r.version,
        r.device,
        r.openMs / 1000,
        r.first.wallMs / 1000,
        r.timing.wall.min,
        r.timing.wall.median,
        r.timing.cpu.median / 1000,
        r.wallRatio,
        r.cpuRatio,
        r.difference,
      ]),
    ),
  )
  const ended = load.stop()
  print(`${describeLoad(ended)} (the processes measured included)`)
  await writeJson(options.json, {
    script: 'peers',
    context: machineContext(),
    load: ended,
    network: choice,
    rounds,
    threads: options.threads,
    engines: rows,
    failed,
  })
  const wrong = rows.filter(({ difference }) => difference !== undefined && !(difference < TOLERANCE))
  for (const { title, difference } of wrong)
    print(`${title} gives another flow: ${difference} of its range away`)
  return wrong.length > 0 ? 1 : 0
})

interface Row {
  readonly name: PeerName
  readonly title: string
  readonly version: string
  readonly device: string
  readonly openMs: number
  readonly first: Sample
  readonly timing: Timing
  /** Its time over ours, median over rounds. */
  readonly wallRatio: number | undefined
  readonly cpuRatio: number | undefined
  readonly difference: number | undefined
}

function rowOf({ name, ready, samples }: Opened, ours: Opened | undefined): Row {
  const ratio = (of: (sample: Sample) => number): number | undefined =>
    ours === undefined ? undefined : medianRatio(samples.map(of), ours.samples.map(of))
  return {
    name,
    title: PEERS[name].title,
    version: ready.version,
    device: ready.device,
    openMs: ready.openMs,
    first: ready.first,
    timing: timingOf(samples),
    wallRatio: ratio(({ wallMs }) => wallMs),
    cpuRatio: ratio(({ cpuMs }) => cpuMs),
    difference: ours === undefined ? undefined : relativeDifference(ready.flow, ours.ready.flow),
  }
}

/** Largest difference, of the largest value of the reference. */
function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let worst = 0
  let range = 0
  for (const [i, want] of expected.entries()) {
    worst = Math.max(worst, Math.abs((actual[i] ?? Number.NaN) - want))
    range = Math.max(range, Math.abs(want))
  }
  return worst / range
}
