import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { EngineError, FaceError } from '../../src/errors.js'
import type { FlowResult } from '../../src/face/types.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, repositoryFile, syntheticResult } from '../support/synthetic.js'

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

describe('help and usage', () => {
  it('prints the version and the help, with commands and exit codes', async () => {
    const { version } = JSON.parse(await readFile(repositoryFile('package.json'), 'utf8'))
    expect(await run('--version')).toMatchObject({ code: EXIT.ok, terminal: { out: `${version}\n` } })
    const help = await run('--help')
    expect(help.code).toBe(EXIT.ok)
    for (const word of ['flow', 'video', 'batch', 'demo', 'doctor', 'bench', 'Exit codes:']) {
      expect(help.terminal.out).toContain(word)
    }
    for (const command of ['flow', 'video', 'batch', 'demo', 'doctor', 'bench']) {
      const { code, terminal } = await run(command, '--help')
      expect(code).toBe(EXIT.ok)
      expect(terminal.out).toContain('--adapter')
    }
  })

  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['flow', 'a.jpg'], /missing required argument 'b'/],
    [['flow', 'a', 'b', '--only', 'flow.txt'], /no product is called "flow.txt"; choose from data, meshes/],
    [['flow', 'a', 'b', '--at', '3'], /give two numbers, for example 320,240/],
    [['flow', 'a', 'b', '--face', '0'], /give a whole number from 1 on/],
    [['flow', 'a', 'b', '--face', '1', '--at', '3,4'], /cannot be used with option/],
    [['flow', 'a', 'b', '--registered', '--photo-space'], /cannot be used with option/],
    [['bench', '--runs', 'x'], /give a whole number/],
  ])('%j is wrong use: exit 2 and what is wrong', async (args, message) => {
    const { code, terminal } = await run(...args)
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toMatch(message)
    expect(terminal.out).toBe('')
    expect(faceFlow.calls).toEqual([])
  })

  it('has an exit code for every kind of error', () => {
    expect(exitCodeOf(new FaceError('NO_FACE', ''))).toBe(4)
    expect(exitCodeOf(new EngineError('NO_ADAPTER', ''))).toBe(5)
    expect(exitCodeOf(new EngineError('INVALID_WEIGHTS', ''))).toBe(8)
    expect(exitCodeOf(new FaceError('EXTERNAL_TOOL', ''))).toBe(7)
    expect(exitCodeOf(new Error('bug'))).toBe(1)
  })
})

