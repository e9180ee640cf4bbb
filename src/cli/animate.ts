import { lstat } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import {
  ANIMATION_FILES,
  type AnimatingFaceFlow,
  type Animation,
  AnimationFolder,
  animationManifest,
  assertUnchanged,
  computedBy,
  DEFAULT_REFINEMENT,
  decodePhoto,
  FaceError,
  type FrameSource,
  type HashedFile,
  hasFfmpeg,
  hashFile,
  joinAnimation,
  LARGEST_TURN,
  photoFile,
  type VideoBinding,
  type VideoDamage,
  type VideoFormat,
  writeFileAtomic,
} from '../index.js'
import { openDriver } from './animate-driver.js'
import { type Drawn, drawFrames, driverFaces, observeFrames } from './animate-frames.js'
import { type AnimateFlags, addAnimateOptions, animateOptions } from './animate-options.js'
import { type CliContext, ExitRequest } from './context.js'
import { EXIT } from './exit-codes.js'
import { createOptions } from './options.js'
import { type Progress, startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { PICTURE_RATE } from './video-options.js'
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
    .argument('<driver>', 'video of any face (needs ffmpeg), folder of frames, or a pattern in quotes')
  addAnimateOptions(command).action((photo: string, driver: string, flags: AnimateFlags) =>
    animateCommand(context, photo, driver, flags),
  )
}

/** All that the command reads. */
interface Inputs {
  readonly photo: HashedFile
  readonly sources: readonly HashedFile[]
  readonly driver: FrameSource
  /** Null for pictures, whose hashes are in the log. */
  readonly video: HashedFile | null
}

/** Where the result goes: a folder of pictures, or a video and the folder that it is made from. */
interface Target {
  readonly folder: string
  readonly manifest: string
  readonly video: { readonly file: string; readonly format: VideoFormat } | null
}

/** Longest side that players show, px. */
const LONGEST_VIDEO_SIDE = 8192

async function animateCommand(
  context: CliContext,
  photo: string,
  driver: string,
  flags: AnimateFlags,
): Promise<void> {
  context.watchesInterrupts()
  const target = await targetOf(flags.out)
  await assertOwn(target, flags.force ?? false)
  const source = await openDriver(driver, context.interrupted)
  try {
    await animateBy(context, target, await readInputs(photo, source, flags), flags)
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
  const { width, height } = await decodePhoto(photo)
  if (target.video && Math.max(width, height) > LONGEST_VIDEO_SIDE) {
    throw new FaceError(
      'INVALID_INPUT',
      `${photo}: ${width}x${height} px are more than a video's sides of ${LONGEST_VIDEO_SIDE} px; give a folder with -o, or a smaller photo`,
      { photo, width, height, limit: LONGEST_VIDEO_SIDE },
    )
  }
  const folder = await AnimationFolder.open(target.folder)
  const progress = startProgress(context, 2 * (inputs.driver.count ?? 0), flags.quiet ?? false)
  try {
    const changed = await changedPictures(inputs.driver, folder.earlier)
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      const binding = bindingOf(inputs, faceFlow, flags)
      for (const note of await folder.begin(binding, changed, flags.force ?? false))
        progress.note(oneLine(note))
      progress.step('preparing the photo')
      const animation = await faceFlow.animate(photo, {
        ...animateOptions(flags),
        signal: context.interrupted,
      })
      try {
        await make(context, inputs, target, folder, faceFlow, animation, binding, flags, progress)
      } finally {
        animation.dispose()
      }
    } finally {
      faceFlow.dispose()
    }
  } catch (error) {
    if (!context.interrupted.aborted) throw error
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
  const { damage, referenceBoxes } = await observeFrames(
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
  const warnings = [...animation.warnings, ...followed, ...warningsOf(driver, folder, drawn, damage)]
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
    await joinVideo(inputs, target.video, folder, flags, warnings)
    await folder.discard()
  }
  progress.stop()
  if (flags.json) context.stdout(`${JSON.stringify({ ...manifest, warnings, out: flags.out })}\n`)
  else if (!flags.quiet) {
    for (const warning of warnings) context.stderr(`note: ${oneLine(warning)}\n`)
    context.stdout(
      `${oneLine(`${manifest.frames} frames in ${flags.out}, moved against frame ${manifest.reference}`)}\n`,
    )
  }
  if (damage || held > 0) throw new ExitRequest(EXIT.partial)
}

/** With the driver's sound, and without it where that cannot be put in. */
async function joinVideo(
  { driver }: Inputs,
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
    if (sound === null || !(error instanceof FaceError)) throw error
    warnings.push(`the video has no sound: ${error.message}`)
    await joinAnimation(folder, file, format, time, null)
  }
}

