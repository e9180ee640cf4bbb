import { lstat, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import {
  ANIMATION_FILES,
  type AnimationFolder,
  type AnimationManifest,
  FaceError,
  type FrameSource,
  hasFfmpeg,
  joinAnimation,
  probeOutputFile,
  type VideoFormat,
} from '../index.js'
import type { Photos } from './animate-inputs.js'
import type { AnimateFlags } from './animate-options.js'
import { PICTURE_RATE } from './video-options.js'

/** Where the result goes: a folder of pictures, or a video and the folder that it is made from. */
export interface Target {
  readonly folder: string
  readonly manifest: string
  readonly video: { readonly file: string; readonly format: VideoFormat } | null
}

/** Longest side that players show, px. */
const LONGEST_VIDEO_SIDE = 8192

/** Kinds of videos and pictures that somebody might expect. */
const OTHER_KINDS =
  /^\.(mov|mkv|avi|m4v|mpe?g|ts|m2?ts|wmv|flv|3gp|ogv|mxf|y4m|gif|a?png|jpe?g|webp|avif|tiff?|bmp)$/i

/** @throws FaceError INVALID_ARGUMENT for a kind of file that cannot be written; EXTERNAL_TOOL for a video without ffmpeg */
export async function targetOf(out: string): Promise<Target> {
  // A name that ends in a separator is a folder's, whatever comes before.
  const extension = out.endsWith('/') || out.endsWith(sep) ? '' : extname(out)
  const format = /^\.(mp4|webm)$/i.exec(extension)?.[1]?.toLowerCase() as VideoFormat | undefined
  if (format === undefined) {
    if (OTHER_KINDS.test(extension)) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `${out}: ${extension} cannot be written; end the name in .mp4 or .webm, or give a folder`,
        { out },
      )
    }
    return { folder: out, manifest: join(out, ANIMATION_FILES.manifest), video: null }
  }
  if (!(await hasFfmpeg())) {
    throw new FaceError(
      'EXTERNAL_TOOL',
      `${out}: a video needs ffmpeg, which was not found; install it, or give a folder with -o`,
      { program: 'ffmpeg' },
    )
  }
  return { folder: `${out}.frames`, manifest: `${out}.json`, video: { file: out, format } }
}

/**
 * Before the work, after which it would be noticed.
 * @throws FaceError OUTPUT_FAILED where a folder is in the way, a video or what is said of it would be replaced that is not of this command,
 * or files by these names cannot be written
 */
export async function assertOwn({ video, manifest }: Target, isForced: boolean): Promise<void> {
  if (video === null) return
  const isOurs = await isManifest(manifest)
  for (const file of [video.file, manifest]) {
    const there = await lstat(file).catch(() => null)
    if (there?.isDirectory()) {
      throw new FaceError('OUTPUT_FAILED', `${file}: is a folder; choose another name with -o`, { file })
    }
    if (there === null || isForced || isOurs) continue
    throw new FaceError(
      'OUTPUT_FAILED',
      `${file}: exists and was not made by this command; choose another name with -o, or --force to replace it`,
      { file },
    )
  }
  // Of all names that the video's is made to, this one is the longest on the way.
  await probeOutputFile(manifest)
}

async function isManifest(file: string): Promise<boolean> {
  try {
    const { synthetic, tool } = JSON.parse(await readFile(file, 'utf8')) as Partial<AnimationManifest>
    return synthetic === true && tool?.name === 'deepfaceflow'
  } catch {
    return false
  }
}

/** @throws FaceError INVALID_INPUT where a photo is larger than a video can be */
export function assertFits({ video }: Target, { photo: { file: photo }, width, height }: Photos): void {
  if (video && Math.max(width, height) > LONGEST_VIDEO_SIDE) {
    throw new FaceError(
      'INVALID_INPUT',
      `${photo}: ${width}x${height} px are more than a video's sides of ${LONGEST_VIDEO_SIDE} px; give a folder with -o, or a smaller photo`,
      { photo, width, height, limit: LONGEST_VIDEO_SIDE },
    )
  }
}

/** With the driver's sound, and without it where that cannot be put in. */
export async function joinVideo(
  driver: FrameSource,
  { file, format }: NonNullable<Target['video']>,
  folder: AnimationFolder,
  { fps = PICTURE_RATE }: AnimateFlags,
  warnings: string[],
): Promise<void> {
  const rate = driver.rate ?? fps
  const time = (frame: number) => folder.records[frame]?.time ?? frame / rate
  const { clip } = driver
  const sound = clip?.sound ? { ...clip, codec: clip.sound } : null
  try {
    await joinAnimation(folder, file, format, time, sound)
  } catch (error) {
    if (sound === null || !(error instanceof FaceError) || error.code === 'OUTPUT_FAILED') throw error
    warnings.push(`the video has no sound: ${error.message}`)
    await joinAnimation(folder, file, format, time, null)
  }
}
