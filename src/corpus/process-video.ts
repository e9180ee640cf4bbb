import { FaceError } from '../errors.js'
import type { FaceFrame, RegisteredFace, TrackedFace } from '../face/types.js'
import { applySimilarityToPoints } from '../geometry/similarity.js'
import { openFrames, type SourceFrame } from '../io/frames.js'
import type { VideoDamage } from '../platform/node/video-frame.js'
import { entryPaths } from './entry.js'
import { type ChosenPair, type KeptFace, PairSampler } from './pair-sampler.js'
import { type FramePlace, faceless, faceRow, figuresOf, rejections } from './rows.js'
import { exceededChecks, makeSample, type Sample } from './sample-files.js'
import { Tally } from './tally.js'
import { type EntryFindings, type EntryWork, timed, timedEach } from './work.js'

/** Pairs that are computed at a time: while one is on the device, another one's files are made. */
const IN_FLIGHT = 3

/**
 * Follows every face of a video or of a folder of frames, and computes the chosen pairs of a track as soon as it has ended.
 * @throws FaceError INVALID_INPUT if not one frame can be read
 */
export async function processVideo(work: EntryWork): Promise<EntryFindings> {
  const { entry, context } = work
  const { signal = new AbortController().signal } = context
  const source = await openFrames(entryPaths(entry)[0] as string, signal)
  for (const note of source.notes) context.onNote?.(note)
  const tracker = context.faceFlow.everybody({ signal })
  const tally = new Tally()
  const samplers = new Map<number, PairSampler>()
  let damage: VideoDamage | null = null
  let index = 0
  let unreadable: FaceError | undefined
  const onDamage = (found: VideoDamage) => {
    damage = found
  }
  const finish = async (track: number) => {
    const pairs = samplers.get(track)?.choose() ?? []
    samplers.delete(track)
    await computePairs(work, track, pairs, tally)
  }
  const frames = source.frames(0, signal, onDamage, context.onNote)
  for await (const shown of timedEach(context, 'decoding', frames)) {
    const place = { entry: entry.id, path: entry.names[0] as string, frame: index++, time: shown.time }
    try {
      const { cut, faces, ended } = await timed(context, 'faces', () => tracker.next(shown.photo))
      tally.frame(cut)
      for (const track of ended) await finish(track)
      if (faces.length === 0) await work.writer.addFrame(rejectedFrame(tally, { ...place, cut }, 'no_face'))
      for (const face of faces) {
        await takeFace(work, { ...place, cut }, face, samplers, tally)
      }
    } catch (error) {
      if (!(error instanceof FaceError) || error.code !== 'INVALID_INPUT') throw error
      unreadable ??= error
      await work.writer.addFrame(rejectedFrame(tally, { ...place, cut: false }, 'unreadable'))
    }
    context.onFrame?.()
  }
  signal.throwIfAborted()
  if (tally.counts.frames === 0 && unreadable !== undefined) throw unreadable
  for (const track of [...samplers.keys()]) await finish(track)
  if (damage !== null) context.onNote?.(describeDamage(damage))
  if (tally.counts.faces === 0) context.onNote?.(`none of the ${index} frames shows a face`)
  return { counts: tally.counts, damage }
}

function rejectedFrame(tally: Tally, place: FramePlace, why: 'no_face' | 'unreadable') {
  tally.reject(why)
  return faceless(place, why)
}

async function takeFace(
  { entry, options, context, writer }: EntryWork,
  place: FramePlace,
  { track, frame, detectorScore }: TrackedFace,
  samplers: Map<number, PairSampler>,
  tally: Tally,
): Promise<void> {
  const measures = context.faceFlow.measure(frame)
  const rejected = rejections(figuresOf(frame, measures), options.filters)
  tally.face(track, rejected)
  await writer.addFrame(faceRow(place, track, frame, detectorScore, measures, rejected))
  if (rejected.length > 0) return
  const sampler =
    samplers.get(track) ?? new PairSampler(options, `${entry.id} ${track}`, (why) => tally.reject(why))
  samplers.set(track, sampler)
  sampler.add(keptFace(place.frame, place.time, frame, measures.pose))
}

/** What pairs need of a face, without the photo. */
export function keptFace(
  frame: number,
  time: SourceFrame['time'],
  { registered, landmarks468, toTemplate }: FaceFrame,
  pose: KeptFace['pose'],
): KeptFace {
  const mesh = applySimilarityToPoints(toTemplate, landmarks468, 3)
  return { frame, time, registered, mesh: Float32Array.from(mesh), toTemplate, pose }
}

/** As a pair of flows takes it; the vertices are where the registered frame shows them. */
function registeredFace({ registered, mesh }: KeptFace): RegisteredFace {
  return { registered, landmarks468: mesh, toTemplate: { a: 1, b: 0, tx: 0, ty: 0 } }
}

/** Computes pairs, a few at a time, and writes those that pass their checks, in order. */
async function computePairs(
  { entry, options, context, writer }: EntryWork,
  track: number,
  pairs: readonly ChosenPair[],
  tally: Tally,
): Promise<void> {
  const { faceFlow, signal } = context
  const ms = { waited: 0, samples: 0 }
  const compute = async (pair: ChosenPair): Promise<Sample | null> => {
    const result = await faceFlow.flowRegistered(registeredFace(pair.a), registeredFace(pair.b), {
      backward: options.backward,
      ...(signal && { signal }),
    })
    const exceeded = exceededChecks(result)
    for (const code of exceeded) tally.reject(code.toLowerCase())
    if (exceeded.length > 0 && !options.keepDoubtful) return null
    const began = performance.now()
    const sample = await makeSample(entry, track, pair, result, options)
    ms.samples += performance.now() - began
    return sample
  }
  const underWay: Promise<Sample | null>[] = []
  const write = async () => {
    const began = performance.now()
    const sample = await underWay.shift()
    ms.waited += performance.now() - began
    if (!sample) return
    await timed(context, 'writing', () => writer.addSample(sample))
    tally.pair()
  }
  try {
    for (const pair of pairs) {
      underWay.push(compute(pair))
      if (underWay.length >= IN_FLIGHT) await write()
    }
    while (underWay.length > 0) await write()
  } finally {
    await Promise.allSettled(underWay)
    const samples = Math.min(ms.samples, ms.waited)
    context.onTime?.('samples', samples)
    context.onTime?.('flow', ms.waited - samples)
  }
}

function describeDamage({ announced, decoded, messages }: VideoDamage): string {
  const count = announced !== null && announced > decoded ? `${decoded} of ${announced}` : String(decoded)
  const why = messages.length > 0 ? ` (ffmpeg: ${messages.join('; ')})` : ''
  return `damaged or incomplete, ${count} frames could be read${why}; what could be read is in the corpus`
}
