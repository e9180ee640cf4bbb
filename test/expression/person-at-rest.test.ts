import { afterAll, beforeAll, expect, it } from 'vitest'
import type { FaceReader } from '../../src/expression/face-reader.js'
import { FrameExpressions } from '../../src/expression/frame-expressions.js'
import type { VideoTracker } from '../../src/face/types.js'
import { applySimilarityToPoints } from '../../src/geometry/similarity.js'
import { DeepFaceFlow, type FaceFrame } from '../../src/index.js'

let faceFlow: DeepFaceFlow
beforeAll(async () => {
  faceFlow = await DeepFaceFlow.create()
})
afterAll(() => faceFlow.dispose())

const meshOf = ({ landmarks468, toTemplate }: FaceFrame) =>
  applySimilarityToPoints(toTemplate, landmarks468, 3)

it('a video is asked once whose face it shows: of the first that is turned little enough to tell', async () => {
  const [face, other] = (await Promise.all(
    ['faker_male_000', 'faker_female_019'].map(async (name) => {
      return (await faceFlow.detect(`test/fixtures/photos/${name}.jpg`))[0]
    }),
  )) as [FaceFrame, FaceFrame]
  const yaws = [-35, 5, 5]
  const read = (yaw: number) => ({
    ...{
      mesh: Float32Array.from(meshOf(face)),
      presence: 1,
      features: new Float32Array(),
      yaw,
      pitch: 0,
      roll: 0,
    },
    ...{ coefficients: new Float32Array(51), confidence: new Float32Array(51) },
  })
  const reader = { read: async () => read(yaws.shift() as number), unseen: () => [] }
  const rest = {
    ...{ name: 'rest.jpg', features: new Float32Array(), coefficients: new Float32Array(51), covers: [] },
    seen: { registered: other.registered, mesh: Float32Array.from(meshOf(other)), yaw: 0 },
  }
  const means = { reader: reader as unknown as FaceReader, rest }
  const stream = new FrameExpressions({} as VideoTracker<'none'>, means, false)
  const told = []
  for (const time of [0, 1, 2]) {
    const { expression } = await stream.next(face, time)
    told.push(expression?.warnings.some((warning) => warning.includes('unlike the one at rest in rest.jpg')))
  }
  expect(told).toEqual([false, true, false])
})
