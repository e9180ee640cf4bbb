import {
  type ExpressiveFaceFlow,
  FaceError,
  type FaceFrame,
  type FrameFacts,
  type FrameSource,
  hasFlow,
  hashFile,
  type PhotoInput,
  type ReadExpression,
  type SourceFrame,
  type TrackerMemory,
  type VideoDamage,
  type VideoFolder,
  type VideoTracker,
} from '../index.js'
import type { CliContext } from './context.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'

/**
 * Works through the frames that have no record yet.
 * @returns what of a video file could not be read
 * @throws FaceError NO_FACE if no frame shows a face
 */
export async function trackFrames(
  context: CliContext,
  source: FrameSource,
  folder: VideoFolder,
  tracker: VideoTracker,
  reader: ReadFace | null,
  progress: Progress,
): Promise<VideoDamage | null> {
  const earlier = [...folder.records]
  const first = earlier.findIndex(({ status }) => status === 'reference')
  const last = earlier.findLastIndex((record) => hasFlow(record) || record.status === 'reference')
  let damage: VideoDamage | null = null
  let reference: PhotoInput | null = null
  let started = false
  let index = Math.max(0, first)
  for (let k = 0; k < index; k++) progress.pass()
  const onDamage = (found: VideoDamage) => {
    damage = found
  }
  const onNote = (note: string) => progress.note(oneLine(note))
  for await (const shown of source.frames(index, context.interrupted, onDamage, onNote)) {
    if (context.interrupted.aborted) break
    progress.step(shown.name)
    const isSeen = index < earlier.length
    if (isSeen) {
      // Seen by an earlier run: the tracker needs only the two frames that flow starts from.
      if (index === first) reference = shown.photo
      if (index === last && reference !== null) {
        await tracker.resume(folder.memories, reference, shown.photo)
        started = true
      }
    } else {
      started = await trackFrame(
        folder,
        tracker,
        await factsOf(source, shown, index),
        shown,
        started,
        reader,
        progress,
      )
    }
    if (isSeen) progress.pass()
    else progress.advance()
    index++
  }
  if (!started && !context.interrupted.aborted) {
    throw new FaceError(
      'NO_FACE',
      `none of the ${folder.records.length} frames shows a face; check the input`,
    )
  }
  return damage
}

/** A frame without the face, or one that cannot be read, is logged and does not end the video. @returns whether there is a reference */
async function trackFrame(
  folder: VideoFolder,
  tracker: VideoTracker,
  facts: FrameFacts,
  { photo }: SourceFrame,
  started: boolean,
  reader: ReadFace | null,
  progress: Progress,
): Promise<boolean> {
  try {
    if (started) {
      const step = await tracker.next(photo)
      const expression = await reader?.(step.frameToReference.b, facts)
      await folder.writeStep(facts, step, tracker.memory, expression)
    } else {
      const face = await tracker.start(photo)
      const expression = await reader?.(face, facts)
      const { landmarks68, score } = face
      await folder.append({
        ...facts,
        status: 'reference',
        confidence: score,
        landmarks68: [...landmarks68],
        ...(expression !== undefined && { expression }),
        ...remembered(tracker.memory),
      })
    }
    return true
  } catch (error) {
    if (!(error instanceof FaceError) || (error.code !== 'NO_FACE' && error.code !== 'INVALID_INPUT'))
      throw error
    const before = folder.records.at(-1)?.status
    const { cut = false, similarity = null } = error.details as { cut?: boolean; similarity?: number | null }
    const status = started ? 'lost' : 'no-face'
    // A face that is mostly cut off is bad input too, but the picture was read.
    const isUnreadable = error.code === 'INVALID_INPUT' && tracker.memory === null
    const message = { message: error.message }
    // A loss is said once, not for every frame that it lasts.
    if (isUnreadable || before !== status) {
      progress.note(oneLine(`frame ${facts.frame}: ${error.message}`))
    }
    await folder.append(
      isUnreadable
        ? { ...facts, status: 'unreadable', ...message }
        : { ...facts, status, cut, similarity, ...message, ...(started && remembered(tracker.memory)) },
    )
    return started
  }
}

/** What the face of a frame does; null where that cannot be read. */
export type ReadFace = (face: FaceFrame, facts: FrameFacts) => Promise<ReadExpression | null>

/** Reads faces that the tracker has found, each by itself: what is smoothed depends on where a run began. */
export async function expressionReader(
  faceFlow: ExpressiveFaceFlow,
  neutral: string | undefined,
): Promise<ReadFace> {
  const stream = await faceFlow.expressions({ smoothing: false, ...(neutral !== undefined && { neutral }) })
  return async (face, facts) => {
    const { expression } = await stream.next(face, facts.frame)
    if (expression === null) return null
    const { face: _, ...read } = expression
    return read
  }
}

function remembered(memory: TrackerMemory | null): { tracker?: TrackerMemory } {
  return memory ? { tracker: memory } : {}
}

export async function factsOf(
  source: FrameSource,
  { name, time }: SourceFrame,
  frame: number,
): Promise<FrameFacts> {
  const file = source.files?.[frame]
  const digest = file === undefined ? undefined : await digestOf(file)
  return { frame, name, time, ...(digest !== undefined && { digest }) }
}

/** Pictures that are not those which an earlier run saw, in words: the first of them. */
export async function changedPictures(
  { files }: FrameSource,
  records: readonly FrameFacts[],
): Promise<string[]> {
  if (files === null) return []
  for (const { frame, name, digest } of records) {
    const file = files[frame]
    if (file === undefined) return [`frame ${frame} (${name} is gone)`]
    if (file !== name) return [`frame ${frame} (${name}, now ${file})`]
    if ((await digestOf(file)) !== digest) return [`frame ${frame} (${name} has changed)`]
  }
  return []
}

/** SHA-256 of a picture, hex; undefined where it cannot be read, which decoding will say. */
async function digestOf(file: string): Promise<string | undefined> {
  return (await hashFile(file).catch(() => undefined))?.sha256
}
