import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { EngineError } from '../../src/errors.js'
import type { FlowResult } from '../../src/face/types.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'

let result: FlowResult
let folder: string
let faceFlow: FakeFaceFlow
beforeAll(async () => {
  result = await syntheticResult(mouthOpening)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-cli-'))
  faceFlow = new FakeFaceFlow(result)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(args, terminal.context, false), terminal }
}

describe('batch', () => {
  const table = async (...lines: string[]) => {
    const file = join(folder, 'pairs.csv')
    await writeFile(file, `${['id,a,b', ...lines].join('\n')}\n`)
    return file
  }
  const fast = ['--only', 'flow.npy']

  it('goes past a bad pair, says so and exits with 9; a second run does the rest only', async () => {
    const file = await table(
      `one,${PHOTO_A},${PHOTO_B}`,
      `bad,missing.jpg,${PHOTO_B}`,
      `three,${PHOTO_B},${PHOTO_A}`,
    )
    const out = join(folder, 'out')
    const first = await run('batch', file, '-o', out, ...fast)
    expect(first.code).toBe(EXIT.partial)
    expect(first.terminal.err).toBe(
      `bad: deepfaceflow: ${join(folder, 'missing.jpg')}: does not exist; check the path\n`,
    )
    expect(first.terminal.out).toContain('3 pairs: 2 computed, 0 already complete, 1 failed')
    expect(first.terminal.opened).toHaveLength(1)
    expect((await readdir(out)).sort()).toEqual(['one', 'summary.csv', 'summary.json', 'three'])

    await cp(PHOTO_A, join(folder, 'missing.jpg'))
    const second = await run('batch', file, '-o', out, '--json', ...fast)
    expect(second.code).toBe(EXIT.ok)
    expect(JSON.parse(second.terminal.out)).toMatchObject({ pairs: 3, computed: 1, skipped: 2, failed: 0 })
    const third = await run('batch', file, '-o', out, ...fast)
    expect(third.terminal.opened).toEqual([])
    expect((await run('batch', file, '-o', out, '--force', '--json', ...fast)).terminal.out).toContain(
      '"computed":3',
    )
  })

  it('computes a pair again when its photos have changed', async () => {
    const out = join(folder, 'out')
    await run('batch', await table(`one,${PHOTO_A},${PHOTO_B}`), '-o', out, ...fast)
    const { terminal } = await run(
      'batch',
      await table(`one,${PHOTO_B},${PHOTO_A}`),
      '-o',
      out,
      '--json',
      ...fast,
    )
    expect(JSON.parse(terminal.out)).toMatchObject({ computed: 1, skipped: 0 })
  })

  it('computes a pair again when it lacks a file that is asked for now', async () => {
    const file = await table(`one,${PHOTO_A},${PHOTO_B}`)
    const go = async (...options: string[]) =>
      JSON.parse((await run('batch', file, '-o', join(folder, 'out'), '--json', ...options)).terminal.out)
    await go('--only', 'flow.npy,mask.png')
    expect(await go(...fast)).toMatchObject({ computed: 0, skipped: 1 })
    expect(await go('--only', 'flow.npy,pncc.png')).toMatchObject({ computed: 1, skipped: 0 })
    expect(await go('--only', 'pncc.png', '--photo-space')).toMatchObject({ computed: 1, skipped: 0 })
  })

  describe('bound to what computed it', () => {
    const go = async (...options: string[]) =>
      (await run('batch', join(folder, 'pairs.csv'), '-o', join(folder, 'out'), ...fast, ...options)).terminal
    beforeEach(async () => {
      await cp(PHOTO_A, join(folder, 'a.jpg'))
      await cp(PHOTO_B, join(folder, 'b.jpg'))
      await table('one,a.jpg,b.jpg')
      await go('--refinement', 'inverse-search')
    })

    it.each([
      [['--refinement', 'none'], 'refinement is none, was inverse-search'],
      [['--weights', 'other'], 'the weights are other other, were synthetic'],
      [['--depth', 'network'], 'depthSource is network, was motion'],
      [['--half'], 'half is true, was false'],
      [['--up', 'y'], 'up is y, was template'],
      [['--face', '2'], 'face is {"index":1}, was not recorded'],
    ])('%j: computed anew, and why', async (options, why) => {
      const terminal = await go('--refinement', 'inverse-search', ...options)
      expect(terminal.err).toMatch(new RegExp(`^one: computed anew: ${why.replace(/[{}]/g, '.')}`))
      expect(terminal.out).toContain('1 computed')
      const again = await go('--refinement', 'inverse-search', ...options)
      expect(again.out).toContain('1 already complete')
    })

    it('by content: another photo of the same name is computed, the same photo elsewhere is not', async () => {
      await table('one,b.jpg,b.jpg')
      expect((await go('--refinement', 'inverse-search')).err).toBe(
        'one: computed anew: photo A has other content\n',
      )
      await cp(join(folder, 'b.jpg'), join(folder, 'c.jpg'))
      await table('one,c.jpg,b.jpg')
      expect((await go('--refinement', 'inverse-search')).out).toContain('1 already complete')
      await cp(PHOTO_A, join(folder, 'c.jpg'))
      expect((await go('--refinement', 'inverse-search')).out).toContain('1 computed')
    })

    it('a file that is gone, a record of an older version, a damaged one', async () => {
      const result = join(folder, 'out', 'one', 'result.json')
      await rm(join(folder, 'out', 'one', 'flow.npy'))
      expect((await go('--refinement', 'inverse-search')).err).toBe('one: computed anew: flow.npy is gone\n')
      const { provenance: _, ...old } = JSON.parse(await readFile(result, 'utf8'))
      await writeFile(result, JSON.stringify(old))
      expect((await go('--refinement', 'inverse-search')).err).toBe(
        'one: computed anew: the earlier result does not say what computed it\n',
      )
      await rm(join(folder, 'out', 'one', 'flow.npy'))
      await writeFile(result, 'null')
      expect((await go('--refinement', 'inverse-search')).err).toMatch(/^one: .* kept as .*damaged-1.json\n$/)
    })
  })

  it('a folder that something is in the way of fails its pair only', async () => {
    const out = join(folder, 'out')
    await mkdir(join(out, 'two'), { recursive: true })
    await writeFile(join(out, 'one'), 'mine')
    await writeFile(join(out, 'two', 'flow.npy'), 'mine')
    const ids = ['one', 'two', 'three']
    const file = await table(...ids.map((id) => `${id},${PHOTO_A},${PHOTO_B}`))
    const { code, terminal } = await run('batch', file, '-o', out, '--json', ...fast)
    expect(code).toBe(EXIT.partial)
    expect(JSON.parse(terminal.out)).toMatchObject({ computed: 1, failed: 2 })
    // Found out before computing.
    expect(faceFlow.calls).toHaveLength(1)
    expect(await readFile(join(out, 'two', 'flow.npy'), 'utf8')).toBe('mine')
  })

  it('writes a table of all pairs beside the summary', async () => {
    const out = join(folder, 'out')
    await run('batch', await table(`one,${PHOTO_A},${PHOTO_B}`, `two,no.jpg,${PHOTO_B}`), '-o', out, ...fast)
    const text = await readFile(join(out, 'summary.csv'), 'utf8')
    const rows: Record<string, string>[] = parse(text, { columns: true })
    const { statistics, rigidPhoto } = JSON.parse(await readFile(join(out, 'one', 'result.json'), 'utf8'))
    expect(rows).toMatchObject([
      { id: 'one', status: 'complete', a: PHOTO_A, b: PHOTO_B, code: '' },
      { id: 'two', status: 'failed', code: 'INVALID_INPUT', mean_length: '' },
    ])
    expect(Number(rows[0]?.mean_length)).toBe(statistics.meanLength)
    expect(Number(rows[0]?.yaw)).toBe(rigidPhoto.angles.yaw)
  })

  it('overwrites no summary of others, and says so before it computes', async () => {
    const out = join(folder, 'out')
    const file = await table(`one,${PHOTO_A},${PHOTO_B}`)
    const go = () => run('batch', file, '-o', out, ...fast)
    await mkdir(join(out, 'summary.json'), { recursive: true })
    expect(await go()).toMatchObject({ code: EXIT.output, terminal: { opened: [] } })
    await rm(join(out, 'summary.json'), { recursive: true })
    await writeFile(join(out, 'summary.csv'), 'mine')
    expect(await go()).toMatchObject({ code: EXIT.output, terminal: { opened: [] } })
    expect(await readFile(join(out, 'summary.csv'), 'utf8')).toBe('mine')
    await rm(join(out, 'summary.csv'))
    await writeFile(join(out, 'summary.json'), 'null')
    const { code, terminal } = await go()
    expect(code).toBe(EXIT.ok)
    expect(terminal.err).toMatch(/summary\.json: is damaged .* kept as .*summary\.damaged-1\.json\n/)
    expect(await go()).toMatchObject({ code: EXIT.ok, terminal: { err: '' } })
    // The table that a damaged summary listed is not in the way of the next run.
    await writeFile(join(out, 'summary.json'), '[1, 2]')
    const damaged = await go()
    expect(damaged.code).toBe(EXIT.ok)
    expect(damaged.terminal.err).toMatch(/summary\.csv: is damaged .* kept as .*summary\.damaged-1\.csv\n/)
    expect(await readdir(out)).toEqual(
      expect.arrayContaining([
        'summary.csv',
        'summary.json',
        'summary.damaged-1.csv',
        'summary.damaged-2.json',
      ]),
    )
  })

  it('stops at a lost device, which no later pair could survive', async () => {
    faceFlow.onCall = () => {
      throw new EngineError('DEVICE_LOST', 'the device is gone')
    }
    const file = await table(`one,${PHOTO_A},${PHOTO_B}`, `two,${PHOTO_A},${PHOTO_B}`)
    const { code } = await run('batch', file, '-o', join(folder, 'out'), ...fast)
    expect(code).toBe(EXIT.device)
    expect(faceFlow.calls).toHaveLength(1)
    // Nothing was done that could be told.
    expect(await readdir(folder)).toEqual(['pairs.csv'])
  })

  it('ends after the pair under way when interrupted, and goes on later', async () => {
    const file = await table(`one,${PHOTO_A},${PHOTO_B}`, `two,${PHOTO_A},${PHOTO_B}`)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => terminal.interrupt()
    const out = join(folder, 'out')
    expect(await runCli(['batch', file, '-o', out, ...fast], terminal.context, false)).toBe(EXIT.interrupted)
    expect(terminal.out).toContain('1 not reached (the same command goes on)')
    faceFlow.onCall = () => undefined
    const { terminal: again } = await run('batch', file, '-o', out, '--json', ...fast)
    expect(JSON.parse(again.out)).toMatchObject({ computed: 1, skipped: 1 })
  })

  it.each([
    [['a,b,b', 'a,c,d'], /line 3: the id "a" is already used in line 2/],
    [['../x,b,c'], /line 2: the id "\.\.\/x" cannot name a folder/],
    [['x,,c'], /line 2: a is empty/],
    [[`${'長'.repeat(100)},b,c`], /line 2: the id "長+" has 300 bytes, a folder name at most 143/],
    [['summary.json,b,c'], /line 2: the id "summary\.json" is the name of something else/],
    [['Summary.csv,b,c'], /is the name of something else/],
    [['con,b,c'], /is the name of something else/],
    [['x.,b,c'], /cannot name a folder/],
    [['\u001b[2Jx,b,c'], /cannot name a folder/],
    [['\u00e9,b,c', 'e\u0301,b,c'], /line 3: the id ".*" is already used in line 2/],
    [['x,y'], /is not a valid CSV table: .*line 2/],
    [[], /holds no pairs/],
  ])('refuses the table %j before computing anything', async (lines, message) => {
    const { code, terminal } = await run('batch', await table(...lines), '-o', folder)
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(message)
    expect(terminal.opened).toEqual([])
  })

  it('names a missing table and a missing column', async () => {
    expect((await run('batch', join(folder, 'no.csv'))).terminal.err).toMatch(
      /no\.csv: cannot be read \(ENOENT\)/,
    )
    for (const [content, message] of [
      ['id;a;b\n1;2;3\n', /has no column "id"; .*once each, separated by commas, and is "id;a;b"\n$/],
      ['id\ta\tb\n1\t2\t3\n', /has no column "id"; .*separated by commas/],
      ['id,a,b,a\n1,2,3,4\n', /has 2 times the column "a"; the header must name/],
      [Buffer.from('\ufeffid,a,b\n1,2,3\n', 'utf16le'), /is not text in UTF-8; save it as "CSV UTF-8"/],
      [Buffer.from('id,a,b\n1,M\xfcller.jpg,3\n', 'latin1'), /is not text in UTF-8/],
    ] as const) {
      await writeFile(join(folder, 'x.csv'), content)
      const { code, terminal } = await run('batch', join(folder, 'x.csv'), '-o', join(folder, 'none'))
      expect([code, terminal.opened]).toEqual([EXIT.input, []])
      expect(terminal.err).toMatch(message)
    }
    await writeFile(join(folder, 'x.csv'), 'id,a\n1,2\n')
    expect((await run('batch', join(folder, 'x.csv'), '-o', folder)).terminal.err).toMatch(
      /has no column "b"/,
    )
  })
})
