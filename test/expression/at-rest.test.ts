import { expect, it } from 'vitest'
import { FaceError } from '../../src/errors.js'
import { mostAtRest } from '../../src/expression/at-rest.js'
import { FakeFaceFlow } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, syntheticResult } from '../support/synthetic.js'

it('the expression that is most at rest is told among expressions, and nothing else is taken for one', async () => {
  const faceFlow = new FakeFaceFlow(await syntheticResult(mouthOpening))
  const little = await faceFlow.expression(PHOTO_A)
  const more = await faceFlow.expression(PHOTO_A)
  expect(mostAtRest([null, more, little, little])).toBe(2)
  expect(mostAtRest([null])).toBe(-1)
  const turned = { ...little, pose: { ...little.pose, angles: { ...little.pose.angles, yaw: Number.NaN } } }
  for (const wrong of [undefined, little, [undefined], [{}], [turned]]) {
    expect(() => mostAtRest(wrong as never)).toThrow(FaceError)
  }
})
