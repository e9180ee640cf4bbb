import { once } from 'node:events'
import { FaceError } from '../../errors.js'
import { errorsIn, fileUrl, inputArguments, start } from './ffmpeg.js'
import { passthrough } from './ffmpeg-version.js'
import { streamHead, streamPicture } from './mjpeg-stream.js'

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

/** Codecs that MP4 takes as they are; others become AAC. */
const COPIED = new Set(['aac', 'mp3', 'ac3', 'eac3', 'alac'])

/** Least time between two pictures, s: one tick of the video. */
const TICK = 1 / 90000

/**
 * Joins pictures to an MP4 video, each shown at its time.
 * @param out is overwritten
 * @throws FaceError EXTERNAL_TOOL
 */
export async function joinVideo(
  pictures: AsyncIterable<TimedPicture>,
  size: { readonly width: number; readonly height: number },
  sound: Sound | null,
  out: string,
): Promise<void> {
  const voice = sound && [
    // Times of the pictures count from the file's start, those of its sound as its clock goes.
    ...['-itsoffset', String(-sound.start), ...inputArguments(sound.file)],
    ...['-map', '0:v', '-map', '1:a:0', '-c:a', COPIED.has(sound.codec) ? 'copy' : 'aac'],
  ]
  const { child, ended } = start(
    'ffmpeg',
    [
      ...['-v', 'level+error', '-nostdin', '-y', '-copyts'],
      ...['-protocol_whitelist', 'pipe', '-f', 'matroska', '-i', 'pipe:0', ...(voice ?? [])],
      // Even sides and 4:2:0 are what players can show.
      ...['-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-pix_fmt', 'yuv420p', ...(await passthrough())],
      ...['-enc_time_base', '1:90000', '-video_track_timescale', '90000'],
      ...['-movflags', '+faststart', '-f', 'mp4', fileUrl(out)],
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
  const { code, stderr } = await ended
  if (code === 0) return
  throw new FaceError(
    'EXTERNAL_TOOL',
    `ffmpeg could not make ${out} (${errorsIn(stderr)[0] ?? `exit status ${code}`}); the pictures it is made of are kept`,
    { program: 'ffmpeg', file: out },
  )
}
