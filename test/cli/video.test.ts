import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { FaceError } from '../../src/errors.js'
import type { FlowResult } from '../../src/face/types.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'

const PATH = process.env.PATH
let result: FlowResult
let folder: string
let out: string
let faceFlow: FakeFaceFlow
beforeAll(async () => {
  result = await syntheticResult(mouthOpening)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-cli-'))
  out = join(folder, 'out')
  faceFlow = new FakeFaceFlow(result)
  // Without ffmpeg, whether the machine has it or not.
  process.env.PATH = folder
})
afterEach(async () => {
  process.env.PATH = PATH
  await rm(folder, { recursive: true, force: true })
})

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(args, terminal.context, false), terminal }
}

async function frames(count: number): Promise<string> {
  const input = join(folder, 'frames')
  await mkdir(input)
  for (let i = 1; i <= count; i++) await cp(i % 2 === 1 ? PHOTO_A : PHOTO_B, join(input, `frame${i}.jpg`))
  return input
}

const logFile = () => join(out, 'frames.jsonl')
const log = async () =>
  (await readFile(logFile(), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const statuses = async () => (await log()).slice(1).map((r) => r.status)
const methods = () => faceFlow.calls.map(({ method }) => method)
const NO_FFMPEG = /^no ffmpeg here.*\n/

/** Lets the tracker miss the face in these frames. */
function missIn(...numbers: number[]): void {
  faceFlow.onCall = ([photo]) => {
    if (numbers.some((n) => String(photo).endsWith(`frame${n}.jpg`))) {
      throw new FaceError('NO_FACE', 'no face here', { cut: true, similarity: 0.25 })
    }
  }
}

/** A run that is interrupted while frame 3 is under way. */
async function interruptedRun(input: string, ...more: string[]): Promise<void> {
  const terminal = new FakeTerminal(faceFlow)
  faceFlow.onCall = ([photo]) => {
    if (String(photo).endsWith('frame3.jpg')) terminal.interrupt()
  }
  expect(await runCli(['video', input, '-o', out, ...more], terminal.context, false)).toBe(EXIT.interrupted)
  expect(terminal.err).toContain('the same command goes on from here')
  faceFlow.calls.length = 0
  faceFlow.onCall = () => undefined
}

describe('video', () => {
  it.each([
    ['no frame shows a face', [], 'start', EXIT.noFace],
    ['the neutral photo shows no face', ['--expression', '--neutral', PHOTO_B], 'expressions', EXIT.noFace],
    ['there is no neutral photo', ['--expression', '--neutral', 'none.jpg'], null, EXIT.input],
  ])('leaves nothing where %s, and a folder that was there', async (_, flags, refusing, expected) => {
    const input = await frames(3)
    const refuse = () => Promise.reject(new FaceError('NO_FACE', 'no face'))
    if (refusing === 'expressions') faceFlow.expressions = refuse
    if (refusing === 'start') missIn(1, 2, 3)
    expect((await run('video', input, '-o', join(out, 'deep'), ...flags)).code).toBe(expected)
    expect(await readdir(folder)).toEqual(['frames'])
    await mkdir(out)
    expect((await run('video', input, '-o', out, ...flags)).code).toBe(expected)
    expect(await readdir(out)).toEqual([])
  })

  it('follows a folder of frames in the order of their numbers', async () => {
    const input = await frames(11)
    const { code, terminal } = await run('video', input, '-o', out, '--json', '--no-flow')
    expect(terminal.err.replace(NO_FFMPEG, '')).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(JSON.parse(terminal.out)).toMatchObject({ frames: 11, withoutFace: 0, complete: true })
    const [head, ...records] = await log()
    expect(head).toMatchObject({ format: 2, input, provenance: { options: { flow: false } } })
    expect(records.map((r) => r.name)).toEqual(
      Array.from({ length: 11 }, (_, i) => join(input, `frame${i + 1}.jpg`)),
    )
    expect(records.map((r) => r.status)).toEqual(['reference', ...Array(10).fill('ok')])
    expect((await readdir(join(out, 'overlay'))).filter((name) => name.endsWith('.jpg'))).toHaveLength(11)
    expect(methods()).toEqual(['start', ...Array(10).fill('next')])
    expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('reads what the face does where it is asked to, as one run and as two', async () => {
    const input = await frames(4)
    const only = ['--expression', '--no-smooth', '--no-flow']
    const table = async () => (await readFile(join(out, 'expression.csv'), 'utf8')).trimEnd().split('\n')
    await run('video', input, '-o', out, ...only)
    const whole = await table()
    expect(whole[0]).toContain('jawOpen')
    expect(whole.map((line) => line.split(',').slice(1, 4).join())).toEqual([
      ...['frame,time,status', '0,0,ok', '1,0.04,ok', '2,0.08,ok', '3,0.12,ok'],
    ])
    await rm(out, { recursive: true })
    faceFlow.calls.length = 0
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame3.jpg')) terminal.interrupt()
    }
    expect(await runCli(['video', input, '-o', out, ...only], terminal.context, false)).toBe(EXIT.interrupted)
    faceFlow.onCall = () => undefined
    expect((await run('video', input, '-o', out, ...only)).code).toBe(EXIT.ok)
    // The fake's jaw opens with every reading: none was read twice.
    expect(await table()).toEqual(whole)
    // Without it, what was computed for it does not stand.
    await run('video', input, '-o', out, '--no-smooth', '--no-flow')
    expect(await readdir(out)).not.toContain('expression.csv')
    expect((await run('video', input, '-o', out, '--neutral', PHOTO_B)).code).toBe(EXIT.usage)
  })

  it('is smoothed unless it is told not to, and computes anew what was computed otherwise', async () => {
    const input = await frames(2)
    await run('video', input, '-o', out)
    expect(faceFlow.videoOptions).toMatchObject({ smooth: true, backward: false })
    faceFlow.calls.length = 0
    const { terminal } = await run('video', input, '-o', out, '--no-smooth')
    expect(faceFlow.videoOptions).toMatchObject({ smooth: false })
    expect(methods()).toEqual(['start', 'next'])
    expect(terminal.err).toContain('smooth')
  })

  it('goes on after an interruption and a torn last line, from what the tracker remembered', async () => {
    const input = await frames(5)
    await interruptedRun(input)
    expect(await log()).toHaveLength(4)
    await writeFile(logFile(), '{"frame":3,"na', { flag: 'a' })
    expect((await run('video', input, '-o', out)).code).toBe(EXIT.ok)
    expect(faceFlow.calls.map(({ method, inputs }) => [method, ...inputs])).toEqual([
      ['resume', join(input, 'frame1.jpg'), join(input, 'frame3.jpg')],
      ['next', join(input, 'frame4.jpg')],
      ['next', join(input, 'frame5.jpg')],
    ])
    // Of the reference and the last frame.
    expect(faceFlow.memories).toEqual(Array(2).fill({ picture: 'fake' }))
    expect((await log()).slice(1).map((r) => r.frame)).toEqual([0, 1, 2, 3, 4])
    expect((await readdir(join(out, 'overlay'))).filter((name) => name.endsWith('.jpg')).sort()).toEqual(
      [0, 1, 2, 3, 4].map((n) => `00000${n}.jpg`),
    )
    expect((await readdir(join(out, 'flow'))).sort()[0]).toBe('000001_previous.npy')
  })

  it('keeps the mesh of the reference beside the flows that start on it, as one run and as two', async () => {
    const input = await frames(5)
    await run('video', input, '-o', out)
    const whole = await readFile(join(out, 'reference.glb'))
    expect(whole.subarray(0, 4).toString()).toBe('glTF')
    await rm(out, { recursive: true })
    await interruptedRun(input)
    await run('video', input, '-o', out)
    expect((await readFile(join(out, 'reference.glb'))).equals(whole)).toBe(true)
    // Without flows there is nothing to move it by; one that an earlier run wrote goes with them.
    await run('video', input, '-o', out, '--no-flow')
    expect(await readdir(out)).not.toContain('reference.glb')
  })

  it('goes on from the last frame with the face when the latest are without', async () => {
    const input = await frames(4)
    missIn(3)
    await run('video', input, '-o', out)
    await cp(PHOTO_A, join(input, 'frame5.jpg'))
    faceFlow.calls.length = 0
    expect((await run('video', input, '-o', out)).code).toBe(EXIT.partial)
    expect(faceFlow.calls.map(({ method, inputs }) => [method, ...inputs])).toEqual([
      ['resume', join(input, 'frame1.jpg'), join(input, 'frame4.jpg')],
      ['next', join(input, 'frame5.jpg')],
    ])
    expect(faceFlow.memories).toHaveLength(2)
  })

  it('draws again what was deleted of the overlay, and sums up anew what was added', async () => {
    const input = await frames(3)
    await run('video', input, '-o', out)
    await rm(join(out, 'overlay', '000001.jpg'))
    expect((await run('video', input, '-o', out)).code).toBe(EXIT.ok)
    expect(await readdir(join(out, 'overlay'))).toContain('000001.jpg')
    await cp(PHOTO_A, join(input, 'frame4.jpg'))
    await cp(PHOTO_A, join(input, 'frame5.jpg'))
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame4.jpg')) terminal.interrupt()
    }
    expect(await runCli(['video', input, '-o', out], terminal.context, false)).toBe(EXIT.interrupted)
    expect(await readdir(out)).not.toContain('video.json')
    await run('video', input, '-o', out)
    expect((await readdir(join(out, 'overlay'))).filter((name) => name.endsWith('.jpg'))).toHaveLength(5)
  })

  it('computes nothing when all is done', async () => {
    const input = await frames(3)
    await run('video', input, '-o', out)
    faceFlow.calls.length = 0
    const { code } = await run('video', input, '-o', out)
    expect(code).toBe(EXIT.ok)
    expect(methods()).toEqual(['resume'])
  })

  it('says which frames are without the face, once for each loss, and exits with 9', async () => {
    const input = await frames(6)
    missIn(1, 3, 4)
    const { code, terminal } = await run('video', input, '-o', out, '--no-flow', '--json')
    expect(code).toBe(EXIT.partial)
    expect(terminal.err.match(/frame \d: no face here/g)).toEqual([
      'frame 0: no face here',
      'frame 2: no face here',
    ])
    expect(await statuses()).toEqual(['no-face', 'reference', 'lost', 'lost', 'ok', 'ok'])
    expect((await log())[3]).toMatchObject({ cut: true, similarity: 0.25, message: 'no face here' })
    expect(JSON.parse(terminal.out)).toMatchObject({ withoutFace: 3, lost: 2, cuts: 3 })
  })

  it('keeps frames that cannot be read apart from those without the face', async () => {
    const input = await frames(3)
    await writeFile(join(input, 'frame2.jpg'), 'no picture')
    const { code, terminal } = await run('video', input, '-o', out, '--no-flow')
    expect(code).toBe(EXIT.partial)
    expect(terminal.out).toContain('3 frames, 1 unreadable in')
    expect(await statuses()).toEqual(['reference', 'unreadable', 'ok'])
  })

  it('takes a face that is mostly cut off for none', async () => {
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame1.jpg')) throw new FaceError('INVALID_INPUT', '60 % outside')
    }
    await run('video', await frames(3), '-o', out, '--no-flow')
    expect(await statuses()).toEqual(['no-face', 'reference', 'ok'])
  })

  it('writes a table with one row a frame', async () => {
    missIn(3)
    await run('video', await frames(4), '-o', out, '--no-flow', '--fps', '30000/1001')
    const [head = '', ...rows] = (await readFile(join(out, 'frames.csv'), 'utf8')).trimEnd().split('\n')
    const table = rows.map((row) => Object.fromEntries(row.split(',').map((c, i) => [head.split(',')[i], c])))
    expect(table.map((row) => [row.frame, row.timestamp, row.success, row.status])).toEqual([
      ['1', '0', '1', 'reference'],
      ['2', '0.033367', '1', 'ok'],
      ['3', '0.066733', '0', 'lost'],
      ['4', '0.1001', '1', 'ok'],
    ])
    expect(Number(table[1]?.motion_energy)).toBeGreaterThan(0.1)
    expect(Number(table[1]?.pose_Rx)).not.toBeNaN()
    expect(table[2]).toMatchObject({ motion_energy: '', pose_Ry: '', confidence: '0', cut: '1' })
  })

  it('refuses a person at rest without a name, and takes a file: URL of one', async () => {
    const none = await run('video', await frames(2), '-o', out, '--expression', '--neutral', '')
    expect(none.code).toBe(EXIT.input)
    expect(none.terminal.err).toBe('deepfaceflow: --neutral: is an empty name; give a file name\n')
    const url = pathToFileURL(join(folder, 'none.jpg')).href
    const { terminal } = await run(
      'video',
      join(folder, 'frames'),
      '-o',
      out,
      '--expression',
      '--neutral',
      url,
    )
    expect(terminal.err).toContain(`${join(folder, 'none.jpg')}: does not exist`)
  })

  it.each(['0', '-1', 'x', '', '1/0', '25/', '1/2/3', '5000'])('refuses --fps "%s"', async (fps) => {
    const { code, terminal } = await run('video', await frames(2), '-o', out, `--fps=${fps}`)
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toContain('for example 25, 29.97 or 30000/1001')
  })

  it('takes a glob pattern, and a folder with its characters as a folder', async () => {
    const input = await frames(3)
    const { code } = await run('video', join(input, 'frame[12].jpg'), '-o', out, '--no-flow')
    expect(code).toBe(EXIT.ok)
    expect(faceFlow.calls).toHaveLength(2)
    const odd = join(folder, 'clip (1) [x]')
    await cp(input, odd, { recursive: true })
    expect((await run('video', odd, '-o', join(folder, 'out%d:2'), '--no-flow')).code).toBe(EXIT.ok)
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
    const { code, terminal } = await run('video', join(folder, path), '-o', out)
    expect(code).toBe(expected)
    expect(terminal.err).toMatch(message)
  })

  it('colours the overlay by the clip, or as it is told', async () => {
    const input = await frames(2)
    const scale = async (...more: string[]) =>
      JSON.parse((await run('video', input, '-o', out, '--json', ...more)).terminal.out).overlay.scale
    // The mouth of the prepared result opens by up to 9 px.
    expect(await scale()).toBe(10)
    const picture = await readFile(join(out, 'overlay', '000001.jpg'))
    expect(await scale('--overlay-scale', '12.5')).toBe(12.5)
    expect(await readFile(join(out, 'overlay', '000001.jpg'))).not.toEqual(picture)
    expect(methods().filter((method) => method === 'next')).toHaveLength(1)
  })
})

describe('the folder of a video', () => {
  it('is refused to another video, unless --force', async () => {
    const input = await frames(2)
    await run('video', input, '-o', out, '--no-flow')
    const { code, terminal } = await run('video', join(input, '*.jpg'), '-o', out, '--no-flow')
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/holds the results of .*frames; choose another folder/)
    expect((await run('video', join(input, '*.jpg'), '-o', out, '--force')).code).toBe(EXIT.ok)
    expect((await log())[0]).toMatchObject({ input: join(input, '*.jpg') })
  })

  it.each([
    ['other weights', ['--weights', 'other'], /the weights are other .*, were synthetic/],
    ['another refinement', ['--refinement', 'none'], /refinement is none, was variational/],
    ['another face', ['--face', '2'], /face is 2, was null/],
    ['flow fields wanted now', [], /flow is true, was false/],
  ])('starts anew with %s, and says why', async (_name, args, why) => {
    const input = await frames(4)
    await interruptedRun(input, '--no-flow')
    const more = why.source.includes('flow is') ? args : ['--no-flow', ...args]
    const { code, terminal } = await run('video', input, '-o', out, ...more)
    expect(code).toBe(EXIT.ok)
    expect(terminal.err).toMatch(/starts anew, because /)
    expect(terminal.err).toMatch(why)
    expect(methods()).toEqual(['start', 'next', 'next', 'next'])
    expect(await statuses()).toEqual(['reference', 'ok', 'ok', 'ok'])
    if (more.length === 0) expect(await readdir(join(out, 'flow'))).toHaveLength(6)
  })

  it('starts anew when a frame was replaced under its name, and not when frames were added', async () => {
    const input = await frames(4)
    await run('video', input, '-o', out)
    await cp(PHOTO_A, join(input, 'frame5.jpg'))
    faceFlow.calls.length = 0
    await run('video', input, '-o', out)
    expect(methods()).toEqual(['resume', 'next'])
    await cp(PHOTO_A, join(input, 'frame2.jpg'))
    faceFlow.calls.length = 0
    const { terminal } = await run('video', input, '-o', out)
    expect(terminal.err).toMatch(/starts anew, because frame 1 \(.*frame2\.jpg has changed\)/)
    expect(methods()).toHaveLength(5)
  })

  it('loses its own old files and nobody else’s when it starts anew', async () => {
    const input = await frames(4)
    await run('video', input, '-o', out)
    await writeFile(join(out, 'notes.txt'), 'mine')
    await writeFile(join(out, 'flow', 'mine.npy'), 'mine')
    await rm(join(input, 'frame4.jpg'))
    await run('video', input, '-o', out, '--no-flow')
    expect(await readdir(join(out, 'flow'))).toEqual(['mine.npy'])
    expect(await readFile(join(out, 'notes.txt'), 'utf8')).toBe('mine')
    expect((await readdir(join(out, 'overlay'))).filter((n) => n.endsWith('.jpg'))).toHaveLength(3)
  })

  it.each([
    ['text', 'my own notes\n'],
    ['null', 'null\n'],
    ['other JSON', '{"frames": 3}\n'],
    ['a head without weights', '{"format":2,"input":"x","provenance":null}\n'],
    ['one of an earlier version', '{"input": "frames"}\n{"frame":0,"name":"x","status":"no-face"}\n'],
    ['nothing', ''],
  ])('is refused where frames.jsonl holds %s', async (_name, content) => {
    await mkdir(out)
    await writeFile(logFile(), content)
    const input = await frames(2)
    for (const more of [[], ['--force']]) {
      const { code, terminal } = await run('video', input, '-o', out, ...more)
      expect(code).toBe(EXIT.output)
      expect(terminal.err).toMatch(/holds frames\.jsonl, which this command did not write/)
    }
    expect(await readFile(logFile(), 'utf8')).toBe(content)
    expect(methods()).toEqual([])
  })

  it('is refused where frames.jsonl is a link, and its target stays as it is', async () => {
    await mkdir(out)
    const target = join(folder, 'target')
    await writeFile(target, 'precious')
    await symlink(target, logFile())
    expect((await run('video', await frames(2), '-o', out)).code).toBe(EXIT.output)
    expect(await readFile(target, 'utf8')).toBe('precious')
  })

  it.each(['flow', 'reference.glb', 'overlay', 'overlay.mp4', 'video.json', 'frames.csv'])(
    'is refused where there is a %s that is not ours',
    async (name) => {
      await mkdir(join(out, name), { recursive: true })
      const { code, terminal } = await run('video', await frames(2), '-o', out)
      expect(code).toBe(EXIT.output)
      expect(terminal.err).toContain(`holds ${name}, which this command did not write`)
    },
  )

  it.each([
    ['no JSON', '{"frame":1,'],
    ['null', 'null'],
    ['another frame', '{"frame":7,"name":"x","status":"ok"}'],
    ['an unknown status', '{"frame":1,"name":"x","time":null,"status":"fine"}'],
    ['a record without its flow', '{"frame":1,"name":"x","time":null,"status":"ok"}'],
    ['zeros', '\0'.repeat(2000)],
    ['a record with another number', (line: string) => line.replace(/"length95":\d/, '"length95":7')],
  ])('sets a log aside that is damaged in the middle (%s), and computes the rest again', async (_n, line) => {
    const input = await frames(4)
    await run('video', input, '-o', out)
    const before = (await readFile(logFile(), 'utf8')).split('\n')
    before[2] = typeof line === 'string' ? line : line(before[2] as string)
    await writeFile(logFile(), before.join('\n'))
    faceFlow.calls.length = 0
    const { code, terminal } = await run('video', input, '-o', out)
    expect(code).toBe(EXIT.ok)
    expect(terminal.err).toMatch(/frames\.jsonl: line 3 is damaged; the log is kept as .*damaged-1/)
    expect(await readFile(`${logFile()}.damaged-1`, 'utf8')).toBe(before.join('\n'))
    expect(methods()).toEqual(['resume', 'next', 'next', 'next'])
    expect(await statuses()).toEqual(['reference', 'ok', 'ok', 'ok'])
  })

  it('is written by one run at a time', async () => {
    const input = await frames(3)
    let second: Awaited<ReturnType<typeof run>> | undefined
    faceFlow.onCall = async () => {
      second ??= await run('video', input, '-o', out)
    }
    expect((await run('video', input, '-o', out)).code).toBe(EXIT.ok)
    expect(second?.code).toBe(EXIT.output)
    expect(second?.terminal.err).toMatch(/another run \(process \d+ on .*\) is writing there/)
    expect(await statuses()).toEqual(['reference', 'ok', 'ok'])
    expect((await run('video', input, '-o', out)).code).toBe(EXIT.ok)
  })
})

