import type { Command } from 'commander'
import {
  type AnimatingFaceFlow,
  type Animation,
  AnimationFolder,
  animationManifest,
  assertUnchanged,
  type CoverStretch,
  coverStretches,
  type FrameSource,
  LARGEST_TURN,
  type VideoBinding,
  type VideoDamage,
  writeFileAtomic,
} from '../index.js'
import { openDriver } from './animate-driver.js'
import { type Drawn, drawFrames, driverFaces, observeFrames } from './animate-frames.js'
import { assertApart, bindingOf, type Inputs, listInputs, readInputs, readPhotos } from './animate-inputs.js'
import { type AnimateFlags, addAnimateOptions, animateOptions, assertOneMeaning } from './animate-options.js'
import { assertFits, assertOwn, joinVideo, type Target, targetOf } from './animate-target.js'
import { type CliContext, ExitRequest } from './context.js'
import { EXIT } from './exit-codes.js'
import { createOptions } from './options.js'
import { type Progress, startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { assertNoRate } from './video-options.js'
import { changedPictures } from './video-track.js'

export function addAnimateCommand(program: Command, context: CliContext): void {
  const command = program
    .command('animate')
    .summary('a photo that moves as the face of a video does')
    .description(
      "Moves the face of a photo by a driver's: expression, gaze and head. Only for photos of people who agreed to it. Every output " +
        'says in its metadata that it is synthetic. Started again with the same arguments, it goes on where it stopped.',
    )
    .argument('<photo>', 'photo of a face from the front')
    .argument(
      '<driver>',
      'video of any face (needs ffmpeg; also through a pipe), folder of frames, or a pattern in quotes',
    )
  addAnimateOptions(command).action((photo: string, driver: string, flags: AnimateFlags) =>
    animateCommand(context, photo, driver, flags),
  )
}

async function animateCommand(
  context: CliContext,
  photo: string,
  driver: string,
  flags: AnimateFlags,
): Promise<void> {
  context.watchesInterrupts()
  assertOneMeaning(flags)
  const target = await targetOf(flags.out)
  await assertOwn(target, flags.force ?? false)
  const photos = await readPhotos(photo, flags)
  assertFits(target, photos)
  const source = await openDriver(driver, context.interrupted)
  try {
    if (source.clip) assertNoRate(driver, flags.fps)
    await animateBy(context, target, await readInputs(photos, source, flags), flags)
  } finally {
    await source.close()
  }
}

async function animateBy(
  context: CliContext,
  target: Target,
  inputs: Inputs,
  flags: AnimateFlags,
): Promise<void> {
  const photo = inputs.photo.file
  const folder = await AnimationFolder.open(target.folder)
  const progress = startProgress(context, 2 * (inputs.driver.count ?? 0), flags.quiet ?? false)
  try {
    await assertApart(inputs.driver, target.folder)
    for (const note of inputs.driver.notes) progress.note(`note: ${oneLine(note)}`)
    const changed = await changedPictures(inputs.driver, folder.earlier)
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      const binding = bindingOf(inputs, faceFlow, flags)
      progress.step('preparing the photo')
      const animation = await faceFlow.animate(photo, {
        ...animateOptions(flags),
        signal: context.interrupted,
      })
      try {
        // Not before the photo is known to be one of a face: a refusal leaves no log, and with --force what is there.
        for (const note of await folder.begin(binding, changed, flags.force ?? false))
          progress.note(oneLine(note))
        await make(context, inputs, target, folder, faceFlow, animation, binding, flags, progress)
      } finally {
        animation.dispose()
      }
    } finally {
      faceFlow.dispose()
    }
  } catch (error) {
    if (!context.interrupted.aborted) {
      await folder.dropIfEmpty()
      throw error
    }
    progress.note(`stopped after ${folder.records.length} frames; the same command goes on from here`)
    throw new ExitRequest(EXIT.interrupted)
  } finally {
    progress.stop()
    await folder.close()
  }
}

