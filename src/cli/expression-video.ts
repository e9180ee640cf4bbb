import {
  computedBy,
  type Expression,
  type ExpressionInput,
  ExpressionLog,
  type ExpressionMemory,
  type ExpressionRecord,
  type ExpressionStream,
  type ExpressiveFaceFlow,
  FaceError,
  type FrameSource,
  hashFile,
  mostAtRest,
  type PhotoInput,
  type VideoBinding,
  type VideoDamage,
} from '../index.js'
import type { CliContext } from './context.js'
import { optionsOf, type ReadingFlags, type ReadRows, Rows, readOrNull, restNote } from './expression-rows.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { PICTURE_RATE } from './video-options.js'
import { changedPictures, factsOf } from './video-track.js'

/** Frames of a video that are looked at to choose the one at rest, at most. */
const MOST_LOOKS = 96

/**
 * Reads to the end, or to where Ctrl-C is pressed; goes on with what an earlier run of the same read.
 * @param out beside which what was read so far is kept until all is written; null: nowhere
 * @param write told what was read
 * @throws FaceError NO_FACE if no frame shows a face; OUTPUT_FAILED
 */
export async function readVideo(
  context: CliContext,
  faceFlow: ExpressiveFaceFlow,
  source: FrameSource,
  flags: ReadingFlags,
  out: string | null,
  progress: Progress,
  write: (read: ReadRows) => Promise<void>,
): Promise<void> {
  const log = out === null ? null : await ExpressionLog.open(out)
  try {
    for (const note of source.notes) progress.note(`note: ${oneLine(note)}`)
    if (log) {
      progress.step('reading the input')
      const changed = await changedPictures(source, log.earlier)
      for (const note of await log.begin(await bindingOf(source, faceFlow, flags), changed))
        progress.note(oneLine(note))
    }
    const rows = await readFrames(context, faceFlow, source, flags, log, progress)
    const isComplete = !context.interrupted.aborted
    if (isComplete && rows.isEmpty) await log?.discard()
    // Frames of a video have no file that a message could name.
    const why = rows.message?.replace(/^the frame(?=: )/, `${source.path}, frame 0`)
    await write(rows.read(new FaceError('NO_FACE', why ?? `${source.path}: no frame could be read`)))
    if (isComplete) await log?.discard()
    else if (log)
      progress.note(oneLine(`stopped after ${rows.count} frames; the same command goes on from here`))
  } finally {
    await log?.close()
  }
}

/** What the values of a table depend on. */
async function bindingOf(
  source: FrameSource,
  { weights, adapter }: ExpressiveFaceFlow,
  flags: ReadingFlags,
): Promise<VideoBinding> {
  const { neutral } = flags
  const isPhoto = neutral !== undefined && neutral !== 'auto'
  return {
    input: source.path,
    provenance: {
      ...computedBy(weights),
      options: {
        neutral: isPhoto ? 'a photo' : (neutral ?? null),
        face: flags.face ?? null,
        at: flags.at ?? null,
        fieldOfView: flags.fieldOfView ?? null,
        fps: flags.fps ?? null,
        smoothing: flags.smoothing,
      },
      inputs: {
        ...(source.clip && { 'the video': (await hashFile(source.clip.file)).sha256 }),
        ...(isPhoto && { 'the neutral photo': (await hashFile(neutral)).sha256 }),
      },
    },
    adapter,
  }
}

async function readFrames(
  context: CliContext,
  faceFlow: ExpressiveFaceFlow,
  source: FrameSource,
  flags: ReadingFlags,
  log: ExpressionLog | null,
  progress: Progress,
): Promise<Rows> {
  const neutral =
    flags.neutral === 'auto' ? await neutralFrame(context, faceFlow, source, flags, progress) : flags.neutral
  const rate = source.rate ?? flags.fps ?? PICTURE_RATE
  const stream = await faceFlow.expressions({ ...optionsOf(flags, neutral), smoothing: flags.smoothing })
  const rows = new Rows()
  const onDamage = ({ announced, decoded, messages }: VideoDamage) =>
    progress.note(
      oneLine(
        `${source.path}: only ${decoded}${announced === null ? '' : ` of ${announced}`} frames could be read${messages[0] === undefined ? '' : ` (${messages[0]})`}`,
      ),
    )
  const onNote = (note: string) => progress.note(`note: ${oneLine(note)}`)
  const earlier = log?.records ?? []
  const first = earlier.findIndex(({ memory }) => memory.tracker?.face)
  const last = earlier.findLastIndex(({ memory }) => memory.tracker?.face)
  const place = (frame: number, seconds: number) => {
    return { file: source.files?.[frame] ?? source.path, frame, time: seconds }
  }
  const goOn = async (faces: Parameters<ExpressionStream['resume']>[1]) => {
    const steps = await stream.resume(
      earlier.map(({ memory }) => memory),
      faces,
    )
    for (const [i, step] of steps.entries()) {
      const { memory, message } = earlier[i] as ExpressionRecord
      rows.add({ ...place(i, memory.time), ...step, ...(message !== undefined && { message }) })
      progress.pass()
    }
  }
  /** Pictures of the first and the last face that an earlier run saw. */
  const faces: PhotoInput[] = []
  let frame = first < 0 ? earlier.length : first
  for await (const shown of source.frames(frame, context.interrupted, onDamage, onNote)) {
    if (context.interrupted.aborted) break
    if (frame === first) faces[0] = shown.photo
    if (frame === last) faces[1] = shown.photo
    if (frame >= earlier.length) {
      if (rows.count < frame) await goOn(first < 0 ? null : (faces as [PhotoInput, PhotoInput]))
      progress.step(`reading ${shown.name}`)
      const seconds = shown.time ?? frame / rate
      const step = await stream.next(shown.photo, seconds)
      // Of the first face: later frames say the same, and the table has all.
      if (rows.isEmpty)
        for (const warning of step.expression?.warnings ?? []) progress.note(`note: ${oneLine(warning)}`)
      if (step.status === 'lost' && !rows.isLost) {
        progress.note(oneLine(`frame ${frame}: ${step.message ?? 'no face'}`))
      }
      const { message } = step
      await log?.append({
        ...(await factsOf(source, shown, frame)),
        memory: stream.memory as ExpressionMemory,
        ...(message !== undefined && { message }),
      })
      rows.add({ ...place(frame, seconds), ...step })
      progress.advance()
    }
    frame++
  }
  // Nothing was left to read, or it is stopped before.
  if (rows.count < earlier.length) await goOn(null)
  return rows
}

async function neutralFrame(
  context: CliContext,
  faceFlow: ExpressiveFaceFlow,
  source: FrameSource,
  flags: ReadingFlags,
  progress: Progress,
  count = source.count ?? 0,
): Promise<ExpressionInput | undefined> {
  const step = Math.max(1, Math.ceil(count / MOST_LOOKS))
  let best: { readonly name: string; readonly expression: Expression } | undefined
  let frame = 0
  for await (const { name, photo } of source.frames(0, context.interrupted)) {
    if (frame++ % step !== 0) continue
    progress.step(`looking for the face at rest, ${name}`)
    const expression = await readOrNull(faceFlow, photo, flags)
    if (mostAtRest([best?.expression ?? null, expression]) === 1) {
      best = { name, expression: expression as Expression }
    }
  }
  context.interrupted.throwIfAborted()
  // Headers tell lengths wrongly where recordings were joined.
  if (2 * frame < count && step > 1)
    return await neutralFrame(context, faceFlow, source, flags, progress, frame)
  if (best) progress.note(restNote(best.name, best.expression))
  return best?.expression.face
}
