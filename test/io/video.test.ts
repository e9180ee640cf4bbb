import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFrames } from '../../src/io/frames.js'
import { encodeJpeg } from '../../src/platform/index.js'
import { hasFfmpeg } from '../../src/platform/node/ffmpeg-version.js'
import { takeFrame } from '../../src/platform/node/video-decode.js'
import type { VideoDamage } from '../../src/platform/node/video-frame.js'
import { joinVideo, type TimedPicture } from '../../src/platform/node/video-join.js'
import { plain } from '../e2e/pictures.js'

/** Video files through the system's ffmpeg, which is no dependency of the package: without it only the first part runs. */

const run = promisify(execFile)
const here = process.cwd()
let folder: string

describe('a pipe of PPM pictures', () => {
  it('is cut into frames, however it arrives', () => {
    const frame = Buffer.concat([Buffer.from('P6\n2 1\n255\n'), Buffer.from([1, 2, 3, 4, 5, 6])])
    expect(takeFrame(Buffer.concat([frame, frame]))).toMatchObject({
      image: { width: 2, height: 1, data: Uint8Array.from([1, 2, 3, 255, 4, 5, 6, 255]) },
      used: frame.length,
    })
    expect(takeFrame(frame.subarray(0, 13))).toEqual({ image: null, used: 0, wanted: frame.length })
    expect(takeFrame(Buffer.from('P6\n2'))).toEqual({ image: null, used: 0, wanted: 5 })
  })

  it('is refused where it holds something else', () => {
    expect(() => takeFrame(Buffer.alloc(100, 65))).toThrow(/ffmpeg sent something else than frames/)
  })
})

/** Grey level of a frame is 40 + 2 times its index, so that repeated and lost frames show. */
const GREYS = "geq=lum='40+2*N':cb=128:cr=128"

async function make(name: string, frames: number, times: string, ...more: string[]): Promise<void> {
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `color=gray:size=64x48:rate=25,${GREYS}`],
    ...(more.includes('-c:a') ? ['-f', 'lavfi', '-i', 'sine=frequency=440'] : []),
    ...['-vf', `settb=1/90000,setpts='(${times})/TB'`, '-frames:v', String(frames), '-vsync', 'passthrough'],
    ...[
      '-t',
      '4',
      '-enc_time_base',
      '1:90000',
      '-pix_fmt',
      'yuv420p',
      '-preset',
      'ultrafast',
      ...more,
      `file:${name}`,
    ],
  ])
}

async function read(file: string): Promise<{ times: number[]; greys: number[]; damage: VideoDamage | null }> {
  const source = await openFrames(file)
  const [times, greys]: [number[], number[]] = [[], []]
  let damage: VideoDamage | null = null
  const onDamage = (found: VideoDamage) => {
    damage = found
  }
  for await (const { photo, time } of source.frames(0, new AbortController().signal, onDamage)) {
    times.push(time as number)
    greys.push((photo as { data: Uint8Array }).data[0] as number)
  }
  return { times, greys, damage }
}

