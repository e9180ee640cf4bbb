import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { FaceError } from '../../errors.js'
import type { Rgba } from '../../geometry/types.js'
import { messageOf } from '../../realms.js'

/*
 * The system's ffmpeg and ffprobe. The wrappers on npm are unmaintained (fluent-ffmpeg is archived) or
 * bundle a binary of tens of megabytes; what is needed here is two pipes.
 */

const MISSING =
  'is needed for video files and was not found; install ffmpeg (for example "apt install ffmpeg" or "brew install ffmpeg"), or give a folder of frames instead'

/** What ffprobe says about a video; null where it does not know. */
export async function countFrames(file: string): Promise<{ count: number | null; rate: number | null }> {
  const entries = 'stream=nb_frames,avg_frame_rate:format=duration'
  const text = await capture('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', file],
  ])
  const report = JSON.parse(text) as {
    streams?: { nb_frames?: string; avg_frame_rate?: string }[]
    format?: { duration?: string }
  }
  const stream = report.streams?.[0]
  if (!stream) {
    throw new FaceError('INVALID_INPUT', `${file}: has no video; give a video file or a folder of frames`, {
      file,
    })
  }
  const [numerator, denominator] = (stream.avg_frame_rate ?? '').split('/').map(Number)
  const rate = numerator && denominator ? numerator / denominator : null
  const counted = Number(stream.nb_frames)
  const duration = Number(report.format?.duration)
  const estimated = rate !== null && duration > 0 ? Math.round(rate * duration) : null
  return { count: counted > 0 ? counted : estimated, rate }
}

/** Decodes a video frame by frame, display rotation applied. @throws FaceError EXTERNAL_TOOL */
export async function* readVideoFrames(file: string, signal: AbortSignal): AsyncGenerator<Rgba> {
  // PPM carries the size in front of every frame, so that no second program has to be asked for it.
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-i',
    file,
    '-f',
    'image2pipe',
    '-c:v',
    'ppm',
    '-pix_fmt',
    'rgb24',
    '-',
  ]
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const failure = watch(child, 'ffmpeg', file)
  const stop = () => child.kill()
  signal.addEventListener('abort', stop)
  try {
    let rest: Buffer = Buffer.alloc(0)
    const chunks: Buffer[] = []
    let held = 0
    let wanted = 0
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      held += chunk.length
      if (held < wanted) continue
      rest = Buffer.concat(chunks)
      for (let frame = takeFrame(rest); ; frame = takeFrame(rest)) {
        if (frame.image) yield frame.image
        rest = rest.subarray(frame.used)
        wanted = frame.wanted
        if (!frame.image) break
      }
      chunks.length = 0
      chunks.push(rest)
      held = rest.length
    }
    const error = await failure
    if (error && !signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    child.kill()
  }
}

/**
 * Cuts the first PPM frame off a buffer.
 * @returns the image if the buffer holds all of it, the bytes used up, and the bytes needed for the next try
 */
function takeFrame(buffer: Buffer): { image: Rgba | null; used: number; wanted: number } {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(buffer.toString('latin1', 0, 64))
  if (!header) return { image: null, used: 0, wanted: buffer.length + 1 }
  const [width, height] = [Number(header[1]), Number(header[2])]
  const start = header[0].length
  const end = start + width * height * 3
  if (buffer.length < end) return { image: null, used: 0, wanted: end }
  const data = new Uint8Array(width * height * 4)
  for (let i = 0, from = start; i < data.length; i += 4, from += 3) {
    data[i] = buffer[from] as number
    data[i + 1] = buffer[from + 1] as number
    data[i + 2] = buffer[from + 2] as number
    data[i + 3] = 255
  }
  return { image: { width, height, data }, used: end, wanted: 0 }
}

/** Whether pictures can be joined to a video here. */
export async function hasFfmpeg(): Promise<boolean> {
  return capture('ffmpeg', ['-version']).then(
    () => true,
    () => false,
  )
}

/**
 * Joins numbered JPEG pictures to an H.264 video.
 * @param pattern file name pattern such as `overlay/%06d.jpg`
 * @param out file to write; its extension tells the container
 * @throws FaceError EXTERNAL_TOOL
 */
export async function joinVideo(pattern: string, rate: number, out: string): Promise<void> {
  await capture('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y', '-framerate', String(rate), '-i', pattern],
    // Even sides and 4:2:0 are what players can show.
    ...['-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-pix_fmt', 'yuv420p', '-movflags', '+faststart', out],
  ])
}

async function capture(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const failure = watch(child, program, args.at(-1) ?? '')
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const error = await failure
  if (error) throw error
  return text
}

/** Resolves when the program has ended, with what went wrong or null. */
async function watch(
  child: ReturnType<typeof spawn>,
  program: string,
  file: string,
): Promise<FaceError | null> {
  let messages = ''
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    messages = (messages + part).slice(-2000)
  })
  const error = (what: string, cause?: unknown) =>
    new FaceError('EXTERNAL_TOOL', `${program} ${what}`, { program, file }, { cause })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return null
    const last = messages.trim().split('\n').at(-1) ?? ''
    return error(`failed on ${file}: ${last || `exit status ${code}`}; check that the file plays`)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return error(MISSING, cause)
    return error(`could not be started: ${messageOf(cause)}`, cause)
  }
}
