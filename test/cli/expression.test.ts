import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Mesh, NodeIO } from '@gltf-transform/core'
import { parse } from 'csv-parse/sync'
import validator from 'gltf-validator'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { FaceError } from '../../src/errors.js'
import { COEFFICIENT_NAMES } from '../../src/expression/names.js'
import type { FlowResult } from '../../src/face/types.js'
import { UnlitMaterials } from '../../src/io/unlit-materials.js'
import { capture } from '../../src/platform/node/ffmpeg.js'
import { hasFfmpeg } from '../../src/platform/node/ffmpeg-version.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'

let result: FlowResult
let folder: string
let out: string
let faceFlow: FakeFaceFlow
beforeAll(async () => {
  result = await syntheticResult(mouthOpening)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-expression-'))
  out = join(folder, 'out.csv')
  faceFlow = new FakeFaceFlow(result)
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(['expression', ...args], terminal.context, false), terminal }
}
async function framesOf(count: number): Promise<string> {
  const frames = join(folder, 'frames')
  await mkdir(frames)
  for (let i = 1; i <= count; i++) await cp(PHOTO_A, join(frames, `frame${i}.jpg`))
  return frames
}
const withFfmpeg = await hasFfmpeg()
const nameOf = (photo: unknown) => basename(String(photo))
const table = async () => parse(await readFile(out, 'utf8'), { columns: true }) as Record<string, string>[]
const noFace = (photo: string) => new FaceError('NO_FACE', `${photo}: no face found`, { photo })

