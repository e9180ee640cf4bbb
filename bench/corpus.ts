import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { packageFacts } from '../src/platform/node/package-root.js'
import { describeLoad, LoadMeter, machineContext } from './lib/context.js'
import { positive } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { formatTable } from './lib/table.js'

interface CorpusBenchOptions {
  readonly clips: number
  readonly frames: number
  readonly perTrack: number
  readonly pairs: number
  readonly rounds: number
  readonly adapter: string
  readonly json?: string
}

const command = new Command('bench:corpus')
  .description(
    'What several jobs at a time gain over one, and a corpus over a run of "video" for each of its videos. The commands run in turn on ' +
      'the same inputs, made from the committed frames, so load meets all of them; processor time is that of all their processes',
  )
  .option('--clips <n>', 'videos of the corpus', positive, 20)
  .option('--frames <n>', 'frames of each', positive, 75)
  .option('--per-track <n>', 'pairs of each', positive, 12)
  .option('--pairs <n>', 'registered pairs for --jobs', positive, 12)
  .option('--rounds <n>', 'runs of each command with --jobs', positive, 3)
  .option('--adapter <name>', 'as of the command', 'embedded')
  .option('--json <file>', 'also write the figures to a file')
  .parse()

/** What one command took. */
interface Cost {
  readonly seconds: number
  /** Processor time of it and of all processes that it started, s. */
  readonly cpu: number
  /** What it printed. */
  readonly text: string
}

const ROOT = packageFacts().root
const FIXTURES = join(ROOT, 'test/fixtures/eval')

