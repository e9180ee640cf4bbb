import { basename } from 'node:path'
import { FaceError } from '../../errors.js'
import { capture, errorsIn, inputArguments } from './ffmpeg.js'

/** What a video file's header says; null where it does not. */
export interface VideoHeader {
  /** Frames. */
  readonly count: number | null
  /** Frames per second, their mean where it varies. */
  readonly rate: number | null
  /** Length of the video, s. */
  readonly duration: number | null
  /** Where the file's clock starts, s: times are counted from here. */
  readonly start: number
  /** Codec of its sound. */
  readonly sound: string | null
  /** How wide a pixel is shown, in its heights. */
  readonly pixelAspect: number
}

interface Report {
  readonly streams?: readonly {
    readonly codec_type?: string
    readonly codec_name?: string
    readonly sample_aspect_ratio?: string
    readonly nb_frames?: string
    readonly avg_frame_rate?: string
    readonly r_frame_rate?: string
    readonly time_base?: string
    readonly duration?: string
    readonly tags?: Readonly<Record<string, string>>
    readonly disposition?: { readonly attached_pic?: number }
  }[]
  readonly format?: { readonly start_time?: string; readonly format_name?: string }
}

/**
 * Reads the header of a video file.
 * @throws FaceError INVALID_INPUT if it is no video, or would open other files; EXTERNAL_TOOL if there is no ffprobe
 */
export async function probeVideo(file: string): Promise<VideoHeader> {
  const entries =
    'stream=codec_type,codec_name,sample_aspect_ratio,nb_frames,avg_frame_rate,r_frame_rate,time_base,duration:stream_tags=DURATION:stream_disposition=attached_pic:format=start_time,format_name'
  const { code, stdout, stderr } = await capture('ffprobe', [
    ...['-v', 'level+error', '-show_entries', entries, '-of', 'json'],
    ...inputArguments(file),
  ])
  if (code !== 0) throw unreadable(file, stderr)
  const report = parse(stdout)
  if (report === null) {
    throw new FaceError(
      'EXTERNAL_TOOL',
      `ffprobe printed no JSON about ${file}; check with "ffprobe -version" that it is the one that comes with ffmpeg`,
      { program: 'ffprobe', file },
    )
  }
  const streams = report.streams ?? []
  // The cover picture of a sound file is no video.
  const video = streams.find((s) => s.codec_type === 'video' && s.disposition?.attached_pic !== 1)
  if (video === undefined) {
    throw invalid(file, 'has no video; give a video file or a folder of frames')
  }
  const rate = fraction(video.avg_frame_rate)
  const count = positive(video.nb_frames)
  const duration = durationOf(video, count, report.format?.format_name)
  // An AVI of uneven times counts ticks, most of them without a frame.
  const steady = fraction(video.r_frame_rate) ?? rate
  const isCounted = report.format?.format_name !== 'avi' || duration === null || steady === null
  return {
    count: isCounted ? count : Math.round(duration * steady),
    rate,
    duration,
    start: Number(report.format?.start_time) || 0,
    sound: streams.find((s) => s.codec_type === 'audio')?.codec_name ?? null,
    pixelAspect: pixelAspectOf(video.sample_aspect_ratio, file),
  }
}

/** Cameras and discs have up to 2; frames that are drawn out by more than this are as large as no picture. */
const MOST_ASPECT = 4

function pixelAspectOf(told: string | undefined, file: string): number {
  const aspect = fraction(told?.replace(':', '/')) ?? 1
  if (Math.max(aspect, 1 / aspect) <= MOST_ASPECT) return aspect
  throw invalid(
    file,
    `says that its pixels are shown ${told} as wide as high, at most ${MOST_ASPECT}:1 and 1:${MOST_ASPECT} are taken; ` +
      'write it anew with "ffmpeg -i" and -vf setsar=1',
  )
}

/** Why a file cannot be read as a video. */
export function unreadable(file: string, stderr: string): FaceError {
  const reasons = errorsIn(stderr)
  if (reasons.some((reason) => /not on whitelist/i.test(reason))) {
    return invalid(
      file,
      'is a playlist, a picture or another file that is no video; give the video itself, or a folder of frames',
    )
  }
  const reason = (reasons[0] ?? 'ffmpeg does not say why').replaceAll(`file:${file}`, basename(file))
  return invalid(file, `cannot be read as a video (${reason}); check that it plays, or download it again`)
}

function durationOf(
  { duration, tags, time_base }: NonNullable<Report['streams']>[number],
  count: number | null,
  format: string | undefined,
): number | null {
  const tick = fraction(time_base)
  // ffprobe shortens the length of a cut-off AVI to what is left; its count, one a tick, stays.
  if (format === 'avi' && count !== null && tick !== null) return count * tick
  const tagged = /^(\d+):(\d+):([\d.]+)$/.exec(tags?.DURATION ?? '')
  const [hours, minutes, seconds] = (tagged ?? []).slice(1).map(Number)
  return positive(duration) ?? (tagged ? 3600 * (hours ?? 0) + 60 * (minutes ?? 0) + (seconds ?? 0) : null)
}

function fraction(text: string | undefined): number | null {
  const [numerator, denominator] = (text ?? '').split('/').map(Number)
  return numerator && denominator ? numerator / denominator : null
}

function parse(text: string): Report | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}

function positive(text: string | undefined): number | null {
  const value = Number(text)
  return value > 0 ? value : null
}

function invalid(file: string, what: string): FaceError {
  return new FaceError('INVALID_INPUT', `${file}: ${what}`, { file })
}
