import { join } from 'node:path'
import type { Command } from 'commander'
import {
  FaceError,
  type FrameRecord,
  hasFfmpeg,
  openFrames,
  type PhotoInput,
  VIDEO_FILES,
  VideoFolder,
  type VideoTracker,
} from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { EXIT } from './exit-codes.js'
import {
  addEngineOptions,
  addFaceOptions,
  addOutputOptions,
  createOptions,
  flowOptions,
  type PairFlags,
  positiveInteger,
} from './options.js'
import { type Progress, startProgress } from './progress.js'

interface VideoFlags extends Omit<PairFlags, 'backward'> {
  readonly out: string
  readonly flow: boolean
  readonly fps?: number
}

export function addVideoCommand(program: Command, context: CliContext): void {
  const command = program
    .command('video')
    .summary('flow along a video, from frame to frame and from the first frame')
    .description(
      `Follows a face through a video: ${VIDEO_FILES.log} with one line per frame, flow fields, and an overlay video. ` +
        'Started again with the same input and folder, it goes on where it stopped.',
    )
    .argument(
      '<input>',
      'video file (needs ffmpeg), folder of frames, or a pattern in quotes like "frames/*.jpg"',
    )
    .option('-o, --out <folder>', 'where the files go', 'deepfaceflow-video')
    .option('--no-flow', 'do not save the flow fields (1.2 MB a frame)')
    .option(
      '--fps <n>',
      'frames per second of the overlay video (default: of the input, or 25)',
      positiveInteger,
    )
  addOutputOptions(addEngineOptions(addFaceOptions(command))).action((input: string, flags: VideoFlags) =>
    videoCommand(context, input, flags),
  )
}

async function videoCommand(context: CliContext, input: string, flags: VideoFlags): Promise<void> {
  context.watchesInterrupts()
  const source = await openFrames(input)
  const folder = await VideoFolder.open(flags.out, input, flags.flow)
  const progress = startProgress(context, source.count ?? 0, flags.quiet ?? false)
  try {
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      const tracker = faceFlow.video(flowOptions({ ...flags, backward: false }))
      const records = await trackFrames(context, source, folder, tracker, progress)
      if (context.interrupted.aborted) {
        progress.note(`stopped after ${records.length} frames; the same command goes on from here`)
        throw new ExitRequest(EXIT.interrupted)
      }
      const overlay = await makeOverlay(folder, flags.fps ?? source.rate ?? 25, records, progress)
      const lost = records.filter((record) => record.status === 'no-face').length
      const summary = {
        format: 1,
        input,
        frames: records.length,
        withoutFace: lost,
        overlay,
        weights: faceFlow.weights,
        adapter: faceFlow.adapter,
      }
      await folder.writeSummary(summary)
      progress.stop()
      if (flags.json) context.stdout(`${JSON.stringify({ ...summary, folder: flags.out })}\n`)
      else if (!flags.quiet) {
        const lostNote = lost > 0 ? `, ${lost} without a face` : ''
        context.stdout(
          `${records.length} frames${lostNote} in ${flags.out}${overlay ? `; look at ${join(flags.out, overlay)}` : ''}\n`,
        )
      }
      if (lost > 0) throw new ExitRequest(EXIT.partial)
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
  }
}

/** Works through the frames that have no record yet. @returns all records, earlier ones included */
async function trackFrames(
  context: CliContext,
  source: Awaited<ReturnType<typeof openFrames>>,
  folder: VideoFolder,
  tracker: VideoTracker,
  progress: Progress,
): Promise<FrameRecord[]> {
  const records = [...folder.done]
  const referenceIndex = records.find((record) => record.status === 'reference')?.frame ?? -1
  const lastGood = records.findLast((record) => record.status !== 'no-face')?.frame ?? -1
  let reference: PhotoInput | null = null
  let index = Math.max(0, referenceIndex)
  let started = false
  for (let k = 0; k < index; k++) progress.advance()
  for await (const { name, photo } of source.frames(index, context.interrupted)) {
    if (context.interrupted.aborted) break
    progress.step(name)
    if (index < records.length) {
      // Seen by an earlier run: only the two frames that the tracker goes on from are needed again.
      if (index === referenceIndex) reference = photo
      if (index === lastGood && reference !== null) {
        await tracker.start(reference, photo)
        started = true
      }
    } else if (started) {
      records.push(await trackFrame(folder, tracker, index, name, photo, progress))
    } else {
      const record = await startTracking(folder, tracker, index, name, photo, progress)
      started = record.status === 'reference'
      records.push(record)
    }
    progress.advance()
    index++
  }
  if (!started && !context.interrupted.aborted) {
    throw new FaceError('NO_FACE', `none of the ${records.length} frames shows a face; check the input`)
  }
  return records
}

async function startTracking(
  folder: VideoFolder,
  tracker: VideoTracker,
  frame: number,
  name: string,
  photo: PhotoInput,
  progress: Progress,
): Promise<FrameRecord> {
  return orNoFace(folder, frame, name, progress, async () => {
    await tracker.start(photo)
    return folder.append({ frame, name, status: 'reference' })
  })
}

async function trackFrame(
  folder: VideoFolder,
  tracker: VideoTracker,
  frame: number,
  name: string,
  photo: PhotoInput,
  progress: Progress,
): Promise<FrameRecord> {
  return orNoFace(folder, frame, name, progress, async () =>
    folder.writeStep(frame, name, await tracker.next(photo)),
  )
}

/** A frame without a face, or one that cannot be read, is logged and does not end the video. */
async function orNoFace(
  folder: VideoFolder,
  frame: number,
  name: string,
  progress: Progress,
  work: () => Promise<FrameRecord>,
): Promise<FrameRecord> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof FaceError) || (error.code !== 'NO_FACE' && error.code !== 'INVALID_INPUT'))
      throw error
    progress.note(`frame ${frame}: ${error.message}`)
    return folder.append({ frame, name, status: 'no-face', message: error.message })
  }
}

/** @returns name of the overlay video, or null when there is no ffmpeg to make it */
async function makeOverlay(
  folder: VideoFolder,
  rate: number,
  records: readonly FrameRecord[],
  progress: Progress,
): Promise<string | null> {
  if (!records.some((record) => record.status === 'ok')) return null
  if (!(await hasFfmpeg())) {
    progress.note(
      `no ffmpeg here: the overlay stays as pictures in ${join(folder.folder, VIDEO_FILES.overlays)}`,
    )
    return null
  }
  progress.step('joining the overlay video')
  await folder.joinOverlay(rate)
  return VIDEO_FILES.overlayVideo
}