describe.runIf(await hasFfmpeg())('video files', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dff-video-'))
    process.chdir(folder)
    await make(
      'plain.mp4',
      12,
      'N*0.04',
      '-c:a',
      'aac',
      '-movflags',
      '+faststart',
      '-video_track_timescale',
      '90000',
    )
  })
  afterAll(async () => {
    process.chdir(here)
    await rm(folder, { recursive: true, force: true })
  })

  it.each([
    [
      'long gaps',
      'gaps.mp4',
      12,
      (n: number) => (n < 6 ? 0.04 * n : 0.2 * n - 0.96),
      'if(lt(N,6),N*0.04,N*0.2-0.96)',
    ],
    ['close together', 'close.mkv', 12, (n: number) => 0.007 * n, 'N*0.007'],
    ['uneven', 'uneven.mkv', 75, (n: number) => 0.03 * n + 0.01 * (n % 3), 'N*0.03+0.01*mod(N,3)'],
    ['a late start', 'late.mp4', 5, (n: number) => 0.04 * n, 'N*0.04+1'],
  ])('give every frame once with its time: %s', async (_name, file, count, at, times) => {
    await make(file, count, times, ...(file.endsWith('mp4') ? ['-video_track_timescale', '90000'] : []))
    const { times: found, greys, damage } = await read(file)
    expect(found).toHaveLength(count)
    const start = found[0] as number
    found.forEach((time, n) => {
      expect(time - start).toBeCloseTo(at(n), 2)
    })
    expect(greys.every((grey, n) => n === 0 || grey > (greys[n - 1] as number))).toBe(true)
    expect(damage).toBeNull()
  })

  it('have times that rise: where recordings were joined the clock goes on from where it was', async () => {
    await make('part.mp4', 25, 'N*0.04', '-video_track_timescale', '90000')
    await run('ffmpeg', ['-v', 'error', '-y', '-i', 'part.mp4', '-c', 'copy', 'file:part.ts'])
    const part = await readFile('part.ts')
    await writeFile('joined.ts', Buffer.concat([part, part]))
    const { times } = await read('joined.ts')
    // The frame at the seam may be lost in it.
    expect(times.length).toBeGreaterThan(47)
    const steps = times.slice(1).map((time, n) => time - (times[n] as number))
    expect(Math.min(...steps)).toBeGreaterThan(0.03)
    expect(Math.max(...steps)).toBeLessThan(0.09)
  })

  it('have times that rise where a recording ends after a long gap', async () => {
    // The last frame, which the seam may cost, is after the gap too.
    await make(
      'pause.mp4',
      25,
      'N*0.04+20*gte(N,23)',
      '-bf',
      '0',
      '-t',
      '30',
      '-video_track_timescale',
      '90000',
    )
    await run('ffmpeg', ['-v', 'error', '-y', '-i', 'pause.mp4', '-c', 'copy', 'file:pause.ts'])
    const part = await readFile('pause.ts')
    await writeFile('paused.ts', Buffer.concat([part, part]))
    const { times } = await read('paused.ts')
    const steps = times.slice(1).map((time, n) => time - (times[n] as number))
    expect(steps.filter((step) => step > 19)).toHaveLength(2)
    expect(Math.min(...steps)).toBeGreaterThan(0.03)
  })

  it('have times that rise: two frames of one time follow each other', async () => {
    await make('twins.mkv', 6, 'floor(N/2)*0.08')
    const { times } = await read('twins.mkv')
    expect(times).toHaveLength(6)
    expect(times.every((time, n) => n === 0 || time > (times[n - 1] as number))).toBe(true)
    expect((times[4] as number) - (times[0] as number)).toBeCloseTo(0.16, 3)
  })

  it.each([
    ['wide', '2/1', [128, 48]],
    ['high', '1/2', [64, 96]],
    ['square but for a rounding', '1000/999', [64, 48]],
  ])('are shown with square pixels: %s ones', async (_name, aspect, [width, height]) => {
    await run('ffmpeg', [
      ...['-v', 'error', '-y', '-i', 'plain.mp4', '-vf', `setsar=${aspect}`, 'file:aspect.mp4'],
    ])
    const { value } = await (await openFrames('aspect.mp4')).frames(0, new AbortController().signal).next()
    expect(value.photo).toMatchObject({ width, height })
  })

  it('are refused where their pixels would be drawn out beyond all measure', async () => {
    await run('ffmpeg', ['-v', 'error', '-y', '-i', 'plain.mp4', '-vf', 'setsar=1/100', 'file:thin.mkv'])
    await expect(openFrames('thin.mkv')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(
        /^thin\.mkv: says that its pixels are shown 1:100 as wide as high, .* setsar=1/,
      ),
    })
  })

  it.each([
    '12:30.mp4',
    '-v.mp4',
    '50%done%03d.mp4',
    'pipe:0',
    'concat:x.mp4',
    'http:/a.mp4',
    'a b [1] {x}.mp4',
    "it's.mp4",
  ])('are read under the name %s', async (name) => {
    if (name.includes('/')) await mkdir('http:', { recursive: true })
    await writeFile(join(folder, name), await readFile('plain.mp4'))
    expect((await read(name)).times).toHaveLength(12)
  })

  it.each([
    ['HLS', '#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nplain.mp4\n#EXT-X-ENDLIST\n'],
    ['concat', 'ffconcat version 1.0\nfile plain.mp4\n'],
    ['a picture', null],
    ['DASH', '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>'],
  ])('are told from what would open other files: %s', async (_name, text) => {
    await writeFile('list.mp4', text ?? (await encodeJpeg(plain(64, 64, 90))))
    await expect(openFrames('list.mp4')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^list\.mp4: (is a playlist, a picture|cannot be read as a video)/),
    })
  })

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('not a video')],
    ['without its end', (bytes: Buffer) => bytes.subarray(0, 400)],
  ])('are refused as inputs when %s', async (_name, damage) => {
    await writeFile('bad.mp4', damage(await readFile('plain.mp4')))
    await expect(read('bad.mp4')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^bad\.mp4: .*(cannot be read|has no video)/),
    })
  })

  it('are turned as they are shown', async () => {
    // What a phone writes that is held upright; older and newer versions of ffmpeg are told of it in other ways.
    await run('ffmpeg', [
      '-v',
      'error',
      '-display_rotation',
      '90',
      '-i',
      'plain.mp4',
      '-c',
      'copy',
      'turned.mp4',
    ]).catch(() =>
      run('ffmpeg', [
        '-v',
        'error',
        '-i',
        'plain.mp4',
        '-c',
        'copy',
        '-metadata:s:v',
        'rotate=90',
        'turned.mp4',
      ]),
    )
    const source = await openFrames('turned.mp4')
    for await (const { photo } of source.frames(0, new AbortController().signal)) {
      expect(photo).toMatchObject({ width: 48, height: 64 })
    }
  })

  it('are refused without a frame, without a picture, and empty', async () => {
    await run('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'color=gray:size=64x48',
      '-frames:v',
      '0',
      'none.mp4',
    ])
    await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine', '-t', '0.2', '-c:a', 'aac', 'sound.mp4'])
    await writeFile('empty.mp4', '')
    for (const file of ['none.mp4', 'sound.mp4', 'empty.mp4']) {
      await expect(read(file)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining(file),
      })
    }
  })

  it('say what is missing of a half-downloaded one', async () => {
    // Every frame a key frame of busy content, so that the cut goes through the frames and not through the header.
    await run('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=128x96:rate=25', '-frames:v', '16', '-g', '1'],
      ...['-movflags', '+faststart', '-y', 'long.mp4'],
    ])
    const bytes = await readFile('long.mp4')
    await writeFile('half.mp4', bytes.subarray(0, Math.round(0.6 * bytes.length)))
    const { times, damage } = await read('half.mp4')
    expect(times.length).toBeGreaterThan(0)
    expect(times.length).toBeLessThan(16)
    expect(damage).toMatchObject({ announced: 16, decoded: times.length })
    expect(damage?.messages[0]).toMatch(/partial file/)
  })

  it('say what is missing of a cut-off AVI, about which ffmpeg says nothing', async () => {
    await make('a.avi', 50, 'N*0.04', '-c:v', 'mjpeg')
    const bytes = await readFile('a.avi')
    await writeFile('cut.avi', bytes.subarray(0, Math.round(0.5 * bytes.length)))
    expect((await read('a.avi')).damage).toBeNull()
    expect((await read('cut.avi')).damage).toMatchObject({ announced: 50, messages: [] })
  })

  it('are whole where an edit list hides frames', async () => {
    await make('keys.mp4', 50, 'N*0.04', '-g', '10')
    await run('ffmpeg', ['-v', 'error', '-ss', '0.5', '-i', 'keys.mp4', '-c', 'copy', '-y', 'trimmed.mp4'])
    const { times, damage } = await read('trimmed.mp4')
    expect(times.length).toBeLessThan(45)
    expect(damage).toBeNull()
  })

  async function* shown(times: readonly number[]): AsyncGenerator<TimedPicture> {
    for (const [n, time] of times.entries()) {
      yield { jpeg: await encodeJpeg(plain(65, 48, 40 + 10 * n)), time }
    }
  }

  it('are joined of pictures at their times, with the sound of the source', async () => {
    const odd = join(folder, '50%done %03d:x')
    await mkdir(odd)
    const times = [0, 0.04, 0.5, 0.5, 1.25]
    const sound = { file: 'plain.mp4', start: 0, codec: 'aac' }
    await joinVideo(shown(times), { width: 65, height: 48 }, sound, join(odd, 'out.mp4'))
    const { times: found, greys } = await read(join(odd, 'out.mp4'))
    expect(found).toHaveLength(5)
    found.forEach((time, n) => {
      expect(time).toBeCloseTo(times[n] as number, 3)
    })
    expect(greys[0]).toBeLessThan(greys[4] as number)
    const streams = ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0']
    const { stdout } = await run('ffprobe', [...streams, `file:${join(odd, 'out.mp4')}`])
    expect(stdout.trim().split('\n').sort()).toEqual(['aac', 'h264,66,48'])
    expect(await readdir(odd)).toEqual(['out.mp4'])
  })

  it.each(['mp4', 'ts'])('are joined with sound that begins where it does, of %s', async (container) => {
    await run('ffmpeg', [
      ...['-v', 'error', '-y', '-i', 'plain.mp4', '-itsoffset', '2', '-i', 'plain.mp4'],
      ...['-map', '0:v', '-map', '1:a', '-c', 'copy', `file:behind.${container}`],
    ])
    const clip = (await openFrames(`behind.${container}`)).clip as { file: string; start: number }
    await joinVideo(shown([0, 1]), { width: 65, height: 48 }, { ...clip, codec: 'aac' }, 'behind-out.mp4')
    const entries = ['-select_streams', 'a:0', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0']
    const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, 'file:behind-out.mp4'])
    expect(Number.parseFloat(stdout)).toBeGreaterThan(1.9)
    expect(Number.parseFloat(stdout)).toBeLessThan(2.05)
  })

  it('are not joined with sound whose clock jumps ahead by hours, and their times go on there', async () => {
    for (const offset of ['0', '7200']) {
      const at = ['-c', 'copy', '-output_ts_offset', offset, `file:at-${offset}.ts`]
      await run('ffmpeg', ['-v', 'error', '-y', '-i', 'plain.mp4', ...at])
    }
    await writeFile('ahead.ts', Buffer.concat([await readFile('at-0.ts'), await readFile('at-7200.ts')]))
    const { times, damage } = await read('ahead.ts')
    const gaps = times.slice(1).map((time, n) => time - (times[n] as number))
    expect(Math.max(...gaps)).toBeLessThan(0.1)
    expect(Math.min(...gaps)).toBeGreaterThan(0)
    expect(damage).toBeNull()
    const sound = { file: 'ahead.ts', start: 0, codec: 'aac' }
    const joined = joinVideo(shown([0, 1]), { width: 65, height: 48 }, sound, join(folder, 'ahead.mp4'))
    await expect(joined).rejects.toThrow(/ahead\.ts: its clock jumps ahead by 2\.0 hours in the middle/)
  })

  it('are not joined with sound whose clock starts again', async () => {
    await run('ffmpeg', ['-v', 'error', '-y', '-i', 'plain.mp4', '-c', 'copy', 'file:sound.ts'])
    const part = await readFile('sound.ts')
    await writeFile('twice.ts', Buffer.concat([part, part]))
    const sound = { file: 'twice.ts', start: 0, codec: 'aac' }
    const joined = joinVideo(shown([0, 1]), { width: 65, height: 48 }, sound, join(folder, 'twice.mp4'))
    await expect(joined).rejects.toThrow(/twice\.ts: its clock starts again/)
  })

  it.runIf(existsSync('/dev/full')).each(['mp4', 'webm'] as const)(
    'are no %s where the disk is full, also if ffmpeg calls it one',
    async (format) => {
      const full = join(folder, 'full')
      await mkdir(full, { recursive: true })
      await symlink('/dev/full', join(full, `.unfinished-out.${format}`))
      const out = join(full, `out.${format}`)
      const joined = joinVideo(shown([0, 1]), { width: 65, height: 48 }, null, out, { format })
      await expect(joined).rejects.toMatchObject({
        code: 'OUTPUT_FAILED',
        message: expect.stringMatching(/out\.\w+: the disk is full \(ENOSPC\)/),
      })
      expect(await readdir(full)).toEqual([])
    },
  )

  it('say when they cannot be joined', async () => {
    const out = join(folder, 'missing', 'out.mp4')
    await expect(joinVideo(shown([0, 1]), { width: 65, height: 48 }, null, out)).rejects.toMatchObject({
      code: 'EXTERNAL_TOOL',
      message: expect.stringMatching(/could not make .*out\.mp4 \(.*No such file.*the pictures .* are kept/),
    })
  })
})
