import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { EngineError } from '../../src/errors.js'
import { type BuiltProgram, buildProgram } from '../support/bundle.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, repositoryFile, syntheticResult } from '../support/synthetic.js'

/* The command on folders of pictures, with a prepared result instead of networks. */

const ENTRIES = 5
let folder: string
let faceFlow: FakeFaceFlow
let built: BuiltProgram
const out = (name: string) => join(folder, name)
const OPTIONS = ['--keep-doubtful', '--gaps', '1,2', '--per-track', '2', '--quiet']

beforeAll(async () => {
  built = await buildProgram('test/cli/main-process.ts')
  folder = await mkdtemp(join(tmpdir(), 'dff-corpus-cli-'))
  faceFlow = new FakeFaceFlow(await syntheticResult(mouthOpening))
  for (let k = 0; k < ENTRIES; k++) {
    await mkdir(out(`in/clip${k}`), { recursive: true })
    for (let i = 0; i < 3; i++) await cp(i % 2 === 0 ? PHOTO_A : PHOTO_B, out(`in/clip${k}/${i}.jpg`))
  }
  expect((await run('corpus', out('in'), '-o', out('whole'), '--jobs', '1', ...OPTIONS)).code).toBe(EXIT.ok)
})
afterAll(async () => {
  await built.remove()
  await rm(folder, { recursive: true, force: true })
})
afterEach(() => {
  faceFlow.onCall = () => undefined
})

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(args, terminal.context, false), terminal }
}

/** A process of its own; `shell` stands before the command. */
function start(
  args: string[],
  shell = '',
  delay = 0,
): { child: ChildProcess; ended: Promise<number | null>; err: () => string } {
  const command = [process.execPath, built.file, ...args]
  const child = spawn('/bin/bash', ['-c', `${shell} exec "$@"`, 'bash', ...command], {
    cwd: repositoryFile('.'),
    env: { ...process.env, DFF_TEST_DELAY: String(delay) },
  })
  let err = ''
  child.stderr.on('data', (part) => {
    err += part
  })
  return { child, ended: once(child, 'close').then(([code]) => code as number | null), err: () => err }
}

/** Bytes of everything but what names dates. */
async function content(set: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const entry of await readdir(set, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const name = file.slice(set.length + 1)
    if (!/^plan\b|entry\.json$|^dataset\.json$/.test(name))
      files[name] = (await readFile(file)).toString('base64')
  }
  return files
}

describe('corpus', () => {
  it('does what is missing, goes past bad entries and says so', async () => {
    const list = out('list.csv')
    await mkdir(out('broken'))
    for (const name of ['1.jpg', '2.jpg']) await writeFile(out(`broken/${name}`), 'no picture')
    await writeFile(list, 'id,frames,video\ngood,in/clip0,\nempty,in,\nfolder,,in/clip1\nbroken,broken,\n')
    const args = ['corpus', list, '-o', out('some'), '--keep-doubtful', '--gaps', '1', '--license', 'CC0-1.0']
    const first = await run(...args)
    expect(first.terminal.err).toMatch(/empty: .*has 0 frames/)
    expect(first.terminal.err).toMatch(/folder: .*is a folder, not a video; name it as frames/)
    expect(first.terminal.out).toContain('4 entries: 1 computed, 0 already complete, 3 failed\n')
    expect(first.code).toBe(EXIT.partial)
    const again = await run(...args, '--json')
    expect(again.code).toBe(EXIT.partial)
    expect(again.terminal.opened.length).toBeLessThanOrEqual(1)
    expect(JSON.parse(again.terminal.out)).toMatchObject({
      ...{ computed: 0, skipped: 1, failed: 3 },
      counts: { complete: 1, failed: 3, pairs: 2 },
    })
    expect(again.terminal.err).toMatch(/broken: failed before: .*1\.jpg/)
    const other = await run(...args, '--seed', '2')
    expect(other.terminal.err).toContain('good: computed anew: seed is 2, was 1\n')
  })

  it('refuses a bad manifest as a whole, and options that make no sense', async () => {
    await writeFile(out('bad.csv'), 'frames\nin/clip0\n../elsewhere\n')
    const { code, terminal } = await run('corpus', out('bad.csv'), '-o', out('none'))
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/line 3: the path "..\/elsewhere" leaves the folder/)
    expect(terminal.opened).toEqual([])
    expect(await readdir(out('.'))).not.toContain('none')
    for (const wrong of [
      ['--gaps', '0'],
      ['--splits', 'a=2'],
      ['--jobs', '0'],
      ['--split-by', 'frame'],
      ['--gaps', '5000'],
      ['--shard-size', '0'],
      ['--min-motion', '5', '--max-motion', '2'],
    ]) {
      expect((await run('corpus', out('in'), '-o', out('none'), ...wrong)).code).toBe(EXIT.usage)
    }
  })

  it('verifies and repairs: computes just what is damaged, to the same bytes', async () => {
    await cp(out('whole'), out('worn'), { recursive: true })
    expect((await run('corpus', 'verify', out('worn'))).terminal.out).toMatch(
      /1 shards with 10 good samples, 5 entries: all as it was/,
    )
    const shard = out('worn/shards/data-000000.tar')
    const bytes = await readFile(shard)
    // In the numbers of the first sample's flow.
    bytes[20_000] = (bytes[20_000] as number) ^ 1
    await writeFile(shard, bytes)
    const check = await run('corpus', 'verify', out('worn'), '--json')
    expect(check.code).toBe(EXIT.partial)
    expect(JSON.parse(check.terminal.out).problems).toEqual([
      expect.objectContaining({
        of: 'entry',
        what: expect.stringMatching(/^has samples that the shards do not/),
      }),
      expect.objectContaining({ of: 'sample' }),
      { of: 'shard', name: 'shards/data-000000.tar', what: 'is damaged' },
    ])
    faceFlow.calls.length = 0
    const repair = await run('corpus', 'repair', out('worn'), '--jobs', '1')
    expect(repair.code).toBe(EXIT.ok)
    expect(repair.terminal.out).toContain('5 entries: 1 computed, 4 already complete, 0 failed')
    expect(faceFlow.calls.filter(({ method }) => method === 'everybody')).toHaveLength(3)
    expect(await content(out('worn'))).toEqual(await content(out('whole')))
    expect((await run('corpus', 'verify', out('in'))).code).toBe(EXIT.input)
  })

  it('opens a device that is lost again; one that stays lost ends it, and what is done stays', async () => {
    let calls = 0
    faceFlow.onCall = () => {
      if (++calls === 4) throw new EngineError('DEVICE_LOST', 'the device was lost')
    }
    const once = await run('corpus', out('in'), '-o', out('lost'), '--jobs', '1', ...OPTIONS)
    expect(once.code).toBe(EXIT.ok)
    expect(once.terminal.opened).toHaveLength(2)
    expect(await content(out('lost'))).toEqual(await content(out('whole')))
    calls = 0
    faceFlow.onCall = () => {
      if (++calls > 8) throw new EngineError('DEVICE_LOST', 'the device was lost')
    }
    const twice = await run('corpus', out('in'), '-o', out('gone'), '--jobs', '1', ...OPTIONS)
    expect(twice.code).toBe(EXIT.device)
    faceFlow.onCall = () => undefined
    const after = await run('corpus', out('in'), '-o', out('gone'), '--jobs', '1', ...OPTIONS, '--json')
    expect(JSON.parse(after.terminal.out)).toMatchObject({ computed: 4, skipped: 1 })
    expect(await content(out('gone'))).toEqual(await content(out('whole')))
  })
})

