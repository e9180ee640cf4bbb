import { TEMPLATE_SIZE } from '../geometry/types.js'
import { isExternalTexture } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'
import { ownedFrame } from './owned-photo.js'
import { isRegisteredFace } from './register/registered-frame.js'
import type { FrameInput, FramePixels } from './types.js'

/** Two frames that a flow leads between. */
export type FramePair = readonly [FrameInput, FrameInput]

/**
 * Frames as they are now, for work that may wait for its turn. A video's picture ends with the present task, so it is copied at once.
 * @param work given the pairs in their order; settles when they are not needed any more
 */
export async function holdingFrames<T>(
  engine: Engine,
  pairs: readonly FramePair[],
  work: (own: readonly FramePair[]) => Promise<T>,
): Promise<T> {
  const copies: ReturnType<Engine['copyPicture']>[] = []
  const ownPixels = (frame: FramePixels): FramePixels => {
    if (!isExternalTexture(frame)) return ownedFrame(frame)
    const copy = engine.copyPicture(frame, TEMPLATE_SIZE, TEMPLATE_SIZE)
    copies.push(copy)
    return copy.pixels
  }
  const own = (frame: FrameInput): FrameInput => {
    if (!isRegisteredFace(frame)) return ownPixels(frame)
    const { registered, landmarks468, toTemplate } = frame
    // What is no array of numbers is refused when its turn comes, see `assertLandmarks`.
    const landmarks = ArrayBuffer.isView(landmarks468) ? landmarks468.slice() : landmarks468
    return { registered: ownPixels(registered), landmarks468: landmarks, toTemplate: { ...toTemplate } }
  }
  const result = work(pairs.map(([a, b]) => [own(a), own(b)]))
  const [value] = await Promise.all([result, ...copies.map(({ accepted }) => accepted)])
  // After a failure something may still be on its way that reads them: then they are left to the collector.
  for (const { pixels } of copies) pixels.destroy()
  return value
}
