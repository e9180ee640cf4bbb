import {
  assertUnchanged,
  computedBy,
  type ExpressiveFaceFlow,
  FaceError,
  type FaceFlow,
  type FrameRecord,
  type FrameSource,
  framesCsv,
  type HashedFile,
  hashFile,
  VIDEO_FILES,
  type VideoBinding,
  VideoFolder,
  videoExpressionsCsv,
} from '../index.js'
import type { CliContext } from './context.js'
import type { JobsFlag } from './crew.js'
import { boundOptions, flowOptions, type PairFlags } from './options.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { PICTURE_RATE } from './video-options.js'
import { makeOverlay, NO_OVERLAY, type OverlayFlags } from './video-overlay.js'
import { describeDamage, type VideoSummary, videoSummary } from './video-summary.js'
import { changedPictures, expressionReader, type ReadFace, trackFrames } from './video-track.js'

export interface VideoFlags extends Omit<PairFlags, 'backward'>, OverlayFlags {
  readonly out: string
  readonly jobs: JobsFlag
  readonly flow: boolean
  readonly smooth: boolean
  readonly expression?: boolean
  readonly neutral?: string
  readonly force?: boolean
}

/** What a run on one video has come to. */
export interface VideoRun {
  /** Null where it was interrupted. */
  readonly summary: VideoSummary | null
  /** Frames that this run computed. */
  readonly computed: number
}

/**
 * Follows a face through one video; an earlier run in the same folder is gone on with.
 * @param out the video's folder
 * @throws EXTERNAL_TOOL, once all else is complete, where ffmpeg does not join the overlay
 */
export async function runVideo(
  context: CliContext,
  source: FrameSource,
  out: string,
  flags: VideoFlags,
  open: () => Promise<ExpressiveFaceFlow>,
  progress: Progress,
): Promise<VideoRun> {
  const rest = flags.neutral === undefined ? null : await hashFile(flags.neutral)
  const folder = await VideoFolder.open(out, source.path, flags.force ?? false)
  try {
    progress.step('reading the input')
    const video = source.clip && (await hashFile(source.clip.file))
    const changed = await changedPictures(source, folder.earlier)
    const faceFlow = await open()
    const reader = flags.expression ? await expressionReader(faceFlow, flags.neutral) : null
    const binding = bindingOf(source, video, rest, faceFlow, flags)
    const notes = await folder.begin(binding, changed, flags.force ?? false)
    for (const note of [...source.notes, ...notes]) progress.note(oneLine(note))
    return await follow(context, source, folder, faceFlow, reader, flags, binding, video, progress)
  } catch (error) {
    if (!context.interrupted.aborted) await folder.dropIfEmpty()
    throw error
  } finally {
    await folder.close()
  }
}

async function follow(
  context: CliContext,
  source: FrameSource,
  folder: VideoFolder,
  faceFlow: ExpressiveFaceFlow,
  reader: ReadFace | null,
  flags: VideoFlags,
  binding: VideoBinding,
  video: HashedFile | null,
  progress: Progress,
): Promise<VideoRun> {
  const tracker = faceFlow.video({ ...flowOptions({ ...flags, backward: false }), smooth: flags.smooth })
  const earlier = folder.records.length
  const time = clockOf(source, flags)
  const damage = await trackFrames(context, source, folder, tracker, reader, progress)
  const { records } = folder
  const computed = records.length - earlier
  if (context.interrupted.aborted) {
    progress.note(`stopped after ${records.length} frames; the same command goes on from here`)
    return { summary: null, computed }
  }
  if (video) await assertUnchanged(video)
  if (damage) progress.note(oneLine(describeDamage(source.path, damage)))
  await folder.write(VIDEO_FILES.table, framesCsv(records, time))
  if (flags.expression) {
    const nameOf = ({ name }: FrameRecord) => (source.files ? name : source.path)
    const table = await videoExpressionsCsv(folder.logged(), nameOf, time, flags.smooth)
    await folder.write(VIDEO_FILES.expressions, table)
  }
  let failure: unknown
  const overlay = await makeOverlay(context, source, folder, flags, time, earlier, progress).catch(
    (error: unknown) => {
      // Without ffmpeg's help the results are complete all the same, and say so.
      if (!(error instanceof FaceError) || error.code !== 'EXTERNAL_TOOL') throw error
      failure = error
      return NO_OVERLAY
    },
  )
  if (context.interrupted.aborted) return { summary: null, computed }
  const summary = videoSummary(binding, records, damage, overlay)
  await folder.write(VIDEO_FILES.summary, `${JSON.stringify(summary, null, 2)}\n`)
  if (failure !== undefined) throw failure
  return { summary, computed }
}

function bindingOf(
  source: FrameSource,
  video: HashedFile | null,
  neutral: HashedFile | null,
  { weights, adapter }: FaceFlow,
  flags: VideoFlags,
): VideoBinding {
  return {
    input: source.path,
    provenance: {
      ...computedBy(weights),
      options: {
        ...boundOptions(flags),
        flow: flags.flow,
        smooth: flags.smooth,
        // Absent where it is not asked for: what earlier versions computed without it stands.
        ...(flags.expression && { expression: true }),
      },
      inputs: {
        ...(video && { 'the video': video.sha256 }),
        ...(neutral && { 'the neutral photo': neutral.sha256 }),
      },
    },
    adapter,
  }
}

/** When a frame is shown, s: as the video says; pictures follow one another at a constant rate. */
function clockOf(
  source: FrameSource,
  flags: VideoFlags,
): (record: Pick<FrameRecord, 'time' | 'frame'>) => number {
  const rate = source.files ? (flags.fps ?? PICTURE_RATE) : (source.rate ?? PICTURE_RATE)
  return ({ time, frame }) => time ?? frame / rate
}
