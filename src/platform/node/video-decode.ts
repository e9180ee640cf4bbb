import { FaceError } from '../../errors.js'
import type { Rgba } from '../../geometry/types.js'
import { assertOwnEnd, errorsIn, inputArguments, start } from './ffmpeg.js'
import { passthrough } from './ffmpeg-version.js'
import type { ClockGaps, VideoDamage, VideoFrame } from './video-frame.js'
import { unreadable, type VideoHeader } from './video-probe.js'

const KEPT_MESSAGES = 5
/** Rounding of a size that encoders call square. */
const SQUARE_TOLERANCE = 0.01
/** A face that is drawn together along a row is another's: the shorter side of such pixels is drawn out. */
const SQUARE_PIXELS = "scale=w='iw*max(sar,1)':h='ih/min(sar,1)',setsar=1,showinfo"
/** A container that announces only its length may be this much longer than its last frame, s. */
const LENGTH_TOLERANCE = 1

/**
 * Decodes a video: every frame exactly once, with its time, display rotation applied, pixels square. Times rise, by an hour at most.
 * @param onEnd called after the last frame, with what was damaged or null, and with the gaps of the clock that were left out
 * @throws FaceError INVALID_INPUT if not one frame can be decoded; EXTERNAL_TOOL if there is no ffmpeg, or it is ended from outside
 */