describe('an interrupted corpus', () => {
  it('gives up what is under way, leaves nothing of it, and goes on to the same bytes', async () => {
    const args = ['corpus', out('in'), '-o', out('stopped'), '--jobs', '1', ...OPTIONS]
    const terminal = new FakeTerminal(faceFlow)
    let calls = 0
    faceFlow.onCall = () => {
      if (++calls === 8) terminal.interrupt()
    }
    expect(await runCli(args, terminal.context, false)).toBe(EXIT.interrupted)
    const files = await readdir(out('stopped'), { recursive: true })
    expect(files.filter((name) => /entry\.json$/.test(name))).toHaveLength(1)
    expect(files.filter((name) => /\.tmp$|^dataset\.json$/.test(name))).toEqual([])
    faceFlow.onCall = () => undefined
    expect((await run(...args)).code).toBe(EXIT.ok)
    expect(await content(out('stopped'))).toEqual(await content(out('whole')))
  })
})

describe('corpus in several processes', () => {
  it('gives the same bytes, also after it was killed and went on', async () => {
    const args = ['corpus', out('in'), '-o', out('many'), '--jobs', '2', ...OPTIONS]
    const first = start(args, '', 100)
    // Until the first entry is there.
    while (
      (await readdir(out('many/entries'), { recursive: true }).catch(() => [])).every(
        (name) => !/entry\.json$/.test(name),
      )
    ) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    first.child.kill('SIGKILL')
    await first.ended
    expect(await readdir(out('many'))).not.toContain('dataset.json')
    // The workers that it left behind take what was under way with them.
    expect((await readdir(out('many'), { recursive: true })).filter((name) => /\.tmp$/.test(name))).toEqual(
      [],
    )
    expect(await start(args).ended).toBe(EXIT.ok)
    expect(await content(out('many'))).toEqual(await content(out('whole')))
  })

  it('stops at a full disk and keeps what is done', async () => {
    const args = ['corpus', out('in'), '-o', out('full'), '--jobs', '2', ...OPTIONS]
    // Blocks of 1 KiB: samples of an entry fit, the shard of all does not.
    const limited = start(args, 'ulimit -f 2000;')
    expect(await limited.ended).toBe(EXIT.output)
    expect(limited.err()).toMatch(/the file would exceed the size limit/)
    const entries = await readdir(out('full/entries'), { recursive: true })
    expect(entries.filter((name) => /entry\.json$/.test(name))).toHaveLength(ENTRIES)
    const rest = await run(...args, '--jobs', '1', '--json')
    expect(JSON.parse(rest.terminal.out)).toMatchObject({ computed: 0, skipped: ENTRIES })
    expect(await content(out('full'))).toEqual(await content(out('whole')))
  })
})