describe('flow', () => {
  it('writes the folder and prints where to look and the numbers', async () => {
    const { code, terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out'))
    expect(terminal.err).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(terminal.out).toContain(`look at ${join(folder, 'out', 'overview.png')}`)
    expect(terminal.out).toMatch(/mean flow +\d+\.\d\d px/)
    expect(await readdir(join(folder, 'out'))).toContain('result.json')
    expect(faceFlow.disposed).toBe(true)
  })

  it('--json prints JSON and nothing else on stdout', async () => {
    const { terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy')
    const json = JSON.parse(terminal.out)
    expect(json.files).toEqual(['flow.npy', 'result.json'])
    expect(json.inputs).toEqual({ a: PHOTO_A, b: PHOTO_B, registered: false })
    expect(json.weights.name).toBe('synthetic')
  })

  it('--quiet prints nothing', async () => {
    const { terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '-q', '--only', 'flow.npy')
    expect([terminal.out, terminal.err]).toEqual(['', ''])
  })

  it('hands the choices on', async () => {
    const { terminal } = await run(
      ...['flow', PHOTO_A, PHOTO_B, '-o', folder, '--only', 'flow.npy', '--at', '300,200'],
      ...['--no-backward', '--adapter', 'software', '--weights', 'w.safetensors'],
    )
    expect(faceFlow.calls[0]?.options).toEqual({ backward: false, face: { at: [300, 200] } })
    expect(terminal.opened[0]).toMatchObject({ adapter: 'software', weights: 'w.safetensors' })
    await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--only', 'flow.npy', '--face', '2')
    expect(faceFlow.calls[1]?.options).toEqual({ backward: true, face: { index: 1 } })
    await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--only', 'flow.npy', '--registered')
    expect(faceFlow.calls[2]?.method).toBe('flowRegistered')
  })

  it('a missing photo: exit 3, one line, no output folder', async () => {
    const { code, terminal } = await run('flow', 'nowhere.jpg', PHOTO_B, '-o', join(folder, 'out'))
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toBe('deepfaceflow: nowhere.jpg: does not exist; check the path\n')
    expect(await readdir(folder)).toEqual([])
    expect(faceFlow.disposed).toBe(true)
  })

  it('no face: exit 4', async () => {
    faceFlow.onCall = () => {
      throw new FaceError('NO_FACE', 'a.jpg: no face found')
    }
    expect((await run('flow', PHOTO_A, PHOTO_B, '-o', folder)).code).toBe(EXIT.noFace)
  })

  it('an output folder that is a file: exit 6', async () => {
    await writeFile(join(folder, 'taken'), '')
    const { code, terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'taken'))
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(
      /^deepfaceflow: .*taken: something else is in the way \(EEXIST\); choose .* -o\n$/,
    )
  })

  it('a bug: exit 1, one line without a stack; the stack with DEEPFACEFLOW_DEBUG', async () => {
    faceFlow.onCall = () => {
      throw new TypeError('oops')
    }
    const { code, terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder)
    expect(code).toBe(EXIT.internal)
    expect(terminal.err).toBe(
      'deepfaceflow: internal error: oops; run again with DEEPFACEFLOW_DEBUG=1 and report it\n',
    )
    const debug = new FakeTerminal(faceFlow)
    await runCli(['flow', PHOTO_A, PHOTO_B, '-o', folder], debug.context, true)
    expect(debug.err).toMatch(/TypeError: oops\n +at /)
  })
})

describe('demo and bench', () => {
  it('demo runs on the photos of the package', async () => {
    const { code, terminal } = await run('demo', '-o', join(folder, 'demo'))
    expect(code).toBe(EXIT.ok)
    expect(faceFlow.calls[0]?.inputs).toEqual([PHOTO_A, PHOTO_B])
    expect(terminal.out).toContain('overview.png')
  })

  it('bench prints a table of stages', async () => {
    const { code, terminal } = await run('bench', '--runs', '3')
    expect(code).toBe(EXIT.ok)
    expect(terminal.out).toMatch(/stage +min +median +p95\n +total +1\.0 +1\.0 +1\.0\n +wall/)
    expect(faceFlow.calls.filter(({ method }) => method === 'flowRegistered')).toHaveLength(5)
  })
})

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
    expect((await readdir(out)).sort()).toEqual(['one', 'summary.json', 'three'])

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

  it('stops at a lost device, which no later pair could survive', async () => {
    faceFlow.onCall = () => {
      throw new EngineError('DEVICE_LOST', 'the device is gone')
    }
    const file = await table(`one,${PHOTO_A},${PHOTO_B}`, `two,${PHOTO_A},${PHOTO_B}`)
    const { code } = await run('batch', file, '-o', join(folder, 'out'), ...fast)
    expect(code).toBe(EXIT.device)
    expect(faceFlow.calls).toHaveLength(1)
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
    await writeFile(join(folder, 'x.csv'), 'id,a\n1,2\n')
    expect((await run('batch', join(folder, 'x.csv'), '-o', folder)).terminal.err).toMatch(
      /has no column "b"/,
    )
  })
})

