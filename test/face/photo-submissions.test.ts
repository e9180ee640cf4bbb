import { afterAll, beforeAll, expect, it } from 'vitest'
import { DeepFaceFlow } from '../../src/face/deep-face-flow.js'
import { demoPhotos } from '../../src/io/demo.js'
import { Engine } from '../../src/runtime/engine.js'

/** Photos to flow in three submissions: both detectors, both meshes, both registrations with the pair. */

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

it('takes three submissions, and gives the bits of the faces that it hands out', async () => {
  const { queue } = engine.device
  const submit = queue.submit
  const counted = { submissions: 0 }
  // Also compiles what the first photos need.
  const [a, b] = demoPhotos()
  await face.flow(a, b)
  queue.submit = (commands) => {
    counted.submissions++
    return submit.call(queue, commands)
  }
  const result = await face.flow(a, b)
  Reflect.deleteProperty(queue, 'submit')
  expect(counted.submissions).toBe(3)
  expect(result.a.registered).toBe(result.registeredA)
  const registered = await face.flowRegistered(result.a, result.b)
  expect(registered.flow).toEqual(result.flow)
  expect(registered.backwardFlow).toEqual(result.backwardFlow)
  // As each photo alone.
  const [alone] = await face.detect(b)
  expect(alone?.landmarks468).toEqual(result.b.landmarks468)
  expect(Buffer.compare(alone?.registered.data as Uint8Array, result.b.registered.data)).toBe(0)
})
