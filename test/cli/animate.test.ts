import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { FaceError } from '../../src/errors.js'
import type { FlowResult } from '../../src/face/types.js'
import { capture } from '../../src/platform/node/ffmpeg.js'
import { hasFfmpeg } from '../../src/platform/node/ffmpeg-version.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'

let result: FlowResult
let folder: string
let out: string
let driver: string
let faceFlow: FakeFaceFlow
beforeAll(async () => {
  result = await syntheticResult(mouthOpening)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-animate-'))
  out = join(folder, 'out')
  driver = join(folder, 'frames')
  await mkdir(driver)
  for (let i = 1; i <= 6; i++) await cp(i % 2 === 1 ? PHOTO_A : PHOTO_B, join(driver, `frame${i}.jpg`))
  faceFlow = new FakeFaceFlow(result)
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(['animate', ...args], terminal.context, false), terminal }
}

const methods = () => faceFlow.calls.map(({ method }) => method)
const pictures = async (place = out) => (await readdir(place)).filter((name) => name.endsWith('.png')).sort()
const bytesOf = async (place: string) =>
  Promise.all((await pictures(place)).map((name) => readFile(join(place, name), 'base64')))
const manifestOf = async (file: string) => JSON.parse(await readFile(file, 'utf8'))

describe('animate', () => {
  it("makes a picture for each of the driver's frames, in the photo's size, that says that it is synthetic", async () => {
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out)
    expect(terminal.err).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(await pictures()).toEqual(Array.from({ length: 6 }, (_, i) => `00000${i}.png`))
    const { width, height } = await sharp(PHOTO_A).metadata()
    const picture = await sharp(join(out, '000003.png')).metadata()
    expect(picture).toMatchObject({ width, height })
    expect(picture.xmpAsString).toContain('digitalsourcetype/compositeSynthetic')
    const manifest = await manifestOf(join(out, 'animation.json'))
    expect(manifest).toMatchObject({
      synthetic: true,
      frames: 6,
      held: 0,
      complete: true,
      tool: { name: 'deepfaceflow' },
    })
    expect(manifest.inputs.map(({ role }: { role: string }) => role)).toEqual([
      'photo',
      ...Array(6).fill('driver frame'),
    ])
    for (const { sha256 } of manifest.inputs) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(['0', '4'])(
    'goes on where it was interrupted, with the same bits: reference %s',
    async (reference) => {
      const whole = join(folder, 'whole')
      expect((await run(PHOTO_A, driver, '-o', whole, '--reference', reference)).code).toBe(EXIT.ok)
      const terminal = new FakeTerminal(faceFlow)
      faceFlow.onCall = ([photo]) => {
        if (String(photo).endsWith('frame3.jpg')) terminal.interrupt()
      }
      const args = ['animate', PHOTO_A, driver, '-o', out, '--reference', reference]
      expect(await runCli(args, terminal.context, false)).toBe(EXIT.interrupted)
      expect(terminal.err).toContain('the same command goes on from here')
      faceFlow.calls.length = 0
      faceFlow.onCall = () => undefined
      expect((await run(...args.slice(1))).code).toBe(EXIT.ok)
      expect(methods().filter((method) => method === 'observe')).toHaveLength(3)
      expect(methods()).toContain('resume')
      expect(await bytesOf(out)).toEqual(await bytesOf(whole))
      // Once more there is nothing left to do.
      faceFlow.calls.length = 0
      expect((await run(...args.slice(1))).code).toBe(EXIT.ok)
      expect(methods()).not.toContain('draw')
    },
  )

  describe('draws again what was drawn', () => {
    const log = 'animation.jsonl'
    const drawAll = async (photo = PHOTO_A, place = out, ...more: string[]) =>
      expect((await run(photo, driver, '-o', place, '--reference', '0', ...more)).code).toBe(EXIT.ok)

    it('from a line that the log lost, also for another photo', async () => {
      await drawAll()
      const lines = (await readFile(join(out, log), 'utf8')).split('\n')
      await writeFile(join(out, log), [...lines.slice(0, 4), 'garbage', ...lines.slice(5)].join('\n'))
      await drawAll(PHOTO_B, out, '--force')
      await drawAll(PHOTO_B, join(folder, 'whole'))
      expect(await bytesOf(out)).toEqual(await bytesOf(join(folder, 'whole')))
    })

    it('before the driver grew by a frame, and takes the manifest of before away', async () => {
      await drawAll()
      await cp(PHOTO_B, join(driver, 'frame7.jpg'))
      const terminal = new FakeTerminal(faceFlow)
      faceFlow.onCall = ([photo]) => {
        if (String(photo).endsWith('frame7.jpg')) terminal.interrupt()
      }
      const args = ['animate', PHOTO_A, driver, '-o', out, '--reference', '0']
      expect(await runCli(args, terminal.context, false)).toBe(EXIT.interrupted)
      expect((await readdir(out)).sort()).toEqual([log])
      faceFlow.onCall = () => undefined
      await drawAll()
      await drawAll(PHOTO_A, join(folder, 'whole'))
      expect(await bytesOf(out)).toEqual(await bytesOf(join(folder, 'whole')))
    })
  })

  it('holds the motion where the face is not seen or a picture is damaged, says so once, and goes on', async () => {
    await writeFile(join(driver, 'frame5.jpg'), 'not a picture')
    faceFlow.onCall = ([photo]) => {
      if (String(photo).endsWith('frame4.jpg')) throw new FaceError('NO_FACE', 'no face here')
    }
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out, '--reference', '0')
    expect(code).toBe(EXIT.partial)
    expect(terminal.err).toMatch(/frame 3: no face here; the motion before is held/)
    expect(terminal.err).toMatch(/2 of 6 frames do not show the driver's face/)
    expect(await pictures()).toHaveLength(6)
    expect(await manifestOf(join(out, 'animation.json'))).toMatchObject({ held: 2, frames: 6 })
  })

  it('says first, and in the manifest, which pictures among the frames are of kinds that are not read', async () => {
    await writeFile(join(driver, 'frame7.bmp'), 'x')
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out)
    expect(code).toBe(EXIT.ok)
    expect(terminal.err).toMatch(/^note: \S+frames: 1 picture \(1 \.bmp\) is left out of the frames.*\n$/)
    expect((await manifestOf(join(out, 'animation.json'))).warnings).toEqual([
      expect.stringContaining('1 picture (1 .bmp) is left out'),
    ])
  })

  it('draws the word into the picture where it is asked for', async () => {
    await run(PHOTO_A, driver, '-o', out)
    const marked = join(folder, 'marked')
    await run(PHOTO_A, driver, '-o', marked, '--mark')
    expect(await readFile(join(marked, '000001.png'))).not.toEqual(await readFile(join(out, '000001.png')))
  })

  it('says which of several faces in the driver is followed, and refuses a number that no frame has', async () => {
    const [largest] = await faceFlow.detect(PHOTO_A)
    if (largest === undefined) throw new TypeError('a face is needed')
    const other = { ...largest, box: { x: 2, y: 4, width: 20, height: 30 } }
    faceFlow.detect = async () => [largest, other]
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out, '--driver-face', '2')
    expect(code).toBe(EXIT.ok)
    const note = /frame 0: 2 faces found, the second largest taken \(20x30 px, its middle at \(12, 19\)\)/
    expect(terminal.err).toMatch(note)
    const { warnings } = await manifestOf(join(out, 'animation.json'))
    expect(warnings).toEqual([expect.stringMatching(note)])
    const missing = await run(PHOTO_A, driver, '-o', join(folder, 'third'), '--driver-face', '3')
    expect(missing.code).toBe(EXIT.usage)
    expect(missing.terminal.err).toMatch(
      /no frame looked at shows 3 faces, the most are 2; give --driver-face a/,
    )
  })

  it('refuses a source that is not there before anything is computed', async () => {
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out, '--source', join(folder, 'none.jpg'))
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/none\.jpg: does not exist; check the path/)
    expect(methods()).toEqual([])
  })

  it('hands the options on', async () => {
    const [face] = await faceFlow.detect(PHOTO_A)
    if (face === undefined) throw new TypeError('a face is needed')
    faceFlow.detect = async () => [face, face]
    let given: unknown
    const animate = faceFlow.animate.bind(faceFlow)
    faceFlow.animate = async (photo, options) => {
      given = options
      return await animate(photo, options)
    }
    const more = [
      '--parts',
      'mouth,pose',
      '--strength',
      'mouth=1.5',
      '--motion',
      'absolute',
      '--source',
      PHOTO_B,
    ]
    await run(PHOTO_A, driver, '-o', out, '--at', '80,90', '--driver-face', '2', ...more)
    expect(given).toMatchObject({
      strengths: { mouth: 1.5, eyes: 0, brows: 0, pose: 1 },
      motion: 'absolute',
      sources: [PHOTO_B],
      face: { at: [80, 90] },
      driverFace: { index: 1 },
    })
  })

  it.each([
    [['--reference', '9'], EXIT.usage, /frames: has 6 frames, no frame 9/],
    [['--reference', 'first'], EXIT.usage, /number of a frame, from 0, or auto/],
    [['--parts', 'ears'], EXIT.usage, /no part "ears"; choose from mouth, eyes, brows, pose/],
    [['--strength', '3'], EXIT.usage, /a number from 0 to 2/],
    [['--strength', 'mouth=1=2'], EXIT.usage, /entries like mouth=1.2/],
  ] as const)('refuses %j', async (args, exit, message) => {
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out, ...args)
    expect(code).toBe(exit)
    expect(terminal.err).toMatch(message)
  })

  it.each([
    [['--strength', 'mouth=1,mouth=2'], '"mouth" is given twice'],
    [['--strength', 'eyes=0.5', '--parts', 'mouth,pose'], 'which --parts mouth,pose leaves out'],
  ])('refuses %j, of which only a part would count', async (flags, says) => {
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out, ...flags)
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toContain(says)
  })

  it('refuses outputs that it cannot write, and does not touch files of others', async () => {
    const wrong = await run(PHOTO_A, driver, '-o', join(folder, 'a.mov'))
    expect(wrong.code).toBe(EXIT.usage)
    expect(wrong.terminal.err).toMatch(/\.mov cannot be written; end the name in \.mp4 or \.webm/)
    await mkdir(out)
    await writeFile(join(out, '000000.png'), 'mine')
    const taken = await run(PHOTO_A, driver, '-o', out)
    expect(taken.code).toBe(EXIT.output)
    expect(await readFile(join(out, '000000.png'), 'utf8')).toBe('mine')
  })

  it("refuses the driver's own folder, whose pictures have the names of frames", async () => {
    for (let i = 1; i <= 6; i++) {
      const picture = await sharp(join(driver, `frame${i}.jpg`))
        .png()
        .toBuffer()
      await writeFile(join(driver, `00000${i}.png`), picture)
      await rm(join(driver, `frame${i}.jpg`))
    }
    const before = await bytesOf(driver)
    const { code, terminal } = await run(PHOTO_A, driver, '-o', driver)
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(/000001\.png: this command did not write it.* choose another place with -o/)
    expect(await bytesOf(driver)).toEqual(before)
  })

  it("refuses the driver's own folder, by whatever name, where its pictures would become frames", async () => {
    await symlink(driver, join(folder, 'link'))
    for (const [frames, place] of [
      [driver, driver],
      [join(driver, '*.jpg'), driver],
      [driver, join(folder, 'link')],
    ] as const) {
      const { code, terminal } = await run(PHOTO_A, frames, '-o', place)
      expect(code).toBe(EXIT.usage)
      expect(terminal.err).toMatch(/: holds the driver's frames, .* give another folder with -o/)
    }
    expect(await readdir(driver)).toHaveLength(6)
    expect(faceFlow.calls).toEqual([])
  })

  it.each(['a.mpeg', 'a.TS', 'a.webp'])('makes no folder called %s', async (name) => {
    const { code, terminal } = await run(PHOTO_A, driver, '-o', join(folder, name))
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toMatch(/cannot be written; end the name in \.mp4 or \.webm, or give a folder/)
    expect(await readdir(folder)).toEqual(['frames'])
  })

  it('refuses the place of another animation, and takes it when forced', async () => {
    await run(PHOTO_A, driver, '-o', out)
    const other = await run(PHOTO_B, driver, '-o', out)
    expect(other.code).toBe(EXIT.input)
    expect(other.terminal.err).toMatch(/holds another animation \(the photo has other content\)/)
    expect((await run(PHOTO_B, driver, '-o', out, '--force')).code).toBe(EXIT.ok)
  })

  it.each([
    ['goes on', []],
    ['is forced', ['--force']],
  ] as const)('keeps no picture of frames that the log no longer has when it %s', async (_, force) => {
    await run(PHOTO_A, driver, '-o', out, '--reference', '0')
    const before = await bytesOf(out)
    const log = join(out, 'animation.jsonl')
    // As before heads had a surround.
    await writeFile(log, (await readFile(log, 'utf8')).replaceAll('"surround"', '"unknown"'))
    for (const name of await pictures()) await writeFile(join(out, name), 'old')
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out, '--reference', '0', ...force)
    expect(code).toBe(EXIT.ok)
    if (force.length === 0)
      expect(terminal.err).toMatch(/animation\.jsonl: line 3 is damaged; the log is kept as/)
    expect(await bytesOf(out)).toEqual(before)
  })

  it('leaves nothing of a photo without a face, and with --force what is there', async () => {
    const refuse = () => Promise.reject(new FaceError('NO_FACE', `${PHOTO_B}: no face found`))
    const animates = faceFlow.animate
    faceFlow.animate = refuse as never
    expect((await run(PHOTO_B, driver, '-o', join(out, 'deep'))).code).toBe(EXIT.noFace)
    expect(await readdir(folder)).toEqual(['frames'])
    await mkdir(out)
    expect((await run(PHOTO_B, driver, '-o', out)).code).toBe(EXIT.noFace)
    expect(await readdir(out)).toEqual([])

    faceFlow.animate = animates
    await run(PHOTO_A, driver, '-o', out)
    const before = await readdir(out)
    faceFlow.animate = refuse as never
    expect((await run(PHOTO_B, driver, '-o', out, '--force')).code).toBe(EXIT.noFace)
    expect(await readdir(out)).toEqual(before)
  })

  it.each([
    ['without a face', ['--reference', 'auto'], EXIT.noFace, 'none of the 6 frames looked at shows a face'],
    ['of fewer frames than its reference', ['--reference', '6'], EXIT.usage, 'has 6 frames, no frame 6'],
  ])('leaves nothing of a driver %s, and names it', async (_, flags, code, says) => {
    faceFlow.detect = () => Promise.reject(new FaceError('NO_FACE', 'no face'))
    const refused = await run(PHOTO_A, driver, '-o', out, ...flags)
    expect(refused.code).toBe(code)
    expect(refused.terminal.err).toContain(`${driver}: ${says}`)
    expect(await readdir(folder)).toEqual(['frames'])
  })

  it.each([
    ['photo', 'none.jpg', [], /none\.jpg: does not exist/],
    ['photo', 'damaged.jpg', [], /damaged\.jpg: /],
    ['source', PHOTO_A, ['--source', 'damaged.jpg'], /damaged\.jpg: /],
  ])('refuses a bad %s before it reads a pipe', async (_, photo, flags, message) => {
    const place = (name: string) => (name.endsWith('.jpg') && name !== PHOTO_A ? join(folder, name) : name)
    await writeFile(join(folder, 'damaged.jpg'), 'no picture')
    const pipe = join(folder, 'pipe')
    await promisify(execFile)('mkfifo', [pipe])
    // Nobody writes into the pipe: reading it would not end.
    const { code, terminal } = await run(place(photo), pipe, '-o', out, ...flags.map(place))
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(message)
  })

  it('one frame is no driver', async () => {
    for (let i = 2; i <= 6; i++) await rm(join(driver, `frame${i}.jpg`))
    const { code, terminal } = await run(PHOTO_A, driver, '-o', out)
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/at least two pictures are needed/)
  })
})

