import { realpath } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import {
  type AnimatingFaceFlow,
  type AnimationFolder,
  computedBy,
  decodePhoto,
  FaceError,
  type FrameSource,
  type HashedFile,
  hashFile,
  photoFile,
  type VideoBinding,
} from '../index.js'
import { type AnimateFlags, animateOptions } from './animate-options.js'
import { boundOptions } from './options.js'

/** The photo and further ones of the person. */
export interface Photos {
  readonly photo: HashedFile
  /** Of the photo, px. */
  readonly width: number
  readonly height: number
  readonly sources: readonly HashedFile[]
}

/** All that the command reads. */
export interface Inputs extends Photos {
  readonly driver: FrameSource
  /** Null for pictures, whose hashes are in the log. */
  readonly video: HashedFile | null
}

/**
 * Before the driver, which may be a pipe that is read to its end: what is wrong with a photo is said first.
 * @throws FaceError INVALID_INPUT
 */
export async function readPhotos(photo: string, { source }: AnimateFlags): Promise<Photos> {
  const hashed = await hashFile(photoFile(photo, 'the photo'))
  const { width, height } = await decodePhoto(hashed.file)
  const sources: HashedFile[] = []
  for (const further of source) {
    sources.push(await hashFile(photoFile(further, 'the source')))
    await decodePhoto(further)
  }
  return { photo: hashed, width, height, sources }
}

/** @throws FaceError INVALID_INPUT; INVALID_ARGUMENT where the output would replace an input */
export async function readInputs(photos: Photos, driver: FrameSource, flags: AnimateFlags): Promise<Inputs> {
  const video = driver.clip && (await hashFile(driver.clip.file))
  const read = [photos.photo, ...photos.sources, ...(video ? [video] : [])].map(({ file }) => file)
  if (read.some((file) => resolve(file) === resolve(flags.out))) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${flags.out}: would replace what it is made of; give another name with -o`,
    )
  }
  return { ...photos, driver, video }
}

/** @throws FaceError INVALID_ARGUMENT where pictures would be put among the driver's, and be taken for its frames when the run is gone on with */
export async function assertApart({ files }: FrameSource, out: string): Promise<void> {
  const folders = new Set(files?.map((file) => dirname(file)))
  const place = await realpath(out)
  for (const folder of folders) {
    if ((await realpath(folder).catch(() => null)) !== place) continue
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${out}: holds the driver's frames, among which those that are made would be taken for more; give another folder with -o`,
      { file: out },
    )
  }
}

/** What an animation's frames depend on. */
export function bindingOf(
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
        ...boundOptions(flags),
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

/** As the manifest lists them. */
export function listInputs({ photo, sources, video }: Inputs, folder: AnimationFolder) {
  const entry = (role: string, file: string, sha256: string) => ({ role, name: basename(file), sha256 })
  return [
    entry('photo', photo.file, photo.sha256),
    ...sources.map(({ file, sha256 }) => entry('source', file, sha256)),
    ...(video
      ? [entry('driver', video.file, video.sha256)]
      : folder.records.flatMap(({ name, digest }) => (digest ? [entry('driver frame', name, digest)] : []))),
  ]
}