describe('expression', () => {
  it('writes a row a photo, in the order given', async () => {
    const { code, terminal } = await run(PHOTO_A, PHOTO_B, '-o', out)
    expect(terminal.err).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(terminal.out).toContain('2 rows')
    expect(await table()).toMatchObject([
      { file: PHOTO_A, status: 'ok', jawOpen: '0.1', tongueOut: '' },
      { file: PHOTO_B, status: 'ok', jawOpen: '0.2' },
    ])
  })

  it('writes a row a frame of a folder, with times, and JSON lines where asked', async () => {
    const frames = join(folder, 'frames')
    await mkdir(frames)
    for (let i = 1; i <= 3; i++) await cp(i % 2 === 1 ? PHOTO_A : PHOTO_B, join(frames, `frame${i}.jpg`))
    expect((await run(frames, '-o', out, '--fps', '10')).code).toBe(EXIT.ok)
    expect((await table()).map(({ frame, time }) => [frame, time])).toEqual([
      ['0', '0'],
      ['1', '0.1'],
      ['2', '0.2'],
    ])
    const lines = join(folder, 'out.jsonl')
    expect((await run(frames, '-o', lines)).code).toBe(EXIT.ok)
    expect((await readFile(lines, 'utf8')).trimEnd().split('\n')).toHaveLength(3)
  })

  it.each([
    [1, '1 without values'],
    [2, '2 without values'],
  ])('counts the rows whose mouth is covered, also where that is all of them: %i', async (covered, said) => {
    const free = faceFlow.expression.bind(faceFlow)
    faceFlow.expression = async (photo, options) => {
      const read = await free(photo, options)
      if (covered === 1 && photo === PHOTO_A) return read
      const hidden = COEFFICIENT_NAMES.filter((name) => /^(mouth|jaw|cheekPuff)/.test(name))
      const none = Object.fromEntries(hidden.map((name) => [name, { value: null, confidence: 0 }]))
      const coefficients = { ...read.coefficients, ...none }
      return { ...read, coefficients, unseen: [...hidden, 'tongueOut'] }
    }
    const { terminal } = await run(PHOTO_A, PHOTO_B, '-o', out)
    expect(terminal.out).toContain(`, ${said} of eyes or mouth, which are covered; `)
    expect(terminal.out.includes('jawOpen')).toBe(covered === 2)
    expect((await table())[1]).toMatchObject({ jawOpen: '', eyeBlinkLeft: '0' })
  })

  it('says once what is the same of all photos, as that the one at rest is covered', async () => {
    const free = faceFlow.expression.bind(faceFlow)
    faceFlow.expression = async (photo, options) => {
      const read = await free(photo, options)
      return { ...read, warnings: [`${nameOf(photo)} is dark.`, 'rest.jpg is covered.'] }
    }
    const { terminal } = await run(PHOTO_A, PHOTO_B, '-o', out)
    expect(terminal.err.split('\n')).toEqual([
      `note: ${nameOf(PHOTO_A)} is dark.`,
      'note: rest.jpg is covered.',
      `note: ${nameOf(PHOTO_B)} is dark.`,
      '',
    ])
  })

  it('says which pictures of a folder are of kinds that are not read', async () => {
    const frames = await framesOf(2)
    await writeFile(join(frames, 'frame3.jp2'), 'x')
    const { code, terminal } = await run(frames, '-o', out)
    expect(code).toBe(EXIT.ok)
    expect(terminal.err).toMatch(/^note: \S+frames: 1 picture \(1 \.jp2\) is left out/)
  })

  it('writes a mesh with the named morph targets of all coefficients, and their animation', async () => {
    const file = join(folder, 'out.glb')
    expect((await run(PHOTO_A, PHOTO_B, '-o', out, '-o', file)).code).toBe(EXIT.ok)
    const document = await new NodeIO()
      .registerExtensions([UnlitMaterials])
      .readBinary(new Uint8Array(await readFile(file)))
    const [mesh] = document.getRoot().listMeshes()
    const names = (mesh as Mesh).getExtras().targetNames as string[]
    expect(names).toHaveLength(51)
    expect(names).toContain('mouthSmileLeft')
    const [sampler] = document.getRoot().listAnimations()[0]?.listSamplers() ?? []
    expect([...(sampler?.getInput()?.getArray() ?? [])]).toEqual([0, 1])
    const weights = [...(sampler?.getOutput()?.getArray() ?? [])]
    const jaw = names.indexOf('jawOpen')
    expect([weights[jaw], weights[51 + jaw]].map((value) => value?.toFixed(1))).toEqual(['0.1', '0.2'])
    // The head goes as it is held.
    const channels = document.getRoot().listAnimations()[0]?.listChannels() ?? []
    expect(channels.map((channel) => channel.getTargetPath())).toEqual(['weights', 'rotation', 'translation'])
    const turns = [...(channels[1]?.getSampler()?.getOutput()?.getArray() ?? [])]
    expect(turns).toHaveLength(8)
    expect(Math.hypot(...turns.slice(4))).toBeCloseTo(1, 5)
    const { issues, info } = await validator.validateBytes(new Uint8Array(await readFile(file)))
    expect(issues.messages).toEqual([])
    expect(info).toMatchObject({ hasMorphTargets: true, animationCount: 1 })
  })

  it('gives the neutral photo to each reading', async () => {
    await run(PHOTO_A, '-o', out, '--neutral', PHOTO_B)
    expect(faceFlow.calls.map(({ inputs }) => inputs)).toEqual([[PHOTO_A, PHOTO_B]])
  })

  it('takes the photo or frame that is most at rest where it is told to, and says which', async () => {
    const { terminal } = await run(PHOTO_B, PHOTO_A, '-o', out, '--neutral', 'auto')
    // The fake's jaw opens with every picture.
    expect(faceFlow.calls.map(({ inputs }) => inputs)).toEqual([
      [PHOTO_B],
      [PHOTO_A],
      [PHOTO_B, PHOTO_B],
      [PHOTO_A, PHOTO_B],
    ])
    expect(terminal.err).toContain(`told against ${PHOTO_B}`)
    const frames = join(folder, 'frames')
    await mkdir(frames)
    for (let i = 1; i <= 2; i++) await cp(PHOTO_A, join(frames, `frame${i}.jpg`))
    faceFlow.calls.length = 0
    const video = await run(frames, '-o', out, '--neutral', 'auto')
    expect(video.code).toBe(EXIT.ok)
    expect(video.terminal.err).toContain('frame1.jpg')
    expect(faceFlow.calls).toHaveLength(4)
    // The face that was found, not its picture once more.
    expect(faceFlow.calls[2]?.inputs[1]).toBe(result.a.image)
  })

  it('writes what it has read of a video when it is interrupted', async () => {
    const frames = join(folder, 'frames')
    await mkdir(frames)
    for (let i = 1; i <= 4; i++) await cp(PHOTO_A, join(frames, `frame${i}.jpg`))
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame2.jpg')) terminal.interrupt()
    }
    expect(await runCli(['expression', frames, '-o', out], terminal.context, false)).toBe(EXIT.interrupted)
    expect(terminal.out).toContain('2 rows')
    expect(await table()).toHaveLength(2)
    expect(terminal.err).toContain('stopped after 2 frames; the same command goes on')
  })

  it('is no internal error where it is interrupted while it looks for the face at rest', async () => {
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => terminal.interrupt()
    const args = ['expression', await framesOf(3), '-o', out, '--neutral', 'auto']
    expect(await runCli(args, terminal.context, false)).toBe(EXIT.interrupted)
    expect(terminal.err).toBe('')
    expect(await readdir(folder)).toEqual(['frames'])
  })

  it('goes on with a video where it was interrupted, reads nothing twice, and leaves nothing beside the table', async () => {
    const frames = await framesOf(4)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame2.jpg')) terminal.interrupt()
    }
    await runCli(['expression', frames, '-o', out], terminal.context, false)
    faceFlow.onCall = () => undefined
    faceFlow.calls.length = 0
    expect((await run(frames, '-o', out)).code).toBe(EXIT.ok)
    expect(faceFlow.calls.map(({ method, inputs }) => [method, ...inputs.map(nameOf)])).toEqual([
      ['resume', 'frame1.jpg', 'frame2.jpg'],
      ['expression', 'frame3.jpg'],
      ['expression', 'frame4.jpg'],
    ])
    expect(faceFlow.memories).toHaveLength(2)
    expect((await table()).map(({ frame, jawOpen }) => [frame, jawOpen])).toEqual([
      ['0', '0.1'],
      ['1', '0.2'],
      ['2', '0.1'],
      ['3', '0.2'],
    ])
    expect((await readdir(folder)).sort()).toEqual(['frames', 'out.csv'])
  })

  it.each([
    ['other options', ['--no-smoothing'], async () => undefined, 'smoothing is false, was true'],
    [
      'another picture',
      [],
      async (frames: string) => cp(PHOTO_B, join(frames, 'frame1.jpg')),
      'frame1.jpg has changed',
    ],
  ] as const)('starts anew with %s, and says why', async (_, more, change, why) => {
    const frames = await framesOf(3)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => terminal.interrupt()
    await runCli(['expression', frames, '-o', out], terminal.context, false)
    faceFlow.onCall = () => undefined
    faceFlow.calls.length = 0
    await change(frames)
    const again = await run(frames, '-o', out, ...more)
    expect(again.terminal.err).toContain(why)
    expect(faceFlow.calls).toHaveLength(3)
    expect(await table()).toHaveLength(3)
  })

  it('goes on after a line that was torn by the end of a process', async () => {
    const frames = await framesOf(3)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame2.jpg')) terminal.interrupt()
    }
    await runCli(['expression', frames, '-o', out], terminal.context, false)
    const log = `${out}.unfinished.jsonl`
    const text = await readFile(log, 'utf8')
    await writeFile(log, text.slice(0, -20))
    faceFlow.onCall = () => undefined
    faceFlow.calls.length = 0
    expect((await run(frames, '-o', out)).code).toBe(EXIT.ok)
    expect(faceFlow.calls.map(({ inputs }) => inputs.map(nameOf))).toEqual([
      ['frame1.jpg', 'frame1.jpg'],
      ['frame2.jpg'],
      ['frame3.jpg'],
    ])
  })

  it.each<[string, (line: string) => string | Buffer]>([
    ['cut in its middle', (line) => line.slice(0, 40) + line.slice(80)],
    ['of bytes of anything', () => Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x7b])],
    ['of zeros', (line) => Buffer.alloc(line.length)],
    ['of another version', (line) => line.replace(/,"seal":"[0-9a-f]+"/, '')],
    ['that is JSON and no record', () => '{"memory":{}}'],
    ['that is another record', (line) => line.replace('"time":0.04', '"time":0.05')],
    ['whose face is cut short', (line) => line.replace('"tracker":{', '"tracker":{"face":{"mesh":"AAAA"},')],
  ])('goes on before a line %s, keeps the log, and says so', async (_, damage) => {
    const frames = await framesOf(4)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame3.jpg')) terminal.interrupt()
    }
    await runCli(['expression', frames, '-o', out], terminal.context, false)
    const log = `${out}.unfinished.jsonl`
    const lines = (await readFile(log, 'utf8')).split('\n')
    const damaged = Buffer.concat(
      lines
        .flatMap((line, i) => [Buffer.from(i === 2 ? damage(line) : line), Buffer.from('\n')])
        .slice(0, -1),
    )
    await writeFile(log, damaged)
    faceFlow.onCall = () => undefined
    faceFlow.calls.length = 0
    const again = await run(frames, '-o', out)
    expect(again.code).toBe(EXIT.ok)
    expect(again.terminal.err).toMatch(
      /unfinished\.jsonl: line 3 is damaged; the log is kept as .*damaged-1, frames from 1 on/,
    )
    expect(faceFlow.calls.map(({ inputs }) => inputs.map(nameOf))).toEqual([
      ['frame1.jpg', 'frame1.jpg'],
      ['frame2.jpg'],
      ['frame3.jpg'],
      ['frame4.jpg'],
    ])
    expect(await table()).toHaveLength(4)
    expect(await readFile(`${log}.damaged-1`)).toEqual(damaged)
  })

  it.each([
    ['damaged', (line: string) => line.replace('"adapter"', '"adaptor"')],
    ['of zeros', (line: string) => '\0'.repeat(line.length)],
  ])('refuses a log whose first line is %s, and leaves it', async (_, damage) => {
    const frames = await framesOf(3)
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => terminal.interrupt()
    await runCli(['expression', frames, '-o', out], terminal.context, false)
    const log = `${out}.unfinished.jsonl`
    const [head = '', ...rest] = (await readFile(log, 'utf8')).split('\n')
    const content = [damage(head), ...rest].join('\n')
    await writeFile(log, content)
    const { code, terminal: again } = await run(frames, '-o', out)
    expect(code).toBe(EXIT.output)
    expect(again.err).toMatch(
      /unfinished\.jsonl, line 1: this command did not write it, or it is damaged .* move it away/,
    )
    expect(await readFile(log, 'utf8')).toBe(content)
  })

  it('leaves a file of others alone that has the name of its log', async () => {
    const frames = await framesOf(2)
    await writeFile(`${out}.unfinished.jsonl`, 'mine\n')
    const { code, terminal } = await run(frames, '-o', out)
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toContain('this command did not write it')
    expect(await readFile(`${out}.unfinished.jsonl`, 'utf8')).toBe('mine\n')
    expect((await readdir(folder)).sort()).toEqual(['frames', 'out.csv.unfinished.jsonl'])
  })

  it('keeps no log where no frame shows a face, nor beside a mesh', async () => {
    const frames = await framesOf(2)
    faceFlow.onCall = () => {
      throw noFace('frame')
    }
    expect((await run(frames, '-o', out)).code).toBe(EXIT.noFace)
    expect(await readdir(folder)).toEqual(['frames'])
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => terminal.interrupt()
    await runCli(['expression', frames, '-o', join(folder, 'out.glb')], terminal.context, false)
    expect((await readdir(folder)).sort()).toEqual(['frames', 'out.glb'])
  })

  it.runIf(withFfmpeg)('names the video in whose frames nobody is', async () => {
    const clip = join(folder, 'clip.mp4')
    const source = ['-f', 'lavfi', '-i', 'color=gray:size=64x64:rate=25', '-frames:v', '2']
    await capture('ffmpeg', ['-v', 'level+error', '-y', ...source, clip])
    faceFlow.onCall = () => {
      throw noFace('the frame')
    }
    const { code, terminal } = await run(clip, '-o', out)
    expect(code).toBe(EXIT.noFace)
    expect(terminal.err).toContain(`deepfaceflow: ${clip}, frame 0: no face found`)
  })

  it('keeps a row for a photo without a face, and says so by its exit code', async () => {
    faceFlow.onCall = ([photo]) => {
      if (photo === PHOTO_A) throw noFace(PHOTO_A)
    }
    const { code, terminal } = await run(PHOTO_A, PHOTO_B, '-o', out)
    expect(code).toBe(EXIT.partial)
    expect(terminal.err).toContain('no face found')
    expect(await table()).toMatchObject([{ status: 'lost', jawOpen: '' }, { status: 'ok' }])
  })

  it('writes nothing where no photo shows a face', async () => {
    faceFlow.onCall = () => {
      throw noFace(PHOTO_A)
    }
    expect((await run(PHOTO_A, '-o', out)).code).toBe(EXIT.noFace)
    await expect(stat(out)).rejects.toThrow()
  })

  it('takes one picture for a photo by what it holds, whatever its name', async () => {
    const unnamed = join(folder, 'unnamed')
    await cp(PHOTO_A, unnamed)
    expect((await run(unnamed, '-o', out)).code).toBe(EXIT.ok)
    expect(await table()).toMatchObject([{ file: unnamed, time: '' }])
  })

  it('reads frames by a pattern and from a folder, whatever their names end in', async () => {
    const frames = await framesOf(3)
    expect((await run(join(frames, '*.jpg'), '-o', out)).code).toBe(EXIT.ok)
    expect(await table()).toHaveLength(3)
    const named = join(folder, 'clip.jpg')
    await cp(frames, named, { recursive: true })
    expect((await run(named, '-o', out)).code).toBe(EXIT.ok)
    expect(await table()).toHaveLength(3)
  })

  it.each([
    ['f.csv/', /f\.csv\/: is a folder; give the name of a file/],
    [`${'x'.repeat(226)}.glb`, /x\.glb: the name is too long for this file system/],
  ])('refuses %s before anything is read', async (name, message) => {
    const { code, terminal } = await run(await framesOf(2), '-o', `${folder}/${name}`)
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(message)
    expect(faceFlow.calls).toEqual([])
  })

  it('says once that the photo of the person at rest is not there', async () => {
    const rest = join(folder, 'none.jpg')
    const missing = new FaceError('INVALID_INPUT', `${rest}: does not exist; check the path`, { file: rest })
    faceFlow.onCall = () => {
      throw missing
    }
    const { code, terminal } = await run(PHOTO_A, PHOTO_B, '-o', out, '--neutral', rest)
    expect(code).toBe(EXIT.input)
    expect(terminal.err.match(/does not exist/g)).toHaveLength(1)
    expect(faceFlow.calls).toHaveLength(1)
  })

  it.each([
    ['a folder among photos', () => [folder, PHOTO_A, '-o', out], EXIT.usage, 'is a folder, among photos'],
    ['an output without a name', () => [PHOTO_A, '-o', ''], EXIT.usage, 'is an empty name'],
    [
      'a person at rest without a name',
      () => [PHOTO_A, '-o', out, '--neutral', ''],
      EXIT.input,
      '--neutral: is',
    ],
    [
      'an output in no folder',
      () => [PHOTO_A, '-o', join(folder, 'no', 'a.csv')],
      EXIT.output,
      'does not exist',
    ],
  ])('refuses %s before anything is opened', async (_, args, code, says) => {
    const found = await run(...args())
    expect(found.terminal.err).toContain(says)
    expect(found.code).toBe(code)
    expect(faceFlow.calls).toEqual([])
  })

  it.each([
    [['-o', 'out.xml'], 'end the name in .csv'],
    [['-o', PHOTO_A], 'end the name in .csv'],
    [['-o', 'out.csv', '--field-of-view', '0'], '5 to 170'],
  ])('refuses %j before anything is opened', async (args, says) => {
    const { code, terminal } = await run(PHOTO_A, ...args)
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toContain(says)
    expect(faceFlow.calls).toEqual([])
  })
})
