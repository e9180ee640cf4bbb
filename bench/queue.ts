import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import type { CorpusEntry } from '../src/corpus/entry.js'
import { readManifest } from '../src/corpus/manifest.js'
import { planCorpus } from '../src/corpus/plan.js'
import { CorpusQueue } from '../src/corpus/queue/corpus-queue.js'
import { TestServer } from '../test/queue/server.js'
import { describeLoad, LoadMeter, machineContext } from './lib/context.js'
import { positive } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { formatTable } from './lib/table.js'

interface QueueBenchOptions {
  readonly rows: number
  readonly entries: number
  readonly json?: string
}

const command = new Command('bench:queue')
  .description(
    'What a corpus costs beside its computing: a manifest planned and queued on a Redis or Valkey server of its own, and entries that are ' +
      'nothing worked through. Processor time and memory, for the clock depends on what else runs',
  )
  .option('--rows <n>', 'rows of the manifest', positive, 1_000_000)
  .option('--entries <n>', 'entries that are worked through', positive, 10_000)
  .option('--json <file>', 'also write the figures to a file')
  .parse()

interface Phase {
  readonly what: string
  readonly entries: number
  readonly seconds: number
  /** Processor time of this process, s. */
  readonly cpu: number
  /** Largest memory of this process over that at the begin, MB. */
  readonly memory: number
  /** Growth of the server's data, bytes an entry. */
  readonly serverBytes: number
}

const TERMS = { version: 'bench' }

await main(async () => {
  const options = command.opts<QueueBenchOptions>()
  const load = new LoadMeter()
  const folder = await mkdtemp(join(tmpdir(), 'dff-bench-queue-'))
  const server = await TestServer.start(join(folder, 'server'))
  const phases: Phase[] = []
  const phase = async (what: string, entries: number, work: () => Promise<unknown>) => {
    phases.push(await measured(server, what, entries, work))
  }
  try {
    const manifest = join(folder, 'videos.csv')
    await writeManifest(manifest, options.rows)
    let plan = await planCorpus(join(folder, 'warm'), one())
    await phase('plan the manifest', options.rows, async () => {
      plan = await planCorpus(join(folder, 'set'), readManifest(manifest))
    })
    const queue = await CorpusQueue.open<CorpusEntry>(server.url, 'rows')
    await phase('fill the queue', options.rows, () => queue.fill(plan.entries(), TERMS))
    await phase('fill it again', options.entries, () =>
      queue.fill(first(plan.entries(), options.entries), TERMS),
    )
    await queue.close()
    const small = await CorpusQueue.open<CorpusEntry>(server.url, 'entries')
    await small.fill(first(plan.entries(), options.entries), TERMS)
    const signal = new AbortController().signal
    await phase('work through entries', options.entries, () =>
      small.work(async () => undefined, { terms: TERMS, signal }),
    )
    if ((await small.status()).done !== options.entries) throw new Error('entries were lost')
    await small.close()
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const rows = phases.map(({ what, entries, seconds, cpu, memory, serverBytes }) => [
    what,
    entries,
    entries / seconds,
    (cpu / entries) * 1e6,
    memory,
    serverBytes,
  ])
  print(
    formatTable(
      ['phase', 'entries', 'entries a s', 'CPU us an entry', 'memory MB', 'server bytes an entry'],
      rows,
    ),
  )
  const ended = load.stop()
  print(describeLoad(ended))
  await writeJson(options.json, { script: 'queue', context: machineContext(), load: ended, phases })
  return 0
})

async function measured(
  server: TestServer,
  what: string,
  entries: number,
  work: () => Promise<unknown>,
): Promise<Phase> {
  const onServer = await server.usedMemory()
  const before = process.memoryUsage.rss()
  let most = before
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 20)
  const cpu = process.cpuUsage()
  const began = performance.now()
  await work()
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(look)
  return {
    what,
    entries,
    seconds,
    cpu: (user + system) / 1e6,
    memory: (most - before) / 1e6,
    serverBytes: ((await server.usedMemory()) - onServer) / entries,
  }
}

async function writeManifest(file: string, rows: number): Promise<void> {
  function* lines() {
    yield 'video,group\n'
    for (let row = 0; row < rows; row++)
      yield `season-${row % 97}/episode-${row}/clip.mp4,person-${row % 1009}\n`
  }
  await pipeline(Readable.from(lines()), createWriteStream(file))
}

async function* first<T>(entries: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let read = 0
  for await (const entry of entries) {
    if (read++ === count) return
    yield entry
  }
}

/** Code is loaded before it is measured. */
async function* one(): AsyncGenerator<CorpusEntry> {
  yield { id: 'one', kind: 'video', names: ['one.mp4'], root: '/', group: 'one', line: null }
}