async function targetOf(out: string): Promise<Target> {
  const format = /^\.(mp4|webm)$/i.exec(extname(out))?.[1]?.toLowerCase() as VideoFormat | undefined
  if (format === undefined) {
    if (/^\.(mov|mkv|avi|gif|m4v|png|jpe?g)$/i.test(extname(out))) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `${out}: ${extname(out)} cannot be written; end the name in .mp4 or .webm, or give a folder`,
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

/** @throws FaceError OUTPUT_FAILED where a video would be replaced that has no manifest of ours beside it */
async function assertOwn({ video, manifest }: Target, isForced: boolean): Promise<void> {
  if (video === null || isForced) return
  const exists = (file: string) =>
    lstat(file).then(
      () => true,
      () => false,
    )
  if (!(await exists(video.file)) || (await exists(manifest))) return
  throw new FaceError(
    'OUTPUT_FAILED',
    `${video.file}: exists and was not made by this command; choose another name with -o, or --force to replace it`,
    { file: video.file },
  )
}

async function readInputs(photo: string, driver: FrameSource, flags: AnimateFlags): Promise<Inputs> {
  const hashed = await hashFile(photoFile(photo, 'the photo'))
  const sources: HashedFile[] = []
  for (const source of flags.source) sources.push(await hashFile(photoFile(source, 'the source')))
  const video = driver.clip && (await hashFile(driver.clip.file))
  const read = [hashed.file, ...sources.map(({ file }) => file), ...(video ? [video.file] : [])]
  if (read.some((file) => resolve(file) === resolve(flags.out))) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${flags.out}: would replace what it is made of; give another name with -o`,
    )
  }
  return { photo: hashed, sources, driver, video }
}

function bindingOf(
  { photo, sources, driver, video }: Inputs,
  { weights, adapter }: AnimatingFaceFlow,
  flags: AnimateFlags,
): VideoBinding {
  const { strengths } = animateOptions(flags)
  return {
    input: driver.path,
    provenance: {
      ...computedBy(weights),
      options: {
        refinement: flags.refinement ?? DEFAULT_REFINEMENT,
        extent: flags.extent ?? null,
        face: flags.face ?? null,
        at: flags.at ?? null,
        driverFace: flags.driverFace ?? null,
        strengths: { ...strengths },
        motion: flags.motion,
        reference: flags.reference,
        smoothing: flags.smoothing,
        mark: flags.mark ?? false,
      },
      inputs: {
        'the photo': photo.sha256,
        ...Object.fromEntries(sources.map(({ sha256 }, i) => [`source ${i + 1}`, sha256])),
        ...(video && { 'the driver': video.sha256 }),
      },
    },
    adapter,
  }
}

function listInputs({ photo, sources, video }: Inputs, folder: AnimationFolder) {
  const entry = (role: string, file: string, sha256: string) => ({ role, name: basename(file), sha256 })
  return [
    entry('photo', photo.file, photo.sha256),
    ...sources.map(({ file, sha256 }) => entry('source', file, sha256)),
    ...(video
      ? [entry('driver', video.file, video.sha256)]
      : folder.records.flatMap(({ name, digest }) => (digest ? [entry('driver frame', name, digest)] : []))),
  ]
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
