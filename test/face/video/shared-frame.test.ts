import { afterAll, beforeAll, expect, it } from 'vitest'
import { DeepFaceFlow } from '../../../src/face/deep-face-flow.js'
import type { FlowResult } from '../../../src/face/types.js'
import { Engine } from '../../../src/runtime/engine.js'
import { readPhoto } from '../../e2e/pictures.js'

/** Both flows to a frame in one submission, in which that frame is looked at once. */

let engine: Engine
let face: DeepFaceFlow

beforeAll(async () => {
  engine = await Engine.open()
  face = await DeepFaceFlow.create({
    engine,
    weights: 'dffnet-m-small',
    refinement: 'none',
    depth: 'network',
  })
})
afterAll(() => {
  face.dispose()
  engine.dispose()
})

it.each([true, false])(
  'have the bits of separate pairs, with the way back: %s',
  async (backward) => {
    const video = face.video({ smooth: false, backward })
    const frames = await Promise.all(
      [0, 1, 2].map((n) => readPhoto(`test/fixtures/eval/real/talk-0${n}.jpg`)),
    )
    const [reference, first, second] = frames as [(typeof frames)[0], (typeof frames)[0], (typeof frames)[0]]
    await video.start(reference)
    const one = await video.next(first)
    expect(one.frameToFrame).toBe(one.frameToReference)
    const { queue } = engine.device
    const submit = queue.submit
    let submissions = 0
    queue.submit = (commands) => {
      submissions++
      return submit.call(queue, commands)
    }
    const { frameToFrame, frameToReference } = await video.next(second)
    Reflect.deleteProperty(queue, 'submit')
    // Mesh, registration, both pairs.
    expect(submissions).toBe(3)
    expect(frameToFrame.a.registered.data).not.toEqual(frameToReference.a.registered.data)
    for (const found of [frameToFrame, frameToReference] as FlowResult[]) {
      const alone = await face.flowRegistered(found.a, found.b, { backward })
      for (const key of [
        'flow',
        'backwardFlow',
        'mask',
        'meshA',
        'meshB',
        'occlusion',
        'warnings',
      ] as const) {
        expect(found[key], key).toEqual(alone[key])
      }
      expect(found.timingsMs.flow).toBeGreaterThan(0)
    }
    expect(Object.keys(frameToFrame.timingsMs)).toContain('track')
    expect(Object.keys(frameToReference.timingsMs)).not.toContain('track')
  },
  300_000,
)
