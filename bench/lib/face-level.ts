import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeepFaceFlow } from '../../src/index.js'
import { packageFacts } from '../../src/platform/node/package-root.js'
import type { Engine } from '../../src/runtime/engine.js'
import { type MeasureOptions, measure, type Timing } from './measure.js'

/** Real frames of one talking person, one soon after the other. */
const FRAMES = ['talk-00.jpg', 'talk-01.jpg', 'talk-02.jpg']

/** The face level on the engine's device: JPEG bytes in, everything the result holds out; forward flow only. */
export async function faceLevel(
  engine: Engine,
  settings: MeasureOptions,
): Promise<{
  readonly timings: Readonly<Record<string, Timing>>
  readonly partsMs: Readonly<Record<string, number>>
}> {
  const [a, b, c] = await Promise.all(
    FRAMES.map((name) => readFile(join(packageFacts().root, 'test', 'fixtures', 'eval', 'real', name))),
  )
  if (a === undefined || b === undefined || c === undefined) throw new TypeError('three frames are needed')
  const face = await DeepFaceFlow.create({ device: engine.device })
  try {
    const options = { backward: false }
    let partsMs: Readonly<Record<string, number>> = {}
    const photos = await measure(
      'two photos -> flow',
      async () => {
        partsMs = (await face.flow(a, b, options)).timingsMs
        return undefined
      },
      settings,
    )
    const video = face.video({ ...options, flows: 'previous' })
    await video.start(a)
    const frames = [a, b, c, b]
    let next = 0
    const frame = await measure(
      'video frame -> flow from the one before',
      async () => {
        await video.next(frames[next++ % frames.length] as Buffer)
        return undefined
      },
      settings,
    )
    const [found] = await face.detect(a)
    if (found === undefined) throw new TypeError('the first frame shows no face')
    const expression = await measure(
      'face of a frame -> coefficients, gaze, pose',
      async () => {
        await face.expression(found)
        return undefined
      },
      settings,
    )
    return {
      timings: {
        'two photos -> flow': photos,
        'video frame -> flow from the one before': frame,
        'face of a frame -> coefficients, gaze, pose': expression,
      },
      partsMs,
    }
  } finally {
    face.dispose()
  }
}
