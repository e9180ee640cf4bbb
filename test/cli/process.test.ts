import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { capture } from '../../src/platform/node/ffmpeg.js'
import { hasFfmpeg } from '../../src/platform/node/ffmpeg-version.js'
import { temporaryName } from '../../src/platform/node/owner.js'
import { type BuiltProgram, buildProgram } from '../support/bundle.js'
import { PHOTO_A, PHOTO_B, repositoryFile } from '../support/synthetic.js'

const isJoining = await hasFfmpeg()
let built: BuiltProgram
beforeAll(async () => {
  built = await buildProgram('test/cli/main-process.ts')
})
afterAll(() => built.remove())

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-process-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Run {
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
  /** Resolves when stderr holds the text. */
  says(text: string): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: string | null }>
}

interface StartOptions {
  readonly delay?: number
  readonly limitBlocks?: number
  /** The process spends its time in native code that does not end. */
  readonly native?: boolean
  /** Shell text around the command, which is `"$@"`. */
  readonly shell?: string
}

function start(args: string[], options: StartOptions = {}): Run {
  const command = [process.execPath, built.file, ...args]
  // `ulimit -f` makes writes beyond the limit fail as a full disk does, in the process under test only.
  const shell = options.limitBlocks === undefined ? '' : `ulimit -f ${options.limitBlocks}; `
  const script = options.shell ?? `${shell}exec "$@"`
  const child = spawn('/bin/bash', ['-c', script, 'bash', ...command], {
    cwd: repositoryFile('.'),
    env: {
      ...process.env,
      DFF_TEST_DELAY: String(options.delay ?? 0),
      ...(options.native && { DFF_TEST_NATIVE: '1' }),
    },
  })
  const text = { out: '', err: '' }
  const waiting: { text: string; resolve: () => void }[] = []
  child.stdout.on('data', (part) => {
    text.out += part
  })
  child.stderr.on('data', (part) => {
    text.err += part
    for (const entry of waiting) if (text.err.includes(entry.text)) entry.resolve()
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const says = (wanted: string) =>
    new Promise<void>((resolve, reject) => {
      if (text.err.includes(wanted)) return resolve()
      waiting.push({ text: wanted, resolve })
      void ended.then(() => reject(new Error(`ended without "${wanted}": ${text.err}`)))
    })
  return { child, text, says, ended }
}

describe('the process', () => {
  it('keeps stdout for the result and sets the exit code', async () => {
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy'])
    expect(await run.ended).toEqual({ code: 0, signal: null })
    expect(JSON.parse(run.text.out).files).toEqual(['flow.npy', 'result.json'])
    const missing = start(['flow', 'no.jpg', PHOTO_B, '-o', folder])
    expect((await missing.ended).code).toBe(3)
    expect(missing.text.out).toBe('')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle of a pair: exit %i at once, nothing half-written', async (signal, code) => {
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out')], { delay: 30_000 })
    await run.says('computing')
    run.child.kill(signal)
    expect(await run.ended).toEqual({ code, signal: null })
    expect(await readdir(folder)).toEqual([])
  })

  it('a second SIGINT ends what native code holds up', async () => {
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out')], { native: true })
    await run.says('computing')
    run.child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 300))
    run.child.kill('SIGINT')
    expect(await run.ended).toEqual({ code: null, signal: 'SIGINT' })
    expect(await readdir(folder)).toEqual([])
  })

  it('SIGINT in a batch: the pair under way is finished, then exit 130', async () => {
    const table = join(folder, 'pairs.csv')
    await writeFile(table, `id,a,b\none,${PHOTO_A},${PHOTO_B}\ntwo,${PHOTO_A},${PHOTO_B}\n`)
    const out = join(folder, 'out')
    const run = start(['batch', table, '-o', out, '--only', 'flow.npy', '--jobs', '1'], { delay: 800 })
    await run.says('computing')
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
    expect(run.text.err).toContain('stopping after the item under way; again to stop at once')
    expect((await readdir(out)).sort()).toEqual(['one', 'summary.csv', 'summary.json'])
    expect((await readdir(join(out, 'one'))).sort()).toEqual(['flow.npy', 'result.json'])
  })

  it('an expression that is killed leaves no table, and the same command goes on with what was read', async () => {
    const frames = join(folder, 'frames')
    await mkdir(frames)
    for (let i = 1; i <= 4; i++) await cp(PHOTO_A, join(frames, `frame${i}.jpg`))
    const args = ['expression', frames, '-o', join(folder, 'out.csv')]
    const killed = start(args, { delay: 1000 })
    await killed.says('computing\ncomputing\ncomputing')
    killed.child.kill('SIGKILL')
    await killed.ended
    const left = await readdir(folder)
    expect(left).toContain('out.csv.unfinished.jsonl')
    expect(left).not.toContain('out.csv')
    const again = start(args)
    expect(await again.ended).toEqual({ code: 0, signal: null })
    // The tracker is resumed, and two frames are left.
    expect(again.text.err.split('computing')).toHaveLength(1 + 3)
    expect((await readdir(folder)).sort()).toEqual(['frames', 'out.csv'])
    const rows = (await readFile(join(folder, 'out.csv'), 'utf8')).trimEnd().split('\n')
    expect(rows).toHaveLength(1 + 4)
  })

  it.runIf(isJoining)('a second SIGINT takes away what was kept of a pipe', async () => {
    const [pipe, kept, video] = ['pipe', 'kept', 'video.mkv'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    await mkdir(kept)
    const picture = ['-f', 'lavfi', '-i', 'color=size=64x64:duration=1']
    expect((await capture('ffmpeg', ['-v', 'error', ...picture, video])).code).toBe(0)
    await promisify(execFile)('mkfifo', [pipe])
    const shell = `cat ${video} > ${pipe} & TMPDIR=${kept} exec "$@"`
    const run = start(['animate', PHOTO_A, pipe, '-o', join(folder, 'out')], { delay: 30_000, shell })
    await run.says('computing')
    const ours = async () => (await readdir(kept)).filter((name) => name.startsWith('deepfaceflow-'))
    expect(await ours()).toHaveLength(1)
    run.child.kill('SIGINT')
    await run.says('again to stop at once')
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
    expect(await ours()).toEqual([])
  })

  it('a second SIGINT stops at once', async () => {
    const table = join(folder, 'pairs.csv')
    await writeFile(table, `id,a,b\none,${PHOTO_A},${PHOTO_B}\n`)
    const run = start(['batch', table, '-o', join(folder, 'out')], { delay: 30_000 })
    await run.says('computing')
    run.child.kill('SIGINT')
    await run.says('again to stop at once')
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
    // The claim of the pair went with the process, and the folders that were made for it.
    expect(await readdir(folder)).toEqual(['pairs.csv'])
  })

  it.each([
    // Its log is begun, and the same command would go on with it.
    ['video', ['frames.jsonl']],
    ['animate', null],
  ])(
    '%s leaves no folder that it made and put nothing into, neither at a second SIGINT nor where nothing can be written',
    async (command, kept) => {
      const [frames, out] = [join(folder, 'frames'), join(folder, 'deep', 'out')]
      await mkdir(frames)
      for (let i = 1; i <= 2; i++) await cp(PHOTO_A, join(frames, `frame${i}.jpg`))
      const args = [command, ...(command === 'animate' ? [PHOTO_A] : []), frames, '-o', out]
      const stopped = start(args, { delay: 30_000 })
      await stopped.says('computing')
      stopped.child.kill('SIGINT')
      await stopped.says('again to stop at once')
      stopped.child.kill('SIGINT')
      expect((await stopped.ended).code).toBe(130)
      if (kept === null) expect(await readdir(folder)).toEqual(['frames'])
      else expect(await readdir(out)).toEqual(kept)
      await rm(join(folder, 'deep'), { recursive: true, force: true })
      const full = start(args, { limitBlocks: 0 })
      expect((await full.ended).code).toBe(6)
      expect(await readdir(folder)).toEqual(['frames'])
    },
  )

  it('a disk without room: exit 6, the reason, and no part of a file', async () => {
    // 200 blocks of 1 KiB: flow.npy has 602 KB.
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out'), '--only', 'data'], {
      limitBlocks: 200,
    })
    expect((await run.ended).code).toBe(6)
    expect(run.text.err).toMatch(/flow\.npy: the file would exceed the size limit \(EFBIG\)/)
    expect(await readdir(folder)).toEqual([])
  })

  it('a reader of stdout that goes away: all files, silence, the code that a shell gives SIGPIPE', async () => {
    const args = ['flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy']
    const run = start(args, { shell: '"$@" | head -c 0; exit $PIPESTATUS' })
    expect((await run.ended).code).toBe(141)
    expect(run.text.err).toBe('computing\n')
    expect((await readdir(folder)).sort()).toEqual(['flow.npy', 'result.json'])
  })

  it('does not hide failed pairs behind a closed pipe', async () => {
    const table = join(folder, 'pairs.csv')
    await writeFile(table, 'id,a,b\none,missing.jpg,missing.jpg\n')
    const run = start(['batch', table, '-o', join(folder, 'out'), '--json'], {
      shell: '"$@" | head -c 0; exit $PIPESTATUS',
    })
    expect((await run.ended).code).toBe(9)
  })

  it('a reader of stderr that goes away does not end the work', async () => {
    const args = ['flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy']
    const run = start(args, { shell: '{ "$@" 2>&1 1>&3 | head -c 0; exit $PIPESTATUS; } 3>&1' })
    expect((await run.ended).code).toBe(0)
    expect(JSON.parse(run.text.out).files).toEqual(['flow.npy', 'result.json'])
  })

  it('stdout on a full disk: exit 6 and one line', async () => {
    const args = ['flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy']
    const run = start(args, { shell: '"$@" >/dev/full' })
    expect((await run.ended).code).toBe(6)
    expect(run.text.err).toBe('computing\ndeepfaceflow: standard output cannot be written (ENOSPC)\n')
  })

  it('two batches on one table compute each pair once, and both say all of it', async () => {
    const table = join(folder, 'pairs.csv')
    const ids = ['one', 'two', 'three', 'four']
    await writeFile(table, `id,a,b\n${ids.map((id) => `${id},${PHOTO_A},${PHOTO_B}\n`).join('')}`)
    const args = ['batch', table, '-o', join(folder, 'out'), '--json', '--only', 'flow.npy']
    const runs = [start(args, { delay: 500 }), start(args, { delay: 500 })]
    const codes = await Promise.all(runs.map(async (run) => (await run.ended).code))
    expect(codes).toEqual([0, 0])
    const summaries = runs.map((run) => JSON.parse(run.text.out))
    for (const summary of summaries) expect(summary).toMatchObject({ failed: 0, open: 0 })
    expect(summaries[0].computed + summaries[1].computed).toBe(4)
    const computations = runs.map((run) => run.text.err.split('computing\n').length - 1)
    expect(computations).toEqual(summaries.map(({ computed }) => computed))
  })

  it('goes on after a kill: takes over the claim, removes what was half-written', async () => {
    const table = join(folder, 'pairs.csv')
    await writeFile(table, `id,a,b\none,${PHOTO_A},${PHOTO_B}\n`)
    const out = join(folder, 'out')
    const args = ['batch', table, '-o', out, '--json', '--only', 'flow.npy', '--jobs', '1']
    const killed = start(args, { delay: 30_000 })
    await killed.says('computing')
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(await readdir(join(out, 'one'))).toEqual(['.deepfaceflow.lock'])
    const half = temporaryName('flow.npy').replace(`-${process.pid}-`, `-${killed.child.pid}-`)
    await writeFile(join(out, 'one', half), 'half')
    const run = start(args)
    expect((await run.ended).code).toBe(0)
    expect((await readdir(join(out, 'one'))).sort()).toEqual(['flow.npy', 'result.json'])
  })
})
