import {
  type AnimatingFaceFlow,
  type Animation,
  type AnimationFolder,
  coverStretches,
  drawSyntheticMark,
  encodeDescribedPng,
  FaceError,
  type FaceFrame,
  type FrameSource,
  type ObservedFrame,
  type PhotoInput,
  referenceFrame,
  severalFaces,
  showsMouth,
  smoothedMotion,
  syntheticXmp,
  type VideoDamage,
  writeFileAtomic,
} from '../index.js'
import type { AnimateFlags } from './animate-options.js'
import type { CliContext } from './context.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { factsOf } from './video-track.js'

/** Frames of a driver that are looked at to choose its reference, at most. */
const MOST_LOOKS = 96

/** What watching the driver found out. */
export interface Observed {
  /** What of a video could not be read. */
  readonly damage: VideoDamage | null
  /** Of its times. */
  readonly notes: readonly string[]
  /** Of all faces of the reference; null where it was not looked for in this run. */
  readonly referenceBoxes: readonly FaceFrame['box'][] | null
}

/**
 * The motion of every frame that has no record yet.
 * @throws FaceError NO_FACE if no frame shows a face
 */
export async function observeFrames(
  context: CliContext,
  driver: FrameSource,
  folder: AnimationFolder,
  faceFlow: AnimatingFaceFlow,
  animation: Animation,
  flags: AnimateFlags,
  progress: Progress,
): Promise<Observed> {
  let referenceBoxes: Observed['referenceBoxes'] = null
  if (folder.reference === null) {
    if (flags.reference === 'auto') {
      const chosen = await chooseReference(context, driver, faceFlow, animation, flags, progress)
      await folder.setReference(chosen.frame)
      referenceBoxes = chosen.boxes
    } else await folder.setReference(flags.reference)
  }
  const index = folder.reference as number
  const reference = await frameOf(context, driver, index)
  const first = folder.records.length
  let isReady = first === 0
  let still: ObservedFrame | undefined
  if (isReady) still = await animation.start(reference)
  // The tracker goes on from the last frame that showed the face.
  const last = folder.observed.findLastIndex(({ status }) => status !== 'held')
  let damage: VideoDamage | null = null
  let frame = 0
  const onDamage = (found: VideoDamage) => {
    damage = found
  }
  const notes: string[] = []
  const onNote = (note: string) => {
    notes.push(note)
  }
  let previous: PhotoInput = reference
  for await (const shown of driver.frames(0, context.interrupted, onDamage, onNote)) {
    if (context.interrupted.aborted) break
    if (frame === last) previous = shown.photo
    if (frame >= first) {
      progress.step(`watching ${shown.name}`)
      if (!isReady) {
        const [before] = folder.observed.slice(-1)
        still = await animation.resume(folder.memories, reference, previous, before as ObservedFrame)
        isReady = true
      }
      const observed = await observe(animation, shown.photo, frame === index ? still : undefined)
      if (observed.status === 'held' && folder.observed.at(-1)?.status !== 'held') {
        progress.note(oneLine(`frame ${frame}: ${observed.message ?? 'no face'}; the motion before is held`))
      }
      for (const { part, told, first: begins } of coverStretches([...folder.observed.slice(-1), observed])) {
        if (begins === Math.min(1, frame))
          progress.note(
            oneLine(
              `frame ${frame}: something seems to cover the driver's ${part} (${told}); the photo's is held, then at rest, until that is free`,
            ),
          )
      }
      await folder.append(await factsOf(driver, shown, frame), observed, animation.memory)
    }
    progress.advance()
    frame++
  }
  if (!isReady && !context.interrupted.aborted && first < frame)
    throw new FaceError('NO_FACE', 'no frame was left')
  return { damage, notes, referenceBoxes }
}

async function observe(
  animation: Animation,
  photo: PhotoInput,
  still: ObservedFrame | undefined,
): Promise<ObservedFrame> {
  const observed = await animation.observe(photo)
  // The reference does not move against itself, not by a rounding.
  return still ? { ...observed, motion: still.motion } : observed
}

/** What a frame shows that may become the reference. */
interface Look {
  readonly frame: number
  /** 468x3 of the face that is followed. */
  readonly face: Float32Array | null
  /** Of all faces. */
  readonly boxes: readonly FaceFrame['box'][]
}

