import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { AdapterCheck } from '../src/runtime/self-test.js'
import { machineContext } from './lib/context.js'
import { positive } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { describeReport, type Report } from './page/gpus.js'
import { type ReportPart, runPart } from './report/part.js'

/** Everything that an adapter is to be known by, in one command; for machines that are there for minutes only. */
const command = new Command('bench:report')
  .description(
    'Self-test, cases of the tests, goldens, pair, layers, autotuning on one adapter, each with a time limit of its own; ' +
      'writes one JSON and one page, named by adapter and driver. Put the JSON into bench/results/gpus to contribute it',
  )
  .requiredOption('--out <folder>', 'folder to write to; made if it is missing')
  .option('--adapter <choice>', 'auto, hardware, software, embedded or part of an adapter name')
  .option('--minutes <n>', 'time for all parts together', positive, 7.5)
  .option('--parts <names>', 'only these parts, comma-separated')
  .parse()

interface ReportOptions {
  readonly out: string
  readonly adapter?: string
  readonly minutes: number
  readonly parts?: string
}

/** In the order in which they are wanted if time runs out. Seconds are for a GPU; a software adapter needs `--minutes 60`. */
const PARTS: readonly ReportPart[] = [
  { name: 'adapter', script: 'bench/report/adapter.ts', args: [], limit: 30 },
  { name: 'cases f32', script: 'bench/report/cases.ts', args: [], limit: 90 },
  { name: 'goldens', script: 'bench/report/goldens.ts', args: [], limit: 40 },
  { name: 'pair 0.375', script: 'bench/pair.ts', args: ['--runs', '100'], limit: 60 },
  { name: 'pair 1', script: 'bench/pair.ts', args: ['--a', '1', '--no-cold', '--no-photos'], limit: 45 },
  { name: 'layers 0.375', script: 'bench/ops.ts', args: ['--no-cases'], limit: 45 },
  {
    name: 'pair 0.375 f16',
    script: 'bench/pair.ts',
    args: ['--storage', 'f16', '--no-cold', '--no-photos'],
    limit: 30,
  },
  {
    name: 'pair 1 f16',
    script: 'bench/pair.ts',
    args: ['--a', '1', '--storage', 'f16', '--no-cold', '--no-photos'],
    limit: 30,
  },
  { name: 'cases f16', script: 'bench/report/cases.ts', args: ['--storage', 'f16'], limit: 45 },
  { name: 'layers 1', script: 'bench/ops.ts', args: ['--no-cases', '--a', '1'], limit: 45 },
  {
    name: 'tuned pair 0.375',
    script: 'bench/pair.ts',
    args: ['--tuned', '--no-cold', '--no-photos'],
    limit: 60,
  },
  {
    name: 'tuned pair 1',
    script: 'bench/pair.ts',
    args: ['--tuned', '--a', '1', '--no-cold', '--no-photos'],
    limit: 60,
  },
]

await main(async () => {
  const options = command.opts<ReportOptions>()
  const wanted = options.parts?.split(',')
  const parts = PARTS.filter(({ name }) => wanted === undefined || wanted.includes(name))
  const unknown = wanted?.find((name) => !PARTS.some((part) => part.name === name))
  if (unknown !== undefined || parts.length === 0) {
    process.stderr.write(`no part "${unknown}"; there are: ${PARTS.map(({ name }) => name).join(', ')}\n`)
    return 2
  }
  await mkdir(options.out, { recursive: true })
  const scratch = await mkdtemp(join(tmpdir(), 'deepfaceflow-report-'))
  const end = performance.now() + options.minutes * 60_000
  let report: Report = {
    script: 'report',
    context: machineContext(),
    adapter: 'unknown',
    driver: '',
    parts: [],
  }
  try {
    for (const part of parts) {
      const left = (end - performance.now()) / 1000
      const json = join(scratch, `${part.name.replaceAll(' ', '-')}.json`)
      const adapter = options.adapter === undefined ? [] : ['--adapter', options.adapter]
      const result =
        left < 5
          ? { name: part.name, outcome: 'no time left' as const, seconds: 0, tail: '' }
          : await runPart(
              { ...part, args: [...part.args, ...adapter] },
              json,
              Math.min(part.limit * scale(options), left),
            )
      const figures = await readFigures(json)
      report = { ...report, ...namesOf(figures), parts: [...report.parts, { ...result, figures }] }
      print(`${part.name}: ${result.outcome}, ${result.seconds.toFixed(0)} s`)
      if (result.outcome === 'failed') print(result.tail)
      // After each part: whatever ends this process leaves what came before.
      await writeReport(options.out, report)
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  print(`\n${describeReport(report)}`)
  print(`written: ${join(options.out, `${fileName(report)}.json`)} and .md`)
  return report.parts.every(({ outcome }) => outcome === 'ok') ? 0 : 1
})

/** More time in all is more time for each part. */
function scale({ minutes }: ReportOptions): number {
  return Math.max(1, minutes / 7.5)
}

async function readFigures(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    // The part wrote none, or was ended while it wrote: its outcome says so.
    return null
  }
}

function namesOf(figures: unknown): Partial<Report> {
  const caps = (figures as { check?: AdapterCheck } | null)?.check?.caps
  if (caps === undefined) return {}
  return {
    adapter: caps.name,
    driver: [caps.vendor, caps.architecture, caps.description].filter(Boolean).join(', '),
  }
}

/** `nvidia-h200-570-86-10` */
function fileName({ adapter, driver }: Report): string {
  const version = driver.split(', ').at(-1) ?? ''
  const text = adapter.includes(version) ? adapter : `${adapter} ${version}`
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 80) || 'unknown'
  )
}

async function writeReport(folder: string, report: Report): Promise<void> {
  const base = join(folder, fileName(report))
  await writeJson(`${base}.json`, report)
  await writeFile(`${base}.md`, `${describeReport(report)}\n`)
}
