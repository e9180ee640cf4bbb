import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeReport, gpusPart, type Report } from '../../bench/page/gpus.js'
import { runPart } from '../../bench/report/part.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deepfaceflow-report-test-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function script(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

it('ends a part that hangs at its limit, and keeps what it had written', async () => {
  const file = await script(
    'hangs.mjs',
    "import { writeFileSync } from 'node:fs'\nwriteFileSync(process.argv.at(-1), '{\"half\": 1}')\nsetInterval(() => {}, 1000)",
  )
  const json = join(folder, 'hangs.json')
  const start = performance.now()
  const result = await runPart({ name: 'hangs', script: file, args: [], limit: 4 }, json)
  expect(result.outcome).toBe('timed out')
  expect(performance.now() - start).toBeLessThan(30_000)
  expect(JSON.parse(await readFile(json, 'utf8'))).toEqual({ half: 1 })
})

it('tells of a part that fails by the last lines that it printed', async () => {
  const file = await script('fails.mjs', "process.stderr.write('no adapter here'); process.exitCode = 3")
  const result = await runPart(
    { name: 'fails', script: file, args: [], limit: 60 },
    join(folder, 'fails.json'),
  )
  expect(result.outcome).toBe('failed')
  expect(result.tail).toContain('no adapter here')
})

it('makes a page and a row of what is there, whatever is missing', () => {
  const report: Report = {
    script: 'report',
    context: {
      cpu: 'cpu',
      cores: 8,
      node: 'v20',
      version: '0.1.0',
      commit: 'abc',
      date: '2026-01-01T00:00:00Z',
    },
    adapter: 'Some GPU',
    driver: 'maker, kind, 1.2.3',
    parts: [
      { name: 'adapter', outcome: 'ok', seconds: 1, tail: '', figures: {} },
      {
        name: 'cases f32',
        outcome: 'failed',
        seconds: 50,
        tail: '',
        figures: { count: 10, faults: [{ name: 'warp 3x3', what: 'nmse 1e-3' }] },
      },
      { name: 'pair 1', outcome: 'timed out', seconds: 45, tail: '', figures: null },
    ],
  }
  const page = describeReport(report)
  expect(page).toContain('# Some GPU')
  expect(page).toContain('warp 3x3: nmse 1e-3')
  expect(page).toContain('| pair 1 | timed out | 45 |')
  expect(gpusPart([report]).markdown).toContain('| Some GPU |')
  expect(gpusPart([report]).markdown).toContain('9 of 10')
  expect(gpusPart([]).markdown).toContain('bench/results/gpus')
})