export async function* readVideoFrames(
  file: string,
  header: VideoHeader,
  signal: AbortSignal,
  onEnd: (damage: VideoDamage | null, gaps: ClockGaps | null) => void,
): AsyncGenerator<VideoFrame> {
  const log = new DecoderLog()
  const clock = new RisingClock(header.rate)
  const isSquare = Math.abs(header.pixelAspect - 1) < SQUARE_TOLERANCE
  // PPM carries the size in front of every frame, showinfo logs its time before it comes through the pipe.
  const { child, ended } = start(
    'ffmpeg',
    [
      ...[
        '-v',
        'level+info',
        '-hide_banner',
        '-nostats',
        '-nostdin',
        '-copyts',
        '-fflags',
        '+discardcorrupt',
      ],
      ...inputArguments(file),
      ...['-map', '0:V:0', '-vf', isSquare ? 'showinfo' : SQUARE_PIXELS, ...(await passthrough())],
      ...['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    'ignore',
    (text) => log.add(text),
  )
  const stop = () => child.kill()
  signal.addEventListener('abort', stop)
  let decoded = 0
  let last: number | null = null
  try {
    for await (const image of cutFrames(child.stdout as AsyncIterable<Buffer>)) {
      const told = await log.time(decoded++, ended)
      const time = told === null ? null : clock.at(told - header.start, decoded - 1)
      if (time !== null) last = time + (clock.gaps?.seconds ?? 0)
      yield { image, time }
    }
    const end = await ended
    if (signal.aborted) return
    log.flush()
    assertOwnEnd('ffmpeg', end.signal ?? log.caught)
    if (decoded === 0) throw unreadable(file, log.errorLines)
    const messages = errorsIn(log.errorLines)
    const isShort = endsEarly(header, decoded, last)
    const failed = end.code !== 0 || messages.length > 0 || isShort
    const damage = failed
      ? { announced: header.count, decoded, messages: messages.slice(0, KEPT_MESSAGES) }
      : null
    onEnd(damage, clock.gaps)
  } finally {
    signal.removeEventListener('abort', stop)
    child.kill()
  }
}

/** Least time between two frames, s: their times are told so closely. */
const INSTANT = 1e-5

/** A frame that comes out of its order is back by no more frames than this. */
const OUT_OF_ORDER = 5

/** No picture is shown for longer, s: where recordings were joined the clock of the next may be hours ahead. */
export const LONGEST_GAP = 3600

/**
 * Times of frames that follow each other. Some are told the time of the one before; and where recordings were joined the clock starts
 * again or jumps ahead, and goes on from where it was.
 */
class RisingClock {
  /** What was left out so far. */
  gaps: ClockGaps | null = null
  #last: number | null = null
  #gap: number
  /** The lesser of the last two gaps: one long one says nothing of where the next frame may lie. */
  #interval: number
  #offset = 0

  constructor(rate: number | null) {
    this.#gap = 1 / (rate ?? 25)
    this.#interval = this.#gap
  }

  /** @param told s @returns s, to microseconds, which no time base of a video undercuts in earnest */
  at(told: number, frame: number): number {
    const last = this.#last
    let time = told + this.#offset
    const isAhead = last !== null && time > last + LONGEST_GAP
    if (last !== null && (isAhead || time < last - OUT_OF_ORDER * this.#interval)) {
      const gap = time - last - this.#interval
      this.#offset -= gap
      time = told + this.#offset
      if (isAhead) {
        const { first = frame, count = 0, seconds = 0 } = this.gaps ?? {}
        this.gaps = { first, count: count + 1, seconds: seconds + gap }
      }
    }
    time = Math.round(time * 1e6) / 1e6
    if (last !== null && time <= last) time = Math.round((last + INSTANT) * 1e6) / 1e6
    if (last !== null && time - last > INSTANT) {
      this.#interval = Math.min(this.#gap, time - last)
      this.#gap = time - last
    }
    this.#last = time
    return time
  }
}

/**
 * Fewer frames than announced, and the last one comes before the announced end: an edit list that hides frames
 * makes the first true, not the second.
 */
function endsEarly({ count, duration, rate }: VideoHeader, decoded: number, last: number | null): boolean {
  if (duration === null || last === null) return count !== null && decoded < count
  const missing = duration - last
  const interval = Math.max(1 / (rate ?? 25), decoded > 1 ? last / (decoded - 1) : 0)
  if (count === null) return missing > LENGTH_TOLERANCE + 2 * interval
  return decoded < count && missing > 2.5 * interval
}

/** What ffmpeg logs while it decodes: times of frames, and complaints. */
class DecoderLog {
  /** Lines at level error. */
  errorLines = ''
  /** The signal that ffmpeg took for the wish to end early, which it does in good order. */
  caught: string | null = null
  readonly #times: (number | null)[] = []
  #rest = ''
  #timeBase = 1
  #wake: () => void = () => undefined

  add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    this.#wake()
  }

  flush(): void {
    this.#line(this.#rest)
    this.#rest = ''
  }

  /** Time of a frame, s; waits for its line. @param ended after which no line comes any more */
  async time(frame: number, ended: Promise<unknown>): Promise<number | null> {
    let over = false
    const end = ended.then(
      () => {
        over = true
      },
      () => {
        over = true
      },
    )
    while (this.#times.length <= frame && !over) {
      await Promise.race([
        end,
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
      ])
    }
    return this.#times[frame] ?? null
  }

  #line(line: string): void {
    if (line.startsWith('[Parsed_showinfo')) {
      const base = /\] config in time_base: (\d+)\/(\d+)/.exec(line)
      if (base) this.#timeBase = Number(base[1]) / Number(base[2])
      // The time itself is printed with six digits only.
      const frame = /\] n: *\d+ pts: *(-?\d+|NOPTS) /.exec(line)
      if (frame) this.#times.push(frame[1] === 'NOPTS' ? null : Number(frame[1]) * this.#timeBase)
    } else if (/Exiting normally, received signal \d+/.test(line)) {
      this.caught = 'SIGTERM'
    } else if (/\[(error|fatal|panic)\]/.test(line) && this.errorLines.length < 20_000) {
      this.errorLines += `${line}\n`
    }
  }
}

/** Cuts a stream of PPM pictures. @throws FaceError INVALID_INPUT for pictures that cannot be held */
async function* cutFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Rgba> {
  let rest: Buffer = Buffer.alloc(0)
  const chunks: Buffer[] = []
  let held = 0
  let wanted = 0
  for await (const chunk of stream) {
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
}

/** Bytes of the longest PPM header. */
const HEADER = 64

/**
 * Cuts the first PPM frame off a buffer.
 * @returns the image if the buffer holds all of it, the bytes used up, and the bytes needed for the next try
 * @throws FaceError EXTERNAL_TOOL if it does not start with a PPM header
 */
export function takeFrame(buffer: Buffer): { image: Rgba | null; used: number; wanted: number } {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(buffer.toString('latin1', 0, HEADER))
  if (!header) {
    if (buffer.length < HEADER) return { image: null, used: 0, wanted: buffer.length + 1 }
    throw new FaceError('EXTERNAL_TOOL', 'ffmpeg sent something else than frames; check "ffmpeg -version"', {
      program: 'ffmpeg',
    })
  }
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
