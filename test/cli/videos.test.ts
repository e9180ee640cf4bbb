import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { EngineError, FaceError } from '../../src/errors.js'
import { type BuiltProgram, buildProgram } from '../support/bundle.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, repositoryFile, syntheticResult } from '../support/synthetic.js'

/* Several folders of frames by one command, with a prepared result instead of networks, and without ffmpeg. */

const FRAMES = 3
let folder: string
let out: string
let faceFlow: FakeFaceFlow
const result = await syntheticResult(mouthOpening)
const PATH = process.env.PATH

let built: BuiltProgram
beforeAll(async () => {
  built = await buildProgram('test/cli/main-process.ts')
})
afterAll(() => built.remove())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-videos-'))
  out = join(folder, 'out')
  faceFlow = new FakeFaceFlow(result)
  process.env.PATH = folder
  for (const name of ['one', 'two', 'three']) await frames(name)
})
afterEach(async () => {
  process.env.PATH = PATH
  await rm(folder, { recursive: true, force: true })
})

async function frames(name: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  for (let i = 0; i < FRAMES; i++) await cp(i % 2 === 0 ? PHOTO_A : PHOTO_B, join(folder, name, `${i}.jpg`))
}

const inputs = (...names: string[]) => names.map((name) => join(folder, name))

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(['video', ...args, '-o', out], terminal.context, false), terminal }
}

/** A process of its own, that starts workers. */
function start(delay: number, ...args: string[]) {
  const child = spawn(process.execPath, [built.file, 'video', ...args, '-o', out, '--jobs', '2'], {
    cwd: repositoryFile('.'),
    env: { ...process.env, DFF_TEST_DELAY: String(delay) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (part) => {
    text += part
  })
  return { child, text: () => text, ended: once(child, 'close').then(([code]) => code as number | null) }
}

/** Hashes of all files but what names dates. */
async function content(of: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const entry of await readdir(of, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (entry.isFile() && !/^video.json$|^frames.jsonl$/.test(entry.name))
      files[file.slice(of.length)] = createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
  }
  return files
}

describe('several videos', () => {
  it('have a folder each, with what each has alone; a bad one stops nothing', async () => {
    await mkdir(join(folder, 'empty'))
    const { code, terminal } = await run(...inputs('one', 'empty', 'two'), '--json')
    expect(code).toBe(EXIT.partial)
    expect(terminal.err).toMatch(/empty: deepfaceflow: .*has 0 frames/)
    const summary = JSON.parse(terminal.out)
    expect(summary).toMatchObject({ complete: 2, partial: 0, failed: 1, open: 0 })
    expect(summary.videos).toMatchObject([
      { folder: join(out, 'one'), outcome: 'complete', frames: FRAMES, computed: FRAMES },
      { outcome: 'failed', code: 'INVALID_INPUT' },
      { outcome: 'complete' },
    ])
    expect(terminal.opened).toHaveLength(1)
    const together = out
    out = join(folder, 'alone')
    await run(...inputs('one'))
    expect(await content(out)).toEqual(await content(join(together, 'one')))
    out = together
    expect((await run(...inputs('one', 'two'))).terminal.out).toMatch(
      /^2 videos: 2 complete, 0 failed; .*\n0\.0 frames a minute, 1 at a time/,
    )
  })

  it('are refused where two would share a folder, and one video to several jobs', async () => {
    await frames('other/one')
    const { code, terminal } = await run(...inputs('one', 'other/one'))
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toMatch(/other.one would both have the folder .*out.one; run one of them by itself/)
    expect((await run(...inputs('one', 'one'))).terminal.err).toMatch(/one is given twice/)
    const chain = await run(...inputs('one'), '--jobs', '3')
    expect(chain.code).toBe(EXIT.usage)
    expect(chain.terminal.err).toMatch(/--jobs 3: one video is one job, for each of its frames is followed/)
    expect(faceFlow.calls).toEqual([])
    // A pattern of frames is called after their folder.
    const pattern = await run(join(folder, 'one', '*.jpg'), ...inputs('two'), '--json')
    expect(JSON.parse(pattern.terminal.out).videos[0].folder).toBe(join(out, 'one'))
  })

  it('leave no folder where all are refused', async () => {
    faceFlow.onCall = () => {
      throw new FaceError('NO_FACE', 'no face')
    }
    const { code, terminal } = await run(...inputs('one', 'two', 'three'))
    expect(code).toBe(EXIT.partial)
    expect(terminal.out).toMatch(/0 complete, 3 failed/)
    expect((await readdir(folder)).sort()).toEqual(['one', 'three', 'two'])
  })

  it('end with what would meet every one, and go on where they were interrupted', async () => {
    faceFlow.onCall = () => {
      if (faceFlow.calls.length > FRAMES + 1) throw new EngineError('DEVICE_LOST', 'the device was lost')
    }
    expect((await run(...inputs('one', 'two', 'three'))).code).toBe(EXIT.device)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => terminal.interrupt()
    const args = ['video', ...inputs('one', 'two', 'three'), '-o', out]
    expect(await runCli(args, terminal.context, false)).toBe(EXIT.interrupted)
    expect(terminal.out).toMatch(/0 complete, 0 failed, 3 not finished \(the same command goes on\)/)
    faceFlow.onCall = () => undefined
    faceFlow.calls.length = 0
    expect((await run(...inputs('one', 'two', 'three'))).code).toBe(EXIT.ok)
    expect(faceFlow.calls.length).toBeLessThan(3 * FRAMES)
  })
})

describe('several videos in several processes', () => {
  it('have the same bytes; a worker that is killed is replaced, and its video goes on', async () => {
    const whole = await run(...inputs('one', 'two', 'three'))
    expect(whole.code).toBe(EXIT.ok)
    const expected = await content(out)
    out = join(folder, 'many')
    const many = start(300, ...inputs('one', 'two', 'three'))
    const lock = join(out, 'one', '.deepfaceflow.lock')
    let owner = ''
    while (owner === '') {
      await wait(50)
      owner = await readFile(lock, 'utf8').catch(() => '')
    }
    process.kill(JSON.parse(owner).pid, 'SIGKILL')
    const code = await many.ended
    expect(many.text()).toMatch(/3 videos: 3 complete, 0 failed.*\n.* frames a minute, 2 at a time/)
    expect(code).toBe(EXIT.ok)
    expect(await content(out)).toEqual(expected)
  }, 120_000)
})
