import { once } from 'node:events'
import { rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FaceError } from '../../errors.js'
import { dropPending, flushFile, keepPending, outputFailed } from './atomic.js'
import { capture, type Ended, errorsIn, fileUrl, inputArguments, start } from './ffmpeg.js'
import { passthrough } from './ffmpeg-version.js'
import { streamHead, streamPicture } from './mjpeg-stream.js'
import { LONGEST_GAP } from './video-decode.js'

/** A picture of the video to make, and when it is shown, s. */
export interface TimedPicture {
  readonly jpeg: Uint8Array
  readonly time: number
}

/** Sound that goes with the pictures. */
export interface Sound {
  readonly file: string
  /** Where the file's clock starts, s. */
  readonly start: number
  readonly codec: string
}

/** A container: sound that it takes as it is, what other sound becomes, and how its pictures are made. */
interface Container {
  readonly copied: readonly string[]
  readonly sound: string
  readonly output: readonly string[]
}

const CONTAINERS: Readonly<Record<VideoFormat, Container>> = {
  mp4: {
    copied: ['aac', 'mp3', 'ac3', 'eac3', 'alac'],
    sound: 'aac',
    output: ['-video_track_timescale', '90000', '-movflags', '+faststart', '-f', 'mp4'],
  },
  webm: {
    copied: ['opus', 'vorbis'],
    sound: 'libopus',
    output: ['-c:v', 'libvpx-vp9', '-crf', '24', '-b:v', '0', '-row-mt', '1', '-cpu-used', '4', '-f', 'webm'],
  },
}

/** Containers that videos are written in: H.264 in mp4, VP9 in webm. */
export type VideoFormat = 'mp4' | 'webm'

/** How a video is made; default an MP4 that says nothing of itself. */
export interface JoinOptions {
  readonly format?: VideoFormat
  /** What the file says of itself. */
  readonly comment?: string
}

/** Least time between two pictures, s: one tick of the video. */
const TICK = 1 / 90000

/**
 * Joins pictures to a video, each shown at its time. It is made under a temporary name, which is gone afterwards whatever happens, and
 * renamed once it is whole.
 * @param out is overwritten
 * @throws FaceError EXTERNAL_TOOL; OUTPUT_FAILED, also where ffmpeg takes a part for the whole; INVALID_INPUT for sound whose clock starts again
 */
export async function joinVideo(
  pictures: AsyncIterable<TimedPicture>,
  size: { readonly width: number; readonly height: number },
  sound: Sound | null,
  out: string,
  options: JoinOptions = {},
): Promise<void> {
  if (sound) await assertOneClock(sound)
  const temporary = join(dirname(out), `.unfinished-${basename(out)}`)
  keepPending(temporary)
  try {
    const { code, stderr } = await encode(pictures, size, sound, temporary, options)
    const unwritten = WRITE_FAILURES.find(([message]) => message.test(stderr))
    if (unwritten) throw outputFailed(out, { code: unwritten[1] })
    if (code !== 0) {
      throw new FaceError(
        'EXTERNAL_TOOL',
        `ffmpeg could not make ${out} (${errorsIn(stderr)[0] ?? `exit status ${code}`}); the pictures it is made of are kept`,
        { program: 'ffmpeg', file: out },
      )
    }
    await flushFile(temporary)
    await rename(temporary, out).catch((cause: unknown) => {
      throw outputFailed(out, cause)
    })
  } finally {
    await rm(temporary, { force: true })
    dropPending(temporary)
  }
}

/** What ffmpeg says of a file that it could not write; versions before 6 exit with 0 where that is its end. */
const WRITE_FAILURES: readonly (readonly [RegExp, string])[] = [
  [/no space left on device/i, 'ENOSPC'],
  [/disk quota exceeded/i, 'EDQUOT'],
  [/file too large/i, 'EFBIG'],
  [/error (writing trailer|closing file)/i, 'EIO'],
]

/** Packets that come out of their order are back by less than this, s. */
const OUT_OF_ORDER = 0.25

/** Of joined recordings the pictures' times go on where the clock starts again or jumps ahead; sound that is handed on does not. @throws FaceError INVALID_INPUT */
async function assertOneClock({ file }: Sound): Promise<void> {
  const entries = ['-select_streams', 'a:0', '-show_entries', 'packet=dts_time', '-of', 'csv=p=0']
  const { stdout } = await capture('ffprobe', ['-v', 'level+error', ...entries, ...inputArguments(file)])
  let last = Number.NEGATIVE_INFINITY
  for (const line of stdout.split('\n')) {
    const time = Number.parseFloat(line)
    if (Number.isNaN(time)) continue
    const isAhead = time > last + LONGEST_GAP && last > Number.NEGATIVE_INFINITY
    if (isAhead || time < last - OUT_OF_ORDER) {
      throw new FaceError(
        'INVALID_INPUT',
        `${file}: its clock ${isAhead ? `jumps ahead by ${((time - last) / 3600).toFixed(1)} hours` : 'starts again'} in the middle, as where recordings were joined, and its sound would not go with the pictures; ` +
          'copy it with "ffmpeg -i" into an mp4 first',
        { file },
      )
    }
    last = time
  }
}

/**
 * Of a transport stream whose offset is to the microsecond minus its start, ffmpeg takes the start of those streams that are mapped: sound
 * that begins later than the pictures would begin with them.
 */
const BESIDE_START = 1e-6

async function encode(
  pictures: AsyncIterable<TimedPicture>,
  size: { readonly width: number; readonly height: number },
  sound: Sound | null,
  out: string,
  { format = 'mp4', comment }: JoinOptions,
): Promise<Ended> {
  const container = CONTAINERS[format]
  const voice = sound && [
    // Times of the pictures count from the file's start, those of its sound as its clock goes.
    ...['-itsoffset', (BESIDE_START - sound.start).toFixed(6), ...inputArguments(sound.file)],
    ...[
      '-map',
      '0:v',
      '-map',
      '1:a:0',
      '-c:a',
      container.copied.includes(sound.codec) ? 'copy' : container.sound,
    ],
  ]
  const { child, ended } = start(
    'ffmpeg',
    [
      ...['-v', 'level+error', '-nostdin', '-y', '-copyts'],
      ...['-protocol_whitelist', 'pipe', '-f', 'matroska', '-i', 'pipe:0', ...(voice ?? [])],
      // Even sides and 4:2:0 are what players can show.
      ...['-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-pix_fmt', 'yuv420p', ...(await passthrough())],
      ...['-enc_time_base', '1:90000'],
      ...(comment === undefined ? [] : ['-metadata', `comment=${comment}`]),
      ...[...container.output, fileUrl(out)],
    ],
    'pipe',
  )
  const { stdin } = child
  let broken = false
  stdin?.on('error', () => {
    broken = true
  })
  const send = async (bytes: Buffer): Promise<void> => {
    if (!broken && stdin?.write(bytes) === false) await Promise.race([once(stdin, 'drain'), ended])
  }
  try {
    await send(streamHead(size.width, size.height))
    let last = -1
    for await (const { jpeg, time } of pictures) {
      last = Math.max(time, last + TICK)
      await send(streamPicture(jpeg, last))
      if (broken) break
    }
    stdin?.end()
  } catch (error) {
    child.kill()
    throw error
  }
  return await ended
}
