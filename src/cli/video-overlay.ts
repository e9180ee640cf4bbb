import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  drawOverlays,
  FaceError,
  type FrameRecord,
  type FrameSource,
  hasFfmpeg,
  hasOverlay,
  joinOverlay,
  overlayScale,
  VIDEO_FILES,
  type VideoFolder,
} from '../index.js'
import type { CliContext } from './context.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'

export interface OverlayFlags {
  /** Frames per second. */
  readonly fps?: number
  /** Template px of full colour. */
  readonly overlayScale?: number
}

/** What video.json says about the overlay. */
export interface OverlaySummary {
  /** Null where there is no video: no flow, or no ffmpeg. */
  readonly file: string | null
  /** Template px of full colour; null where nothing was drawn. */
  readonly scale: number | null
  /** Frames per second; null where each frame is shown at its own time. */
  readonly rate: number | null
  readonly sound: boolean
}

export const NO_OVERLAY: OverlaySummary = { file: null, scale: null, rate: null, sound: false }

/**
 * Draws and joins the overlay, as far as an earlier run has not.
 * @param clock when a frame is shown, s
 * @param earlier number of frames that an earlier run computed
 */
export async function makeOverlay(
  context: CliContext,
  source: FrameSource,
  folder: VideoFolder,
  flags: OverlayFlags,
  clock: (record: FrameRecord) => number,
  earlier: number,
  progress: Progress,
): Promise<OverlaySummary> {
  const { records } = folder
  if (!hasOverlay(records)) return NO_OVERLAY
  const scale = flags.overlayScale ?? overlayScale(records)
  const rate = flags.fps ?? null
  const before = earlier === records.length && (await isDrawn(folder)) ? await summaryOf(folder) : null
  if (before?.scale !== scale) {
    await drawOverlays(folder, source, scale, context.interrupted, (frame) =>
      progress.step(`drawing the overlay, frame ${frame}`),
    )
  }
  if (context.interrupted.aborted) return NO_OVERLAY
  if (!(await hasFfmpeg())) {
    progress.note(
      oneLine(
        `no ffmpeg here: the overlay stays as pictures in ${join(folder.folder, VIDEO_FILES.overlays)}`,
      ),
    )
    return { ...NO_OVERLAY, scale }
  }
  if (before?.file && before.scale === scale && before.rate === rate) return before
  progress.step('joining the overlay video')
  const time = rate === null ? clock : ({ frame }: FrameRecord) => frame / rate
  const { clip } = source
  // At another rate the sound would run away from the pictures.
  const sound = clip?.sound && rate === null ? { ...clip, codec: clip.sound } : null
  try {
    await joinOverlay(folder, time, sound)
    return { file: VIDEO_FILES.overlayVideo, scale, rate, sound: sound !== null }
  } catch (error) {
    if (sound === null || !(error instanceof FaceError)) throw error
    progress.note(oneLine(`the overlay has no sound: ${error.message}`))
    await joinOverlay(folder, time, null)
    return { file: VIDEO_FILES.overlayVideo, scale, rate, sound: false }
  }
}

/** Whether the pictures of an earlier run are all there. */
async function isDrawn(folder: VideoFolder): Promise<boolean> {
  const names = new Set(await readdir(join(folder.folder, VIDEO_FILES.overlays)))
  return folder.records.every(
    ({ frame, status }) => status === 'unreadable' || names.has(basename(folder.overlayFile(frame, '.jpg'))),
  )
}

async function summaryOf({ folder }: VideoFolder): Promise<OverlaySummary | null> {
  try {
    const { overlay } = JSON.parse(await readFile(join(folder, VIDEO_FILES.summary), 'utf8')) as {
      overlay?: OverlaySummary
    }
    return overlay ?? null
  } catch {
    return null
  }
}