describe.runIf(await hasFfmpeg())('as a video', () => {
  it('does not replace a file of others that has the name of its manifest, nor a folder', async () => {
    const file = join(folder, 'new.mp4')
    await writeFile(`${file}.json`, '{"mine": true}')
    const { code, terminal } = await run(PHOTO_A, driver, '-o', file)
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(/new\.mp4\.json: exists and was not made by this command/)
    expect(await readFile(`${file}.json`, 'utf8')).toBe('{"mine": true}')
    await mkdir(join(folder, 'dir.mp4'))
    const forced = await run(PHOTO_A, driver, '-o', join(folder, 'dir.mp4'), '--force')
    expect(forced.code).toBe(EXIT.output)
    expect(forced.terminal.err).toMatch(/dir\.mp4: is a folder/)
    expect(faceFlow.calls).toEqual([])
  })

  it('refuses a name that is too long for what is made on the way to it, before anything is computed', async () => {
    const { code, terminal } = await run(PHOTO_A, driver, '-o', join(folder, `${'x'.repeat(221)}.mp4`))
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(/the name is too long for this file system .* choose a shorter one/)
    expect(faceFlow.calls).toEqual([])
    expect(await readdir(folder)).toEqual(['frames'])
  })

  it('takes a name that ends in a slash for the name of a folder', async () => {
    expect((await run(PHOTO_A, driver, '-o', `${join(folder, 'new.mp4')}/`)).code).toBe(EXIT.ok)
    expect(await pictures(join(folder, 'new.mp4'))).toHaveLength(6)
  })

  it('does not replace a video that it did not make', async () => {
    const file = join(folder, 'mine.mp4')
    await writeFile(file, 'mine')
    const { code, terminal } = await run(PHOTO_A, driver, '-o', file)
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(/exists and was not made by this command/)
    expect(await readFile(file, 'utf8')).toBe('mine')
  })

  /** A driver with sound, whose frames come at uneven times. */
  async function video(): Promise<string> {
    const file = join(folder, 'driver.mp4')
    const made = await capture('ffmpeg', [
      ...['-v', 'level+error', '-y', '-framerate', '25', '-i', join(driver, 'frame%d.jpg')],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440:duration=0.24', '-shortest'],
      ...[
        '-vf',
        "setpts='(N+if(gt(N,2),2,0))/25/TB',scale=trunc(iw/2)*2:trunc(ih/2)*2",
        '-fps_mode',
        'passthrough',
      ],
      ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', file],
    ])
    expect(made.code, made.stderr).toBe(0)
    return file
  }

  it('goes on after recordings whose clock jumps ahead by hours, says so, and looks at all for the reference', async () => {
    const parts = ['0', '36000'].map(async (offset) => {
      const part = join(folder, `${offset}.ts`)
      const at = ['-c', 'copy', '-output_ts_offset', offset, part]
      const made = await capture('ffmpeg', ['-v', 'level+error', '-y', '-i', await video(), ...at])
      expect(made.code, made.stderr).toBe(0)
      return await readFile(part)
    })
    const joined = join(folder, 'joined.ts')
    await writeFile(joined, Buffer.concat([(await parts[0]) as Buffer, (await parts[1]) as Buffer]))
    const file = join(folder, 'moved.mp4')
    const { code, terminal } = await run(PHOTO_A, joined, '-o', file)
    expect(code).toBe(EXIT.ok)
    expect(terminal.err).toMatch(
      /joined\.ts: its clock jumps ahead by 10\.0 hours at frame 5, .* that is left out/,
    )
    expect(terminal.err).toMatch(/the video has no sound: .*joined\.ts: its clock jumps ahead by 10\.0 hours/)
    expect(methods().filter((method) => method === 'detect')).toHaveLength(12)
    const length = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file]
    expect(Number((await capture('ffprobe', length)).stdout)).toBeLessThan(1)
  })

  it('has times of its own, and no rate is given to it', async () => {
    const { code, terminal } = await run(PHOTO_A, await video(), '-o', out, '--fps', '10')
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toContain('leave --fps out')
  })

  it('of one frame is no driver either', async () => {
    const file = join(folder, 'still.mp4')
    const scaled = ['-vf', 'scale=trunc(iw/2)*2:trunc(ih/2)*2', '-frames:v', '1', '-pix_fmt', 'yuv420p']
    const made = await capture('ffmpeg', [
      '-v',
      'level+error',
      '-i',
      join(driver, 'frame1.jpg'),
      ...scaled,
      file,
    ])
    expect(made.code, made.stderr).toBe(0)
    const { code, terminal } = await run(PHOTO_A, file, '-o', out)
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/has 1 frame that can be read, and nothing moves in it/)
    expect(await readdir(folder)).not.toContain('out')
  })

  it('comes through a pipe too, which is read once and leaves nothing behind', async () => {
    const file = await video()
    const pipe = join(folder, 'pipe')
    await promisify(execFile)('mkfifo', [pipe])
    const kept = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('deepfaceflow-'))
    const before = await kept()
    const [{ code, terminal }] = await Promise.all([
      run(PHOTO_A, pipe, '-o', out),
      pipeline(createReadStream(file), createWriteStream(pipe)),
    ])
    expect(terminal.err).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(await pictures()).toHaveLength(6)
    expect(await kept()).toEqual(before)
    const fromFile = join(folder, 'from-file')
    expect((await run(PHOTO_A, file, '-o', fromFile)).code).toBe(EXIT.ok)
    expect(await bytesOf(out)).toEqual(await bytesOf(fromFile))
  })

  it.each(['mp4', 'webm'])(
    '%s has the frames at their times, the sound, the word, and its parts are gone',
    async (format) => {
      const file = join(folder, `moved.${format}`)
      const { code, terminal } = await run(PHOTO_A, await video(), '-o', file)
      expect(terminal.err).toBe('')
      expect(code).toBe(EXIT.ok)
      const { stdout } = await capture('ffprobe', [
        ...[
          '-v',
          'error',
          '-of',
          'json',
          '-show_format',
          '-show_streams',
          '-show_entries',
          'packet=pts_time,codec_type',
        ],
        file,
      ])
      const { streams, format: facts, packets } = JSON.parse(stdout)
      const { width = 0, height = 0 } = await sharp(PHOTO_A).metadata()
      expect(streams.map(({ codec_type: type }: { codec_type: string }) => type).sort()).toEqual([
        'audio',
        'video',
      ])
      const shown = streams.find(({ codec_type: type }: { codec_type: string }) => type === 'video')
      expect([shown.width, shown.height]).toEqual([2 * Math.ceil(width / 2), 2 * Math.ceil(height / 2)])
      expect(Object.values(facts.tags).join()).toMatch(/synthetic/)
      const times = packets
        .filter(({ codec_type: type }: { codec_type: string }) => type === 'video')
        .map(({ pts_time: time }: { pts_time: string }) => Number(time))
        .sort((a: number, b: number) => a - b)
      const from = times[0]
      expect(times.map((time: number) => Math.round((time - from) * 25))).toEqual([0, 1, 2, 5, 6, 7])
      expect(await manifestOf(`${file}.json`)).toMatchObject({ synthetic: true, frames: 6 })
      expect(
        (await readdir(folder)).filter((name) => name.includes('.frames') || name.startsWith('.')),
      ).toEqual([])
    },
  )
})