await main(async () => {
  const options = command.opts<CorpusBenchOptions>()
  const load = new LoadMeter()
  const folder = await mkdtemp(join(tmpdir(), 'dff-bench-corpus-'))
  try {
    const jobs = await compareJobs(folder, options)
    print(
      formatTable(
        [`${options.pairs} registered pairs`, 'clock s', 'processor s', 'pairs a minute', 'cores kept busy'],
        jobs.map(({ what, runs }) => [
          what,
          median(runs.map(({ seconds }) => seconds)),
          median(runs.map(({ cpu }) => cpu)),
          (60 * options.pairs) / median(runs.map(({ seconds }) => seconds)),
          median(runs.map(({ cpu, seconds }) => cpu / seconds)),
        ]),
      ),
    )
    const [one, several] = jobs.map(({ runs }) => runs) as [Cost[], Cost[]]
    const gains = one.map(({ seconds }, i) => seconds / (several[i] as Cost).seconds)
    print(
      `clock of one at a time over that of several, round by round: ${gains.map((gain) => gain.toFixed(2)).join(', ')}`,
    )
    print()
    const { corpora, videos } = await compareCommands(folder, options)
    const [sum, cpu] = [total(videos, 'seconds'), total(videos, 'cpu')]
    print(
      formatTable(
        [`${options.clips} videos of ${options.frames} frames`, 'clock s', 'processor s', 'clock over video'],
        [
          ['video, one after another', sum, cpu, 1],
          ...corpora.map((cost): (string | number)[] => [
            'corpus',
            cost.seconds,
            cost.cpu,
            cost.seconds / sum,
          ]),
        ],
      ),
    )
    for (const { text } of corpora) print(text.trim())
    const ended = load.stop()
    print(describeLoad(ended))
    await writeJson(options.json, {
      script: 'corpus',
      options,
      context: machineContext(),
      load: ended,
      jobs,
      corpora,
      videos,
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return 0
})

/** `batch` of the same pairs by one process and by several, in turn. */
async function compareJobs(folder: string, { pairs, rounds, adapter }: CorpusBenchOptions) {
  const table = join(folder, 'pairs.csv')
  const photos = (await readdir(join(FIXTURES, 'rendered'))).filter((name) => name.endsWith('-1.png'))
  const rows = Array.from({ length: pairs }, (_, i) => {
    const a = join(FIXTURES, 'rendered', photos[i % photos.length] as string)
    return `pair-${i},${a},${a.replace('-1.png', '-2.png')}`
  })
  await writeFile(table, `id,a,b\n${rows.join('\n')}\n`)
  const kinds = ['1', 'auto'].map((jobs) => ({ what: `batch --jobs ${jobs}`, jobs, runs: [] as Cost[] }))
  for (let round = 0; round < rounds; round++) {
    for (const { jobs, runs } of kinds) {
      const out = join(folder, `batch-${jobs}`)
      const only = ['--registered', '--only', 'flow.npy', '--force']
      runs.push(await run(['batch', table, '-o', out, '--jobs', jobs, '--adapter', adapter, ...only]))
    }
  }
  return kinds
}

/** A corpus, `video` on each of its videos, and the corpus once more. */
async function compareCommands(
  folder: string,
  { clips, frames, perTrack, adapter }: CorpusBenchOptions,
): Promise<{ readonly corpora: readonly Cost[]; readonly videos: readonly Cost[] }> {
  const input = join(folder, 'clips')
  await mkdir(input)
  for (let clip = 0; clip < clips; clip++) await makeClip(folder, join(input, `${clip}.mp4`), frames, clip)
  const corpus = (name: string) =>
    run([
      ...['corpus', input, '-o', join(folder, name), '--adapter', adapter],
      ...['--per-track', String(perTrack), '--min-sharpness', '0', '--keep-doubtful'],
    ])
  const first = await corpus('first')
  const videos: Cost[] = []
  for (let clip = 0; clip < clips; clip++) {
    const out = join(folder, 'videos', String(clip))
    videos.push(await run(['video', join(input, `${clip}.mp4`), '-o', out, '--adapter', adapter]))
  }
  return { corpora: [first, await corpus('second')], videos }
}

/** A clip of committed frames, forwards and backwards, each clip at another place. */
async function makeClip(folder: string, file: string, frames: number, offset: number): Promise<void> {
  const names = (await readdir(join(FIXTURES, 'real'))).filter((name) => name.startsWith('talk-')).sort()
  const pictures = join(folder, 'pictures')
  await mkdir(pictures)
  const period = 2 * (names.length - 1)
  for (let i = 0; i < frames; i++) {
    const at = (i + offset) % period
    const name = names[at < names.length ? at : period - at] as string
    await copyFile(join(FIXTURES, 'real', name), join(pictures, `${String(i).padStart(4, '0')}.jpg`))
  }
  const from = ['-framerate', '25', '-i', join(pictures, '%04d.jpg')]
  await started('ffmpeg', ['-v', 'error', ...from, '-pix_fmt', 'yuv420p', '-crf', '18', file])
  await rm(pictures, { recursive: true })
}

/** The built command, and what it took. */
async function run(args: readonly string[]): Promise<Cost> {
  const began = performance.now()
  // `times` of the shell: of all that it has waited for, and what that has waited for.
  const script = '"$@"; code=$?; times >&2; exit $code'
  const shell = ['-c', script, 'bash', process.execPath, join(ROOT, 'bin/deepfaceflow.js'), ...args]
  const { out, err } = await started('bash', shell)
  const seconds = (performance.now() - began) / 1000
  const [, user = '', system = ''] = /(\S+) (\S+)\s*$/.exec(err) ?? []
  return { seconds, cpu: secondsOf(user) + secondsOf(system), text: out }
}

async function started(
  program: string,
  args: readonly string[],
): Promise<{ readonly out: string; readonly err: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (part) => {
    out += part
  })
  child.stderr.on('data', (part) => {
    err += part
  })
  const [code] = await once(child, 'close')
  // 9: some frames have no flow.
  if (code !== 0 && code !== 9) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${err}`)
  return { out, err }
}

/** As bash prints it: 1m2.345s. */
function secondsOf(text: string): number {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text) ?? []
  return 60 * Number(minutes) + Number(seconds)
}

function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b)
  return ordered[Math.floor(ordered.length / 2)] as number
}

function total(costs: readonly Cost[], of: 'seconds' | 'cpu'): number {
  return costs.reduce((sum, cost) => sum + cost[of], 0)
}
