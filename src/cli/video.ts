import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { FaceError, openFrames, photoFile, VIDEO_FILES } from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { JOBS_HELP, jobsFlag } from './crew.js'
import { EXIT } from './exit-codes.js'
import { addEngineOptions, addFaceOptions, addOutputOptions } from './options.js'
import { startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { framesPerSecond } from './video-options.js'
import { runVideo, type VideoFlags } from './video-run.js'
import { isPartial, type VideoSummary } from './video-summary.js'
import { serveVideos, videosCommand } from './videos.js'
import { SharedEngine, shownBy } from './workbench.js'

export function addVideoCommand(program: Command, context: CliContext): void {
  const command = program
    .command('video')
    .summary('flow along videos, from frame to frame and from the first frame')
    .description(
      `Follows a face through a video: ${VIDEO_FILES.log} with one line per frame, ${VIDEO_FILES.table}, flow fields, and ` +
        'an overlay video. Started again with the same input and folder, it goes on where it stopped. Of several videos each has a ' +
        'folder of its own, <out>/<name>; one that cannot be used is reported and does not stop the rest.',
    )
    .argument(
      '<inputs...>',
      'video files (need ffmpeg), folders of frames, or patterns in quotes like "frames/*.jpg"',
    )
    .option('-o, --out <folder>', 'where the files go', 'deepfaceflow-video')
    .option('--no-flow', 'do not save the flow fields (1.2 MB a frame)')
    .option('--no-smooth', 'each frame by itself, with what trembles and drifts from frame to frame')
    .option(
      '--expression',
      `also read what the face does: ${VIDEO_FILES.expressions}, as the command expression writes it`,
    )
    .option(
      '--neutral <photo>',
      'for --expression: the same person at rest, against which coefficients are told',
      (text) => photoFile(text, '--neutral'),
    )
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
    .option('--jobs <n>', JOBS_HELP, jobsFlag, 'auto')
    .option('--force', 'compute everything again, also in the folder of another input')
  addOutputOptions(addEngineOptions(addFaceOptions(command))).action((inputs: string[], flags: VideoFlags) =>
    videoCommand(context, inputs, flags),
  )
}

async function videoCommand(
  context: CliContext,
  inputs: readonly string[],
  flags: VideoFlags,
): Promise<void> {
  context.watchesInterrupts()
  if (flags.neutral !== undefined && !flags.expression) {
    throw new FaceError('INVALID_ARGUMENT', '--neutral: is for coefficients; give --expression too')
  }
  if (context.desk !== null) return await serveVideos(context, context.desk, flags)
  if (inputs.length > 1) return await videosCommand(context, inputs, flags)
  if (flags.jobs !== 'auto' && flags.jobs > 1) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `--jobs ${flags.jobs}: one video is one job, for each of its frames is followed from the one before it; name several videos, ` +
        'or leave --jobs away',
    )
  }
  await oneVideo(context, inputs[0] as string, flags)
}

async function oneVideo(context: CliContext, input: string, flags: VideoFlags): Promise<void> {
  const source = await openFrames(input, context.interrupted)
  const progress = startProgress(context, source.count ?? 0, flags.quiet ?? false)
  const engine = new SharedEngine(context, flags, shownBy(progress))
  try {
    const open = () => engine.open()
    const { summary } = await runVideo(context, source, flags.out, flags, open, progress)
    progress.stop()
    if (summary === null) throw new ExitRequest(EXIT.interrupted)
    report(context, flags, summary)
    if (isPartial(summary)) throw new ExitRequest(EXIT.partial)
  } finally {
    progress.stop()
    await engine.close()
  }
}

function report(context: CliContext, flags: VideoFlags, summary: VideoSummary): void {
  if (flags.json) context.stdout(`${JSON.stringify({ ...summary, folder: flags.out })}\n`)
  else if (!flags.quiet) {
    const { frames, withoutFace, unreadable, overlay } = summary
    const without = withoutFace > 0 ? `, ${withoutFace} without the face` : ''
    const bad = unreadable > 0 ? `, ${unreadable} unreadable` : ''
    const look = overlay.file === null ? '' : `; look at ${join(flags.out, overlay.file)}`
    context.stdout(`${oneLine(`${frames} frames${without}${bad} in ${flags.out}${look}`)}\n`)
  }
}

function positive(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('give a number above 0.')
  return value
}
