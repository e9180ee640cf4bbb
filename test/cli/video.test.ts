import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { FaceError } from '../../src/errors.js'
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