async function chooseReference(
  context: CliContext,
  driver: FrameSource,
  faceFlow: AnimatingFaceFlow,
  animation: Animation,
  flags: AnimateFlags,
  progress: Progress,
  count = driver.count ?? 0,
): Promise<Look> {
  const step = Math.max(1, Math.ceil(count / MOST_LOOKS))
  const looked: Look[] = []
  const { driverFace = 1 } = flags
  let most = 0
  let frame = 0
  for await (const { name, photo } of driver.frames(0, context.interrupted)) {
    if (frame % step === 0) {
      progress.step(`looking for the reference, ${name}`)
      const faces = await facesOf(faceFlow, photo)
      most = Math.max(most, faces.length)
      const boxes = faces.map(({ box }) => box)
      looked.push({ frame, face: faces[driverFace - 1]?.landmarks468 ?? null, boxes })
    }
    frame++
  }
  context.interrupted.throwIfAborted()
  // Headers tell lengths wrongly where recordings were joined.
  if (2 * frame < count && step > 1)
    return await chooseReference(context, driver, faceFlow, animation, flags, progress, frame)
  if (most > 0 && most < driverFace) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${driver.path}: no frame looked at shows ${driverFace} faces, the most are ${most}; give --driver-face a lower number`,
      { driverFace, faces: most },
    )
  }
  if (looked.every(({ face }) => face === null)) {
    throw new FaceError(
      'NO_FACE',
      `${driver.path}: none of the ${looked.length} frames looked at shows a face; give a driver that shows one`,
      { file: driver.path },
    )
  }
  const best = referenceFrame(
    looked.map(({ face }) => face),
    animation.face.landmarks468,
  )
  return looked[best] as Look
}

async function facesOf(faceFlow: AnimatingFaceFlow, photo: PhotoInput): Promise<readonly FaceFrame[]> {
  try {
    return await faceFlow.detect(photo)
  } catch (error) {
    if (error instanceof FaceError && (error.code === 'NO_FACE' || error.code === 'INVALID_INPUT')) return []
    throw error
  }
}

/**
 * Which face is followed, where the reference shows several.
 * @param known see `Observed.referenceBoxes`
 */
export async function driverFaces(
  context: CliContext,
  driver: FrameSource,
  reference: number,
  known: Observed['referenceBoxes'],
  faceFlow: AnimatingFaceFlow,
  { driverFace = 1 }: AnimateFlags,
): Promise<string[]> {
  const look = async () => facesOf(faceFlow, await frameOf(context, driver, reference))
  const boxes = known ?? (await look()).map(({ box }) => box)
  return severalFaces(boxes, driverFace - 1, `${driver.path}, frame ${reference}`, true)
}

/** @throws FaceError INVALID_ARGUMENT if the driver has no such frame */
async function frameOf(context: CliContext, driver: FrameSource, index: number): Promise<PhotoInput> {
  let frame = 0
  for await (const { photo } of driver.frames(0, context.interrupted)) {
    if (frame === index) return photo
    frame++
  }
  context.interrupted.throwIfAborted()
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${driver.path}: has ${frame} frames, no frame ${index}; give --reference a number below ${frame}, or auto`,
    { reference: index, frames: frame },
  )
}

/** What drawing found out. */
export interface Drawn {
  /** Largest turn that the photo cannot show, degrees, and how many frames are held for it. */
  readonly beyond: { readonly yaw: number; readonly pitch: number; readonly frames: number } | null
}

/** Draws the pictures that are not there yet. */
export async function drawFrames(
  context: CliContext,
  driver: FrameSource,
  folder: AnimationFolder,
  animation: Animation,
  flags: AnimateFlags,
  progress: Progress,
): Promise<Drawn> {
  const { observed } = folder
  if (!animation.isStarted) await animation.start(await frameOf(context, driver, folder.reference as number))
  const xmp = syntheticXmp()
  let beyond: Drawn['beyond'] = null
  let shown: PhotoInput | undefined
  let frame = 0
  for await (const { name, photo } of driver.frames(0, context.interrupted)) {
    const seen = observed[frame]
    if (context.interrupted.aborted || seen === undefined) break
    progress.step(`drawing ${name}`)
    if (showsMouth(seen)) shown = photo
    const motion = flags.smoothing ? smoothedMotion(observed, frame) : seen.motion
    const turned = animation.turnBeyond(motion)
    if (turned) beyond = larger(beyond, turned)
    if (!(await folder.hasPicture(frame))) {
      const { image } = await animation.draw({ ...seen, motion }, photo, shown)
      const own = { ...image, data: image.data.slice() }
      const written = flags.mark ? await drawSyntheticMark(own) : image
      await writeFileAtomic(folder.picture(frame), await encodeDescribedPng(written, xmp))
    }
    progress.advance()
    frame++
  }
  return { beyond }
}

function larger(
  before: Drawn['beyond'],
  { yaw, pitch }: { readonly yaw: number; readonly pitch: number },
): NonNullable<Drawn['beyond']> {
  const far = (a: number, b: number) => (Math.abs(a) > Math.abs(b) ? a : b)
  return {
    yaw: far(yaw, before?.yaw ?? 0),
    pitch: far(pitch, before?.pitch ?? 0),
    frames: (before?.frames ?? 0) + 1,
  }
}