describe('video files', () => {
  it('without ffmpeg: exit 7 and how to get it', async () => {
    const { code, terminal } = await run('video', PHOTO_A, '-o', out)
    expect(code).toBe(EXIT.externalTool)
    expect(terminal.err).toMatch(
      /ffprobe is needed for video files and was not found; install ffmpeg .* or give a folder/,
    )
  })

  /** Stand-ins with the programs' interfaces: grey PPM frames of uneven times, and a file for the joined video. */
  async function standIns({ probe = '', complaint = '' } = {}): Promise<string> {
    const tools = join(folder, 'tools')
    await mkdir(tools)
    const node = JSON.stringify(process.execPath)
    const script = async (name: string, body: string) => {
      const program = JSON.stringify(join(tools, `${name}.cjs`))
      await writeFile(join(tools, name), `#!/bin/sh\nexec ${node} ${program} "$@"\n`)
      await writeFile(join(tools, `${name}.cjs`), body)
      await chmod(join(tools, name), 0o755)
    }
    const report = {
      streams: [{ codec_type: 'video', nb_frames: '5', avg_frame_rate: '30/1', duration: '0.5' }],
      format: { start_time: '1.5' },
    }
    await script('ffprobe', `console.log(${JSON.stringify(probe || JSON.stringify(report))})`)
    await script(
      'ffmpeg',
      `const args = process.argv.slice(2), fs = require('fs')
       const log = (text) => process.stderr.write(text + '\\n')
       if (args[0] === '-version') console.log('ffmpeg version 4.4.1')
       else if (args.includes('image2pipe')) {
         log('[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/1000, frame_rate: 30/1')
         ;[1500, 1540, 2000].forEach((pts, i) => {
           log('[Parsed_showinfo_0 @ 0x1] [info] n:   ' + i + ' pts:   ' + pts + ' pts_time:1 pos: 1')
           process.stdout.write(Buffer.concat([Buffer.from('P6\\n64 48\\n255\\n'), Buffer.alloc(64 * 48 * 3, 100 + i)]))
         })
         if (${JSON.stringify(complaint)}) log(${JSON.stringify(complaint)})
       } else {
         let bytes = 0
         process.stdin.on('data', (part) => { bytes += part.length })
         process.stdin.on('end', () => fs.writeFileSync(args.at(-1).slice('file:'.length), bytes + ' ' + args.join(' ')))
       }`,
    )
    process.env.PATH = `${tools}:${PATH}`
    const input = join(folder, 'in.mp4')
    await writeFile(input, 'x')
    return input
  }

  it('reads the frames that ffmpeg pipes with their times, and joins the overlay', async () => {
    const input = await standIns()
    const { code, terminal } = await run('video', input, '-o', out, '--no-flow')
    expect(terminal.err).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(terminal.out).toContain(`3 frames in ${out}; look at ${join(out, 'overlay.mp4')}`)
    expect(faceFlow.calls.map(({ inputs }) => (inputs[0] as { data: Uint8Array }).data[0])).toEqual([
      100, 101, 102,
    ])
    expect((await log()).slice(1).map((r) => r.time)).toEqual([0, 0.04, 0.5])
    const joined = await readFile(join(out, 'overlay.mp4'), 'utf8')
    expect(joined).toContain('-f matroska -i pipe:0 ')
    expect(joined).toContain('-vsync passthrough')
    expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('marks the results of a damaged one, keeps them, and exits with 9', async () => {
    const input = await standIns({ complaint: '[mov,mp4 @ 0x1] [error] stream 0, offset 0x2a: partial file' })
    const { code, terminal } = await run('video', input, '-o', out, '--no-flow')
    expect(code).toBe(EXIT.partial)
    expect(terminal.err).toMatch(
      /in\.mp4: damaged or incomplete, 3 of 5 frames could be read \(ffmpeg: .*partial file\); what could be read is in/,
    )
    expect(await statuses()).toEqual(['reference', 'ok', 'ok'])
    expect(JSON.parse(await readFile(join(out, 'video.json'), 'utf8'))).toMatchObject({
      complete: false,
      frames: 3,
      damage: { announced: 5, decoded: 3 },
    })
  })

  it.each([
    ['the system, out of memory', "process.kill(process.pid, 'SIGKILL')", ''],
    ['a signal that it catches', 'process.exit(255)', '[info] Exiting normally, received signal 15.'],
  ])('is not taken for damaged where ffmpeg is ended by %s', async (_who, end, complaint) => {
    const input = await standIns({ complaint })
    const program = join(folder, 'tools', 'ffmpeg.cjs')
    const whole = await readFile(program, 'utf8')
    await writeFile(program, whole.replace('} else {', `setTimeout(() => ${end}, 50)\n} else {`))
    const cut = await run('video', input, '-o', out, '--no-flow')
    expect(cut.terminal.err).toMatch(/ffmpeg was ended from outside \(SIG\w+\)/)
    expect(cut.code).toBe(EXIT.externalTool)
    expect(await readdir(out)).not.toContain('video.json')
    await writeFile(program, whole.replace(complaint, ''))
    expect((await run('video', input, '-o', out, '--no-flow')).code).toBe(EXIT.ok)
    expect(await statuses()).toEqual(['reference', 'ok', 'ok'])
  })

  it('starts anew when the file was replaced under its name', async () => {
    const input = await standIns()
    await run('video', input, '-o', out, '--no-flow')
    faceFlow.calls.length = 0
    await writeFile(input, 'y')
    const { terminal } = await run('video', input, '-o', out, '--no-flow')
    expect(terminal.err).toMatch(/starts anew, because the video has other content/)
    expect(methods()).toEqual(['start', 'next', 'next'])
  })

  it('keeps and sums up the results when ffmpeg cannot join the overlay: exit 7', async () => {
    const input = await standIns()
    const program = join(folder, 'tools', 'ffmpeg.cjs')
    const body = (await readFile(program, 'utf8')).replace('let bytes = 0', 'process.exit(1)')
    await writeFile(program, body)
    const { code, terminal } = await run('video', input, '-o', out, '--no-flow')
    expect(code).toBe(EXIT.externalTool)
    expect(terminal.err).toMatch(/ffmpeg could not make .*overlay\.mp4 \(exit status 1\)/)
    const summary = JSON.parse(await readFile(join(out, 'video.json'), 'utf8'))
    expect(summary).toMatchObject({ frames: 3, complete: true, overlay: { file: null } })
    expect(await readdir(join(out, 'overlay'))).toContain('000002.jpg')
  })

  it.each(['null', 'hello', '[1'])('reports an ffprobe that prints %s', async (probe) => {
    const { code, terminal } = await run('video', await standIns({ probe }), '-o', out)
    expect(code).toBe(EXIT.externalTool)
    expect(terminal.err).toMatch(/ffprobe printed no JSON about .*in\.mp4/)
  })
})
