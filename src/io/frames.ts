import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { escapePath, glob, isDynamicPattern } from 'tinyglobby'
import { FaceError } from '../errors.js'
import type { PhotoInput } from '../geometry/types.js'
import { countFrames, readVideoFrames } from '../platform/node/ffmpeg.js'

/** The frames of a video in order, from wherever they come. */
export interface FrameSource {
  /** Number of frames; an estimate for video files, null when unknown. */
  readonly count: number | null
  /** Frames per second where the source knows it. */
  readonly rate: number | null
  /** Frames from index `from` on, each with a name for messages. */
  frames(from: number, signal: AbortSignal): AsyncGenerator<{ name: string; photo: PhotoInput }>
}

const EXTENSIONS = 'jpg,jpeg,png,webp,avif,tif,tiff,gif'

/**
 * Frames of a folder, of a glob pattern (both sorted by name, numbers by value) or of a video file, which
 * needs ffmpeg.
 * @throws FaceError INVALID_INPUT, EXTERNAL_TOOL
 */
export async function openFrames(input: string): Promise<FrameSource> {
  const info = await stat(input).catch(() => null)
  if (info?.isFile()) {
    const { count, rate } = await countFrames(input)
    return {
      count,
      rate,
      async *frames(from, signal) {
        let index = 0
        for await (const photo of readVideoFrames(input, signal)) {
          if (index >= from) yield { name: `${basename(input)} frame ${index}`, photo }
          index++
        }
      },
    }
  }
  if (!info && !isDynamicPattern(input)) {
    throw invalid(
      input,
      'does not exist; give a video file, a folder of frames or a pattern like "frames/*.jpg"',
    )
  }
  const files = await listFrames(info ? join(escapePath(input), `*.{${EXTENSIONS}}`) : input)
  if (files.length < 2) {
    throw invalid(
      input,
      `has ${files.length} frame${files.length === 1 ? '' : 's'}; at least two pictures are needed`,
    )
  }
  return {
    count: files.length,
    rate: null,
    async *frames(from) {
      for (const file of files.slice(from)) yield { name: file, photo: file }
    },
  }
}

async function listFrames(pattern: string): Promise<string[]> {
  // Patterns use / on every system.
  const files = await glob(pattern.replaceAll('\\', '/'), {
    caseSensitiveMatch: false,
    expandDirectories: false,
  })
  const collator = new Intl.Collator('en', { numeric: true })
  return files.sort(collator.compare).map((file) => resolve(file))
}

function invalid(file: string, what: string): FaceError {
  return new FaceError('INVALID_INPUT', `${file}: ${what}`, { file })
}