describe('video', () => {
  const frames = async (count: number) => {
    const input = join(folder, 'frames')
    await mkdir(input)
    for (let i = 1; i <= count; i++) await cp(i % 2 === 1 ? PHOTO_A : PHOTO_B, join(input, `frame${i}.jpg`))
    return input
  }
  const log = async (out: string) =>
    (await readFile(join(out, 'frames.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  it('follows a folder of frames in the order of their numbers', async () => {
    const input = await frames(11)
    const out = join(folder, 'out')
    const { code, terminal } = await run('video', input, '-o', out, '--json', '--no-flow')
    expect(terminal.err.replace(/^no ffmpeg here.*\n/, '')).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(JSON.parse(terminal.out)).toMatchObject({ frames: 11, withoutFace: 0 })
    const [head, ...records] = await log(out)
    expect(head).toEqual({ input })
    expect(records.map((r) => r.name)).toEqual(
      Array.from({ length: 11 }, (_, i) => join(input, `frame${i + 1}.jpg`)),
    )
    expect(records.map((r) => r.status)).toEqual(['reference', ...Array(10).fill('ok')])
    expect(await readdir(join(out, 'overlay'))).toHaveLength(10)
    expect(faceFlow.calls.map(({ method }) => method)).toEqual(['start', ...Array(10).fill('next')])
  })

  it('goes on after an interruption and a torn last line, from the right two frames', async () => {
    const input = await frames(5)
    const out = join(folder, 'out')
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame3.jpg')) terminal.interrupt()
    }
    expect(await runCli(['video', input, '-o', out], terminal.context, false)).toBe(EXIT.interrupted)
    expect(terminal.err).toContain('the same command goes on from here')
    expect(await log(out)).toHaveLength(4)
    await writeFile(join(out, 'frames.jsonl'), '{"frame":3,"na', { flag: 'a' })

    faceFlow.calls.length = 0
    faceFlow.onCall = () => undefined
    expect((await run('video', input, '-o', out)).code).toBe(EXIT.ok)
    expect(faceFlow.calls[0]).toMatchObject({
      method: 'start',
      inputs: [join(input, 'frame1.jpg'), join(input, 'frame3.jpg')],
    })
    expect(faceFlow.calls.slice(1).map(({ inputs }) => inputs)).toEqual([
      [join(input, 'frame4.jpg')],
      [join(input, 'frame5.jpg')],
    ])
    expect((await log(out)).slice(1).map((r) => r.frame)).toEqual([0, 1, 2, 3, 4])
    expect((await readdir(join(out, 'overlay'))).sort()).toEqual([
      '000000.jpg',
      '000001.jpg',
      '000002.jpg',
      '000003.jpg',
    ])
    expect((await readdir(join(out, 'flow'))).sort()[0]).toBe('000001_previous.npy')
  })

  it('logs frames without a face and exits with 9', async () => {
    const input = await frames(4)
    faceFlow.onCall = ([photo]) => {
      if (/frame[13]\.jpg$/.test(String(photo))) throw new FaceError('NO_FACE', 'no face here')
    }
    const out = join(folder, 'out')
    const { code, terminal } = await run('video', input, '-o', out, '--no-flow')
    expect(code).toBe(EXIT.partial)
    expect(terminal.err).toContain('frame 2: no face here')
    expect((await log(out)).slice(1).map((r) => r.status)).toEqual(['no-face', 'reference', 'no-face', 'ok'])
  })

  it('takes a glob pattern', async () => {
    const input = await frames(3)
    const { code } = await run('video', join(input, 'frame[12].jpg'), '-o', join(folder, 'out'), '--no-flow')
    expect(code).toBe(EXIT.ok)
    expect(faceFlow.calls).toHaveLength(2)
  })

  it.each([
    [
      'nothing there',
      'missing',
      EXIT.input,
      /does not exist; give a video file, a folder of frames or a pattern/,
    ],
    ['an empty folder', 'empty', EXIT.input, /has 0 frames; at least two pictures are needed/],
  ])('refuses %s', async (_name, path, expected, message) => {
    await mkdir(join(folder, 'empty'))
    const { code, terminal } = await run('video', join(folder, path), '-o', join(folder, 'out'))
    expect(code).toBe(expected)
    expect(terminal.err).toMatch(message)
  })

  it('refuses the folder of another video', async () => {
    const input = await frames(2)
    const out = join(folder, 'out')
    await run('video', input, '-o', out, '--no-flow')
    const { code, terminal } = await run('video', join(input, '*.jpg'), '-o', out, '--no-flow')
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/holds the results of .*frames; choose another folder/)
  })

  describe('video files', () => {
    const PATH = process.env.PATH
    afterEach(() => {
      process.env.PATH = PATH
    })

    it('without ffmpeg: exit 7 and how to get it', async () => {
      process.env.PATH = folder
      const { code, terminal } = await run('video', PHOTO_A, '-o', join(folder, 'out'))
      expect(code).toBe(EXIT.externalTool)
      expect(terminal.err).toMatch(
        /ffprobe is needed for video files and was not found; install ffmpeg .* or give a folder/,
      )
    })

    it('reads the frames that ffmpeg pipes and joins the overlay', async () => {
      const tools = join(folder, 'tools')
      await mkdir(tools)
      // Stand-ins with the programs' interfaces: three grey PPM frames, and a file for the joined video.
      const node = JSON.stringify(process.execPath)
      const script = async (name: string, body: string) => {
        await writeFile(
          join(tools, name),
          `#!/bin/sh\nexec ${node} ${JSON.stringify(join(tools, `${name}.cjs`))} "$@"\n`,
        )
        await writeFile(join(tools, `${name}.cjs`), body)
        await chmod(join(tools, name), 0o755)
      }
      await script(
        'ffprobe',
        `console.log(JSON.stringify({ streams: [{ nb_frames: '3', avg_frame_rate: '30/1' }] }))`,
      )
      await script(
        'ffmpeg',
        `const args = process.argv.slice(2)
         if (args.includes('image2pipe')) for (let i = 0; i < 3; i++) process.stdout.write(Buffer.concat([Buffer.from('P6\\n64 48\\n255\\n'), Buffer.alloc(64 * 48 * 3, 100 + i)]))
         else if (args[0] !== '-version') require('fs').writeFileSync(args.at(-1), args.join(' '))`,
      )
      process.env.PATH = `${tools}:${PATH}`
      const input = join(folder, 'in.mp4')
      await writeFile(input, 'x')
      const out = join(folder, 'out')
      const { code, terminal } = await run('video', input, '-o', out, '--no-flow')
      expect(terminal.err).toBe('')
      expect(code).toBe(EXIT.ok)
      expect(terminal.out).toContain(`3 frames in ${out}; look at ${join(out, 'overlay.mp4')}`)
      expect(faceFlow.calls.map(({ inputs }) => (inputs[0] as { data: Uint8Array }).data[0])).toEqual([
        100, 101, 102,
      ])
      expect(await readFile(join(out, 'overlay.mp4'), 'utf8')).toContain('-framerate 30 ')
      expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([])
    })
  })
})
