import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import {
  assertUnchanged,
  DEFAULT_REFINEMENT,
  FaceError,
  type FaceFlow,
  type FrameRecord,
  type FrameSource,
  framesCsv,
  type HashedFile,
  hashFile,
  openFrames,
  packageFacts,
  VIDEO_FILES,
  type VideoBinding,
  type VideoDamage,
  VideoFolder,
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
} from './options.js'
import { type Progress, startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { framesPerSecond, PICTURE_RATE } from './video-options.js'
import { makeOverlay, NO_OVERLAY, type OverlayFlags } from './video-overlay.js'
import { changedPictures, trackFrames } from './video-track.js'

interface VideoFlags extends Omit<PairFlags, 'backward'>, OverlayFlags {
  readonly out: string
  readonly flow: boolean
  readonly smooth: boolean
  readonly force?: boolean
}

export function addVideoCommand(program: Command, context: CliContext): void {
  const command = program
    .command('video')
    .summary('flow along a video, from frame to frame and from the first frame')
    .description(
      `Follows a face through a video: ${VIDEO_FILES.log} with one line per frame, ${VIDEO_FILES.table}, flow fields, and ` +
        'an overlay video. Started again with the same input and folder, it goes on where it stopped.',
    )
    .argument(
      '<input>',
      'video file (needs ffmpeg), folder of frames, or a pattern in quotes like "frames/*.jpg"',
    )
    .option('-o, --out <folder>', 'where the files go', 'deepfaceflow-video')
    .option('--no-flow', 'do not save the flow fields (1.2 MB a frame)')
    .option('--no-smooth', 'each frame by itself, with what trembles and drifts from frame to frame')
    .option(
      '--fps <rate>',
      'frames per second, like 29.97 or 30000/1001: of pictures (default: 25), or another rate for the overlay of a video',
      framesPerSecond,
    )
    .option(
      '--overlay-scale <px>',
      'template pixels of full colour in the overlay (default: by the motion in the clip)',
      positive,
    )
    .option('--force', 'compute everything again, also in the folder of another input')
  addOutputOptions(addEngineOptions(addFaceOptions(command))).action((input: string, flags: VideoFlags) =>
    videoCommand(context, input, flags),
  )
}

async function videoCommand(context: CliContext, input: string, flags: VideoFlags): Promise<void> {
  context.watchesInterrupts()
  const source = await openFrames(input, context.interrupted)
  const folder = await VideoFolder.open(flags.out, source.path, flags.force ?? false)
  const progress = startProgress(context, source.count ?? 0, flags.quiet ?? false)
  try {
    progress.step('reading the input')
    const video = source.clip && (await hashFile(source.clip.file))
    const changed = await changedPictures(source, folder.earlier)
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      const binding = bindingOf(source, video, faceFlow, flags)
      const notes = await folder.begin(binding, changed, flags.force ?? false)
      for (const note of notes) progress.note(oneLine(note))
      await follow(context, source, folder, faceFlow, flags, binding, video, progress)
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
    await folder.close()
  }
}

async function follow(
  context: CliContext,
  source: FrameSource,
  folder: VideoFolder,
  faceFlow: FaceFlow,
  flags: VideoFlags,
  binding: VideoBinding,
  video: HashedFile | null,
  progress: Progress,
): Promise<void> {
  const tracker = faceFlow.video({ ...flowOptions({ ...flags, backward: false }), smooth: flags.smooth })
  const earlier = folder.records.length
  const damage = await trackFrames(context, source, folder, tracker, progress)
  const { records } = folder
  if (context.interrupted.aborted) {
    progress.note(`stopped after ${records.length} frames; the same command goes on from here`)
    throw new ExitRequest(EXIT.interrupted)
  }
  if (video) await assertUnchanged(video)
  if (damage) progress.note(oneLine(describeDamage(source.path, damage)))
  const time = clockOf(source, flags)
  await folder.write(VIDEO_FILES.table, framesCsv(records, time))
  let failure: unknown
  const overlay = await makeOverlay(context, source, folder, flags, time, earlier, progress).catch(
    (error: unknown) => {
      // Without ffmpeg's help the results are complete all the same, and say so.
      if (!(error instanceof FaceError) || error.code !== 'EXTERNAL_TOOL') throw error
      failure = error
      return NO_OVERLAY
    },
  )
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  const count = (...statuses: FrameRecord['status'][]) =>
    records.filter(({ status }) => statuses.includes(status)).length
  const summary = {
    format: 2,
    input: binding.input,
    ...binding.provenance,
    adapter: binding.adapter,
    date: new Date().toISOString(),
    frames: records.length,
    complete: damage === null,
    damage,
    withFlow: count('ok', 'regained'),
    withoutFace: count('no-face', 'lost'),
    lost: count('lost'),
    regained: count('regained'),
    cuts: records.filter(({ cut }) => cut).length,
    unreadable: count('unreadable'),
    overlay,
  }
  await folder.write(VIDEO_FILES.summary, `${JSON.stringify(summary, null, 2)}\n`)
  if (failure !== undefined) throw failure
  progress.stop()
  if (flags.json) context.stdout(`${JSON.stringify({ ...summary, folder: flags.out })}\n`)
  else if (!flags.quiet) {
    const without = summary.withoutFace > 0 ? `, ${summary.withoutFace} without the face` : ''
    const bad = summary.unreadable > 0 ? `, ${summary.unreadable} unreadable` : ''
    const look = overlay.file === null ? '' : `; look at ${join(flags.out, overlay.file)}`
    context.stdout(`${oneLine(`${records.length} frames${without}${bad} in ${flags.out}${look}`)}\n`)
  }
  if (damage || summary.withoutFace > 0 || summary.unreadable > 0) throw new ExitRequest(EXIT.partial)
}

function bindingOf(
  source: FrameSource,
  video: HashedFile | null,
  { weights, adapter }: FaceFlow,
  flags: VideoFlags,
): VideoBinding {
  const { name, hash, depthHash } = weights
  return {
    input: source.path,
    provenance: {
      version: packageFacts().version,
      weights: { name, hash, depthHash },
      options: {
        refinement: flags.refinement ?? DEFAULT_REFINEMENT,
        extent: flags.extent ?? null,
        face: flags.face ?? null,
        at: flags.at ?? null,
        flow: flags.flow,
        smooth: flags.smooth,
      },
      inputs: video ? { 'the video': video.sha256 } : {},
    },
    adapter,
  }
}

/** When a frame is shown, s: as the video says; pictures follow one another at a constant rate. */
function clockOf(source: FrameSource, flags: VideoFlags): (record: FrameRecord) => number {
  const rate = source.files ? (flags.fps ?? PICTURE_RATE) : (source.rate ?? PICTURE_RATE)
  return ({ time, frame }) => time ?? frame / rate
}

function describeDamage(file: string, { announced, decoded, messages }: VideoDamage): string {
  const count = announced !== null && announced > decoded ? `${decoded} of ${announced}` : String(decoded)
  const why = messages.length > 0 ? ` (ffmpeg: ${messages.join('; ')})` : ''
  return `${file}: damaged or incomplete, ${count} frames could be read${why}; what could be read is in the results`
}

function positive(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('give a number above 0.')
  return value
}