async function make(
  context: CliContext,
  inputs: Inputs,
  target: Target,
  folder: AnimationFolder,
  faceFlow: AnimatingFaceFlow,
  animation: Animation,
  binding: VideoBinding,
  flags: AnimateFlags,
  progress: Progress,
): Promise<void> {
  const { driver } = inputs
  const { damage, notes, referenceBoxes } = await observeFrames(
    context,
    driver,
    folder,
    faceFlow,
    animation,
    flags,
    progress,
  )
  context.interrupted.throwIfAborted()
  const drawn = await drawFrames(context, driver, folder, animation, flags, progress)
  context.interrupted.throwIfAborted()
  for (const file of [inputs.photo, ...inputs.sources, ...(inputs.video ? [inputs.video] : [])]) {
    await assertUnchanged(file)
  }
  const reference = folder.reference ?? 0
  const followed = await driverFaces(context, driver, reference, referenceBoxes, faceFlow, flags)
  const warnings = [
    ...driver.notes,
    ...notes,
    ...animation.warnings,
    ...followed,
    ...warningsOf(driver, folder, drawn, damage),
  ]
  const held = folder.observed.filter(({ status }) => status === 'held').length
  const { version, weights, options } = binding.provenance
  const manifest = animationManifest({
    tool: { name: 'deepfaceflow', version },
    weights,
    adapter: binding.adapter,
    inputs: listInputs(inputs, folder),
    options,
    reference,
    frames: folder.records.length,
    held,
    complete: damage === null,
    beyond: drawn.beyond,
    warnings,
  })
  await writeFileAtomic(target.manifest, `${JSON.stringify(manifest, null, 2)}\n`)
  if (target.video) {
    progress.step('joining the video')
    await joinVideo(driver, target.video, folder, flags, warnings)
    await folder.discard()
  }
  progress.stop()
  if (flags.json) context.stdout(`${JSON.stringify({ ...manifest, warnings, out: flags.out })}\n`)
  else if (!flags.quiet) {
    const isNew = (warning: string) => !driver.notes.includes(warning)
    for (const warning of warnings.filter(isNew)) context.stderr(`note: ${oneLine(warning)}\n`)
    context.stdout(
      `${oneLine(`${manifest.frames} frames in ${flags.out}, moved against frame ${manifest.reference}`)}\n`,
    )
  }
  if (damage || held > 0) throw new ExitRequest(EXIT.partial)
}

/** One a part. */
function coverWarnings(path: string, observed: AnimationFolder['observed']): string[] {
  const all = coverStretches(observed)
  return [...new Set(all.map(({ part }) => part))].map((part) => {
    const stretches = all.filter((stretch) => stretch.part === part)
    const frames = stretches.reduce((sum, stretch) => sum + stretch.frames, 0)
    const [{ first, told }] = stretches as [CoverStretch]
    const times = stretches.length === 1 ? '' : `, ${stretches.length} times`
    return (
      `${path}: in ${frames} of ${observed.length} frames something seems to cover the driver's ${part}${times}, first from frame ${first} on (${told}); ` +
      `the photo's ${part} is held there, then at rest.`
    )
  })
}

function warningsOf(
  { path }: FrameSource,
  { observed }: AnimationFolder,
  { beyond }: Drawn,
  damage: VideoDamage | null,
): string[] {
  const warnings: string[] = []
  const held = observed.filter(({ status }) => status === 'held').length
  if (held > 0) {
    warnings.push(
      `${path}: ${held} of ${observed.length} frames do not show the driver's face; the motion before is held there.`,
    )
  }
  warnings.push(...coverWarnings(path, observed))
  if (beyond) {
    warnings.push(
      `${path}: the driver turns by up to ${Math.abs(beyond.yaw).toFixed(0)} degrees to the side and ${Math.abs(beyond.pitch).toFixed(0)} up or ` +
        `down, which the photo does not show; ${beyond.frames} frames are held at ${LARGEST_TURN.yaw} and ${LARGEST_TURN.pitch}.`,
    )
  }
  if (damage) {
    warnings.push(`${path}: damaged or incomplete, ${damage.decoded} frames could be read.`)
  }
  return warnings
}
