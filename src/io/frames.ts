import { basename, resolve } from 'node:path'
import type { PhotoInput } from '../geometry/types.js'
import { readVideoFrames } from '../platform/node/video-decode.js'
import type { ClockGaps, VideoDamage } from '../platform/node/video-frame.js'
import { probeVideo } from '../platform/node/video-probe.js'
import { findFrameFiles } from './frame-files.js'

/** One frame of a source. */
export interface SourceFrame {
  /** For messages. */
  readonly name: string
  readonly photo: PhotoInput
  /** Seconds from the start of the video; null for pictures, and where a video does not say. */
  readonly time: number | null
}

/** The frames of a video in order, from wherever they come. */
export interface FrameSource {
  /** Absolute path or pattern. */
  readonly path: string
  /** Number of frames; an estimate for video files, null when unknown. */
  readonly count: number | null
  /** Frames per second where the source knows it. */
  readonly rate: number | null
  /** The pictures; null for a video file. */
  readonly files: readonly string[] | null
  /** The video file's start, s, and the codec of its sound; null for pictures. */
  readonly clip: { readonly file: string; readonly start: number; readonly sound: string | null } | null
  /** What a person should know of them, one sentence each. */
  readonly notes: readonly string[]
  /**
   * Frames from index `from` on.
   * @param onDamage called after the last frame of a video file that could not be read wholly
   * @param onNote called after the last frame with what a person should know of their times
   * @throws FaceError INVALID_INPUT, EXTERNAL_TOOL
   */
  frames(
    from: number,
    signal: AbortSignal,
    onDamage?: (damage: VideoDamage) => void,
    onNote?: (note: string) => void,
  ): AsyncGenerator<SourceFrame>
}

/**
 * Frames of a folder, of a glob pattern (both sorted by name, numbers by value) or of a video file, which
 * needs ffmpeg. A name that exists is never read as a pattern.
 * @throws FaceError INVALID_INPUT, EXTERNAL_TOOL
 */
export async function openFrames(input: string, signal?: AbortSignal): Promise<FrameSource> {
  const found = await findFrameFiles(input, signal)
  if (found.kind === 'pictures') {
    const { files, skipped } = found
    return {
      path: resolve(input),
      count: files.length,
      rate: null,
      files,
      clip: null,
      notes: skipped === null ? [] : [skipped],
      async *frames(from) {
        for (const file of files.slice(from)) yield { name: file, photo: file, time: null }
      },
    }
  }
  const { file } = found
  const header = await probeVideo(file)
  const { count, rate, duration, start, sound } = header
  return {
    path: resolve(file),
    count: count ?? (rate !== null && duration !== null ? Math.round(rate * duration) : null),
    rate,
    files: null,
    clip: { file, start, sound },
    notes: [],
    async *frames(from, stop, onDamage, onNote) {
      let index = 0
      const onEnd = (damage: VideoDamage | null, gaps: ClockGaps | null) => {
        if (damage) onDamage?.(damage)
        if (gaps) onNote?.(describeGaps(file, gaps))
      }
      for await (const { image, time } of readVideoFrames(file, header, stop, onEnd)) {
        if (index >= from) yield { name: `${basename(file)} frame ${index}`, photo: image, time }
        index++
      }
    },
  }
}

function describeGaps(file: string, { first, count, seconds }: ClockGaps): string {
  const hours = `by ${(seconds / 3600).toFixed(1)} hours`
  const where =
    count === 1 ? `${hours} at frame ${first}` : `${count} times, ${hours} in all, first at frame ${first}`
  return `${file}: its clock jumps ahead ${where}, as where recordings were joined; that is left out, and times go on from the frame before`
}
