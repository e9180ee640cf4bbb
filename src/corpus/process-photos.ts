import type { FaceFrame } from '../face/types.js'
import { entryPaths } from './entry.js'
import { type KeptFace, meshMotion } from './pair-sampler.js'
import { keptFace } from './process-video.js'
import { faceRow, figuresOf, rejections } from './rows.js'
import { exceededChecks, makeSample } from './sample-files.js'
import { Tally } from './tally.js'
import { type EntryFindings, type EntryWork, timed } from './work.js'

/**
 * Flow between two photos: the largest face of A, and in B that of the same person.
 * @throws FaceError INVALID_INPUT, NO_FACE
 */
export async function processPhotos({ entry, options, context, writer }: EntryWork): Promise<EntryFindings> {
  const { faceFlow, signal, onFrame } = context
  const [pathA, pathB] = entryPaths(entry) as [string, string]
  const result = await timed(context, 'flow', () =>
    faceFlow.flow(pathA, pathB, { backward: options.backward, ...(signal && { signal }) }),
  )
  const tally = new Tally()
  let passes = true
  const take = async (index: 0 | 1, frame: FaceFrame): Promise<KeptFace> => {
    const measures = faceFlow.measure(frame)
    const rejected = rejections(figuresOf(frame, measures), options.filters)
    const place = {
      entry: entry.id,
      path: entry.names[index] as string,
      frame: index,
      time: null,
      cut: false,
    }
    tally.frame(false)
    tally.face(0, rejected)
    passes &&= rejected.length === 0
    await writer.addFrame(faceRow(place, 0, frame, frame.score, measures, rejected))
    onFrame?.()
    return keptFace(index, null, frame, measures.pose)
  }
  const [a, b] = [await take(0, result.a), await take(1, result.b)]
  const motion = meshMotion(a.mesh, b.mesh)
  if (motion < options.minMotion || motion > options.maxMotion) {
    tally.reject('motion')
    passes = false
  }
  const exceeded = exceededChecks(result)
  for (const code of exceeded) tally.reject(code.toLowerCase())
  if (passes && (exceeded.length === 0 || options.keepDoubtful)) {
    const sample = await timed(context, 'samples', () =>
      makeSample(entry, 0, { a, b, gap: 0, motion }, result, options),
    )
    await timed(context, 'writing', () => writer.addSample(sample))
    tally.pair()
  }
  return { counts: tally.counts, damage: null }
}
